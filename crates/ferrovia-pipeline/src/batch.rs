//! Record batches: from a partition's fetched bytes to borrowed records, and from records to a sealed batch.
//!
//! Reading, in the order in which data passes: [`batches`] walks the 61-byte headers of a fetch, [`RawBatch::verify_crc`]
//! proves the bytes, [`AbortedTransactions`] says whether a `read_committed` reader may see the batch, [`Inflater::open`]
//! gives its record section (borrowed where it is not compressed), and [`Records`] yields one [`RecordRef`] after another
//! without allocating. Writing: [`BatchWriter`]. Copying:
//! [`RawBatch::as_produced`]; dividing: [`RawBatch::halves`].
//!
//! Everything read here is hostile until proven otherwise: no length or count is trusted before the bytes are there, output
//! of a codec is capped, and every fault is a [`BatchError`], never a panic.
//!
//! Only magic 2 is read and written. Magic 0 and 1 (before Kafka 0.11) are refused by name.

mod header;
mod walk;
mod crc;
mod control;
mod aborted;
mod inflate;
mod produced;
mod divided;
mod scratch;
mod codec;
mod record;
mod headers;
mod fields;
mod varint;
mod writer;
mod error;

pub use aborted::{AbortedTransactions, Admission};
pub use codec::Codec;
pub use control::ControlType;
pub use crc::crc32c;
pub use error::{BatchError, CodecFault, HeaderFault, RecordFault};
pub use fields::Fields;
pub use header::{BATCH_HEADER_BYTES, BatchHeader, TimestampType};
pub(crate) use headers::append_header;
pub use headers::{HeaderRef, HeaderRefs, RawHeaders};
pub use inflate::{InflateLimits, Inflater, RecordBatch};
pub use record::{RecordRef, Records};
pub use walk::{Batches, RawBatch, batches};
pub use writer::{BatchOptions, BatchWriter, Producer, Seal, WriteError};
