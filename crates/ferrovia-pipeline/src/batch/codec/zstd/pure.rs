//! Zstandard in pure Rust.

use std::fmt;
use std::io::{self, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use ruzstd::encoding::{CompressionLevel, FrameCompressor};

use super::{CUT_OFF, MALFORMED};
use crate::batch::scratch::Scratch;
use crate::batch::{CodecFault, InflateLimits};

/// Bytes that the library may hold decoded before they are fetched from it.
const STEP_BYTES: usize = 128 * 1024;

pub(in crate::batch::codec) struct Decoder {
    frames: Option<FrameDecoder>,
    limits: InflateLimits,
}

impl Decoder {
    pub(in crate::batch::codec) fn new(limits: InflateLimits) -> Self {
        Self {
            frames: None,
            limits,
        }
    }

    pub(in crate::batch::codec) fn decode(
        &mut self,
        section: &[u8],
        scratch: &mut Scratch,
    ) -> Result<(), CodecFault> {
        let frames = self.frames.get_or_insert_with(|| {
            let mut frames = FrameDecoder::new();
            frames.set_max_window_size(1 << self.limits.zstd_window_log_max.min(31));
            frames
        });
        let outcome = decode_frames(frames, section, scratch);
        if outcome.is_err() || scratch.filled().len() > self.limits.scratch_bytes_kept {
            // After a fault the state is unknown; after a huge batch its window is not worth keeping.
            self.frames = None;
        }
        outcome
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

fn decode_frames(
    frames: &mut FrameDecoder,
    section: &[u8],
    scratch: &mut Scratch,
) -> Result<(), CodecFault> {
    let mut rest = section;
    while !rest.is_empty() {
        match frames.init(&mut rest) {
            Ok(()) => {}
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length,
                ..
            })) => {
                rest = rest.get(length as usize..).ok_or(CUT_OFF)?;
                continue;
            }
            Err(FrameDecoderError::WindowSizeTooBig { max, .. }) => {
                return Err(CodecFault::OverWindow { limit: max });
            }
            Err(_) => return Err(MALFORMED),
        }
        let start = scratch.filled().len();
        let claim = frames.content_size();
        scratch.expect(usize::try_from(claim).unwrap_or(usize::MAX))?;
        while !frames.is_finished() {
            frames
                .decode_blocks(&mut rest, BlockDecodingStrategy::UptoBytes(STEP_BYTES))
                .map_err(|_| MALFORMED)?;
            collect(frames, scratch)?;
        }
        if claim != 0 && claim != (scratch.filled().len() - start) as u64 {
            return Err(MALFORMED);
        }
        if frames
            .get_checksum_from_data()
            .is_some_and(|expected| frames.get_calculated_checksum() != Some(expected))
        {
            return Err(CodecFault::Corrupt("zstd checksum does not match"));
        }
    }
    Ok(())
}

/// Moves what the library has decoded, and need not keep as its window, into the scratch.
fn collect(frames: &mut FrameDecoder, scratch: &mut Scratch) -> Result<(), CodecFault> {
    while frames.can_collect() != 0 {
        if scratch.spare().is_empty() {
            scratch.reserve(1)?;
        }
        let size = frames.read(scratch.spare()).map_err(|_| MALFORMED)?;
        scratch.advance(size);
    }
    Ok(())
}

#[derive(Debug, Clone, Copy)]
pub(in crate::batch::codec) struct Encoder;

impl Encoder {
    /// The library has one level of real compression; any asked for means that one.
    pub(in crate::batch::codec) fn new(_level: Option<i32>) -> Self {
        Self
    }

    pub(in crate::batch::codec) fn encode(
        &mut self,
        section: &[u8],
        scratch: &mut Scratch,
    ) -> Result<(), CodecFault> {
        // A frame is never much larger than its content, so the library's writer cannot run out of room.
        scratch.reserve(section.len() + section.len() / 128 + 1024)?;
        let mut out = Sink {
            scratch,
            fault: None,
        };
        let mut compressor = FrameCompressor::new(CompressionLevel::Fastest);
        compressor.set_source(section);
        compressor.set_drain(&mut out);
        compressor.compress();
        drop(compressor);
        out.fault.map_or(Ok(()), Err)
    }
}

/// Takes the library's output. Its errors are kept aside, because the library panics on those of a writer.
struct Sink<'a> {
    scratch: &'a mut Scratch,
    fault: Option<CodecFault>,
}

impl io::Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Err(fault) = self.scratch.write(bytes) {
            self.fault = Some(fault);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
