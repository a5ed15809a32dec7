//! Zstandard by the C library.

use std::fmt;

use zstd_safe::zstd_sys::ZSTD_ErrorCode;
use zstd_safe::{CCtx, CParameter, DCtx, DParameter, InBuffer, OutBuffer};

use super::{CUT_OFF, MALFORMED};
use crate::batch::scratch::Scratch;
use crate::batch::{CodecFault, InflateLimits};

const WINDOW_TOO_LARGE: ZSTD_ErrorCode = ZSTD_ErrorCode::ZSTD_error_frameParameter_windowTooLarge;
/// Kafka's default compression level.
const LEVEL: i32 = 3;

pub(in crate::batch::codec) struct Decoder {
    context: Option<DCtx<'static>>,
    limits: InflateLimits,
}

impl Decoder {
    pub(in crate::batch::codec) fn new(limits: InflateLimits) -> Self {
        Self {
            context: None,
            limits,
        }
    }

    pub(in crate::batch::codec) fn decode(
        &mut self,
        section: &[u8],
        scratch: &mut Scratch,
    ) -> Result<(), CodecFault> {
        let bound = zstd_safe::decompress_bound(section).map_err(|_| MALFORMED)?;
        // Frames without a content size, as Java writes them, have a bound too: that of their blocks.
        let bound = usize::try_from(bound).unwrap_or(usize::MAX);
        if bound > scratch.trusted_size() {
            if let Ok(Some(claim)) = zstd_safe::get_frame_content_size(section) {
                scratch.expect(usize::try_from(claim).unwrap_or(usize::MAX))?;
            }
            return self.decode_by_steps(section, scratch);
        }
        // In one go the library writes to the scratch itself and needs no window beside it.
        scratch.reserve(bound)?;
        let size = self
            .context()?
            .decompress(scratch.spare(), section)
            .map_err(|_| MALFORMED)?;
        scratch.advance(size);
        Ok(())
    }

    /// Decodes what may become large, with memory growing only as bytes arrive.
    fn decode_by_steps(&mut self, section: &[u8], scratch: &mut Scratch) -> Result<(), CodecFault> {
        let window_max = 1 << self.limits.zstd_window_log_max.min(31);
        let outcome = steps(self.context()?, section, scratch, window_max);
        let kept = self.limits.scratch_bytes_kept;
        if outcome.is_err()
            || self
                .context
                .as_ref()
                .is_some_and(|context| context.sizeof() > kept)
        {
            // Also gives a window back that was larger than what may stay allocated.
            self.context = None;
        }
        outcome
    }

    fn context(&mut self) -> Result<&mut DCtx<'static>, CodecFault> {
        if self.context.is_none() {
            let mut context =
                DCtx::try_create().ok_or(CodecFault::Corrupt("no memory for zstd"))?;
            context
                .set_parameter(DParameter::WindowLogMax(self.limits.zstd_window_log_max))
                .map_err(|_| CodecFault::Corrupt("zstd window limit is out of range"))?;
            self.context = Some(context);
        }
        self.context.as_mut().ok_or(MALFORMED)
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

fn steps(
    context: &mut DCtx<'static>,
    section: &[u8],
    scratch: &mut Scratch,
    window_max: u64,
) -> Result<(), CodecFault> {
    let mut input = InBuffer::around(section);
    loop {
        let consumed = input.pos();
        let mut output = OutBuffer::around(scratch.spare());
        let hint = context
            .decompress_stream(&mut output, &mut input)
            .map_err(|code| {
                if zstd_safe::is_error_kind(code, WINDOW_TOO_LARGE) {
                    CodecFault::OverWindow { limit: window_max }
                } else {
                    MALFORMED
                }
            })?;
        let produced = output.pos();
        scratch.advance(produced);
        if hint == 0 && input.pos() == section.len() {
            return Ok(());
        }
        if produced == 0 && input.pos() == consumed {
            if !scratch.spare().is_empty() {
                return Err(CUT_OFF);
            }
            scratch.reserve(1)?;
        }
    }
}

pub(in crate::batch::codec) struct Encoder {
    context: CCtx<'static>,
}

impl Encoder {
    /// Any level of the library; without one, Kafka's default.
    pub(in crate::batch::codec) fn new(level: Option<i32>) -> Self {
        let mut context = CCtx::create();
        // The library takes a level beyond its range as the nearest within.
        let _ = context.set_parameter(CParameter::CompressionLevel(level.unwrap_or(LEVEL)));
        Self { context }
    }

    pub(in crate::batch::codec) fn encode(
        &mut self,
        section: &[u8],
        scratch: &mut Scratch,
    ) -> Result<(), CodecFault> {
        scratch.reserve(zstd_safe::compress_bound(section.len()))?;
        let size = self
            .context
            .compress2(scratch.spare(), section)
            .map_err(|_| MALFORMED)?;
        scratch.advance(size);
        Ok(())
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder").finish_non_exhaustive()
    }
}
