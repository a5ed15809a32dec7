//! The bytes of one answer as a list of parts, so that stored record batches go from the log to
//! the socket without being copied.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// Shared parts below this size are copied next to their neighbours: an extra entry in a vectored
/// write costs more than moving a few kilobytes.
const COPY_BELOW_BYTES: usize = 4 << 10;

/// Parts handed to the operating system in one call.
const SLICES_PER_WRITE: usize = 64;

/// An answer under construction, then on its way out.
#[derive(Debug, Default)]
pub(crate) struct Body {
    parts: VecDeque<Bytes>,
    tail: BytesMut,
    len: usize,
}

impl Body {
    /// The buffer for small fields; what is written here follows everything added before.
    pub(crate) fn write(&mut self, fill: impl FnOnce(&mut BytesMut)) {
        let before = self.tail.len();
        fill(&mut self.tail);
        self.len += self.tail.len() - before;
    }

    /// Adds bytes that already exist, by reference where that pays.
    pub(crate) fn share(&mut self, bytes: Bytes) {
        if bytes.len() < COPY_BELOW_BYTES {
            self.write(|tail| tail.put_slice(&bytes));
            return;
        }
        self.seal_tail();
        self.len += bytes.len();
        self.parts.push_back(bytes);
    }

    /// Bytes in all parts together.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Appends another body.
    pub(crate) fn append(&mut self, mut other: Self) {
        other.seal_tail();
        for part in other.parts {
            self.share(part);
        }
    }

    /// Writes everything, leaving nothing behind.
    ///
    /// # Cancel safety
    /// Not cancel safe: a cancelled call leaves half a frame on the socket.
    pub(crate) async fn write_to<W: AsyncWrite + Unpin>(mut self, to: &mut W) -> io::Result<()> {
        self.seal_tail();
        while !self.parts.is_empty() {
            let slices: Vec<IoSlice<'_>> = self
                .parts
                .iter()
                .take(SLICES_PER_WRITE)
                .map(|part| IoSlice::new(part))
                .collect();
            let written = to.write_vectored(&slices).await?;
            drop(slices);
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.advance(written);
        }
        Ok(())
    }

    fn advance(&mut self, mut written: usize) {
        while let Some(part) = self.parts.front_mut() {
            if written < part.len() {
                part.advance(written);
                return;
            }
            written -= part.len();
            self.parts.pop_front();
        }
    }

    fn seal_tail(&mut self) {
        if !self.tail.is_empty() {
            self.parts.push_back(self.tail.split().freeze());
        }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        let len = bytes.len();
        Self {
            parts: VecDeque::from([bytes]),
            tail: BytesMut::new(),
            len,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn parts_arrive_in_the_order_they_were_added() {
        let large = Bytes::from(vec![7u8; COPY_BELOW_BYTES * 3]);
        let mut body = Body::default();
        body.write(|tail| tail.put_u8(1));
        body.share(large.clone());
        body.share(Bytes::from_static(b"ab"));
        body.write(|tail| tail.put_u8(9));
        let mut expected = vec![1u8];
        expected.extend_from_slice(&large);
        expected.extend_from_slice(b"ab\x09");
        assert_eq!(body.len(), expected.len());
        let mut out = Vec::new();
        body.write_to(&mut out).await.unwrap();
        assert_eq!(out, expected);
    }

    #[tokio::test]
    async fn a_socket_that_takes_little_at_a_time_gets_everything() {
        let mut body = Body::default();
        for n in 0..200u8 {
            body.share(Bytes::from(vec![n; COPY_BELOW_BYTES + 1]));
        }
        let (mut near, mut far) = tokio::io::duplex(1_000);
        let writer = tokio::spawn(async move { body.write_to(&mut near).await });
        let mut got = Vec::new();
        tokio::io::AsyncReadExt::read_to_end(&mut far, &mut got)
            .await
            .unwrap();
        writer.await.unwrap().unwrap();
        assert_eq!(got.len(), 200 * (COPY_BELOW_BYTES + 1));
        assert!(
            got.chunks(COPY_BELOW_BYTES + 1)
                .zip(0u8..)
                .all(|(c, n)| c.iter().all(|b| *b == n))
        );
    }
}
