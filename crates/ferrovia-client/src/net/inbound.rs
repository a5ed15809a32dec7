//! Frames off a socket. The announced length is believed only as far as bytes have arrived.

use std::io;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::dial::in_words;
use crate::budget::{Credit, FramePool};
use crate::error::CloseReason;

/// The reading half of a connection, with a small buffer so that short answers cost one system
/// call. Long frames bypass it.
pub(super) struct Inbound<R> {
    reader: R,
    frame_limit_bytes: usize,
    staged: Box<[u8]>,
    start: usize,
    end: usize,
}

/// What stands at the front of every answer.
pub(super) struct Prefix {
    pub(super) correlation_id: i32,
    /// Bytes of the frame after the correlation id.
    pub(super) rest_bytes: usize,
}

impl<R: AsyncRead + Unpin> Inbound<R> {
    pub(super) fn new(reader: R, frame_limit_bytes: usize) -> Self {
        let staged = vec![0; STAGED_BYTES].into_boxed_slice();
        Self {
            reader,
            frame_limit_bytes,
            staged,
            start: 0,
            end: 0,
        }
    }

    /// Waits for the next answer and reads its length and correlation id.
    pub(super) async fn prefix(&mut self) -> Result<Prefix, CloseReason> {
        let mut length = [0; 4];
        self.fill(&mut length).await?;
        let rest_bytes = self.rest_bytes(length)?;
        let mut correlation_id = [0; 4];
        self.fill(&mut correlation_id).await?;
        Ok(Prefix {
            correlation_id: i32::from_be_bytes(correlation_id),
            rest_bytes,
        })
    }

    fn rest_bytes(&self, prefix: [u8; 4]) -> Result<usize, CloseReason> {
        let length = i32::from_be_bytes(prefix);
        let limit = self.frame_limit_bytes;
        let frame_bytes = usize::try_from(length)
            .ok()
            .filter(|length| *length <= limit);
        frame_bytes
            .and_then(|bytes| bytes.checked_sub(4))
            .ok_or_else(|| CloseReason::FrameLength {
                length,
                limit,
                hint: hint(prefix),
            })
    }

    /// Reads the next `length` bytes. `credit` is fitted to them and goes with them.
    pub(super) async fn frame(
        &mut self,
        length: usize,
        pool: &FramePool,
        mut credit: Option<Credit>,
    ) -> Result<Bytes, CloseReason> {
        if length <= SMALL_FRAME_BYTES {
            // Too small to be worth a budget: the credit goes back at once.
            let mut bytes = vec![0; length];
            self.fill(&mut bytes).await?;
            return Ok(Bytes::from(bytes));
        }
        let mut buffer = pool
            .take_idle(length)
            .unwrap_or_else(|| pool.take(length.min(FIRST_STEP_BYTES)));
        let mut filled = 0;
        while filled < length {
            if filled == buffer.capacity() {
                let mut larger = pool.take(length.min(filled.saturating_mul(GROWTH)));
                if let Some((to, _)) = larger.space().split_at_mut_checked(filled) {
                    to.copy_from_slice(buffer.space());
                }
                buffer = larger;
            }
            let end = length.min(buffer.capacity());
            filled += self
                .read(buffer.space().get_mut(filled..end).unwrap_or_default())
                .await?;
        }
        if let Some(credit) = &mut credit {
            credit.cover(length);
        }
        Ok(buffer.freeze(length, credit))
    }

    async fn fill(&mut self, target: &mut [u8]) -> Result<(), CloseReason> {
        let mut rest = target;
        while !rest.is_empty() {
            let count = self.read(rest).await?;
            rest = rest.get_mut(count..).unwrap_or_default();
        }
        Ok(())
    }

    /// At least one byte, of what is staged if there is any.
    async fn read(&mut self, target: &mut [u8]) -> Result<usize, CloseReason> {
        if self.start == self.end {
            if target.len() >= self.staged.len() {
                return some_bytes(self.reader.read(target).await);
            }
            self.start = 0;
            self.end = 0;
            self.end = some_bytes(self.reader.read(&mut self.staged).await)?;
        }
        let staged = self.staged.get(self.start..self.end).unwrap_or_default();
        let count = staged.len().min(target.len());
        if let (Some(to), Some(from)) = (target.get_mut(..count), staged.get(..count)) {
            to.copy_from_slice(from);
        }
        self.start += count;
        Ok(count)
    }
}

fn some_bytes(read: io::Result<usize>) -> Result<usize, CloseReason> {
    match read {
        Ok(0) => Err(CloseReason::ByPeer),
        Ok(count) => Ok(count),
        Err(error) => Err(CloseReason::Io(in_words(&error).into())),
    }
}

/// What a peer may be that starts with these bytes instead of a length.
fn hint(prefix: [u8; 4]) -> &'static str {
    match prefix {
        [b'H', b'T', b'T', b'P'] => "; this looks like an HTTP server, not a Kafka broker",
        [0x15, 0x03, 0x00..=0x04, _] => {
            "; this looks like a TLS alert: the listener wants security.protocol SSL or SASL_SSL"
        }
        [b'S', b'S', b'H', b'-'] => "; this looks like an SSH server, not a Kafka broker",
        _ => "",
    }
}

/// Read ahead for short answers.
const STAGED_BYTES: usize = 16 << 10;
/// Frames up to here live in memory of their own and cost no budget.
const SMALL_FRAME_BYTES: usize = 16 << 10;
/// The most that is allocated on the word of the peer alone.
const FIRST_STEP_BYTES: usize = 256 << 10;
/// How much larger the next buffer is when one is full.
const GROWTH: usize = 4;
