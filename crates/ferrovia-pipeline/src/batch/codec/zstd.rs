//! Zstandard frames, one or several behind each other, skippable ones passed over. Two implementations with one shape: the
//! C library, four times as fast at decoding and the default, and a pure Rust one.
//!
//! Frames with a dictionary are refused: Kafka has none.

#[cfg(all(feature = "zstd-c", not(feature = "zstd-rust")))]
mod native;
#[cfg(feature = "zstd-rust")]
mod pure;

#[cfg(all(feature = "zstd-c", not(feature = "zstd-rust")))]
pub(super) use native::{Decoder, Encoder};
#[cfg(feature = "zstd-rust")]
pub(super) use pure::{Decoder, Encoder};

use crate::batch::CodecFault;

#[cfg(not(any(feature = "zstd-c", feature = "zstd-rust")))]
compile_error!("one of the features zstd-c and zstd-rust is needed");

const CUT_OFF: CodecFault = CodecFault::Corrupt("zstd frame is cut off");
const MALFORMED: CodecFault = CodecFault::Corrupt("zstd frame is malformed");
