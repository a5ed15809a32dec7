//! From a batch of the source to batches for the target: as it is where that can be, else with its records written anew.

use ferrovia_pipeline::batch::{
    BatchError, BatchOptions, BatchWriter, Codec, HeaderRef, InflateLimits, Inflater, RecordRef,
    Seal, WriteError,
};
use ferrovia_pipeline::source::BatchForm;

use bytes::Bytes;

use crate::walk::Seen;

/// A batch for the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Copy {
    pub(super) bytes: Bytes,
    pub(super) records: u32,
    /// The offset of its first record at the source.
    pub(super) first: i64,
    /// And of its last.
    pub(super) last: i64,
}

/// Why a batch cannot be copied.
#[derive(Debug, thiserror::Error)]
pub(super) enum CopyError {
    #[error(transparent)]
    Read(#[from] BatchError),
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Copies batches.
#[derive(Debug)]
pub(super) struct Copier {
    form: BatchForm,
    inflater: Inflater,
}

impl Copier {
    pub(super) fn new(form: BatchForm) -> Self {
        Self {
            form,
            inflater: Inflater::new(InflateLimits::default()),
        }
    }

    /// Copies those records of a batch that were not seen before. None are left where compaction has removed them.
    ///
    /// # Errors
    /// The batch is malformed in spite of its checksum, or its records cannot be compressed.
    pub(super) fn copy(&mut self, seen: &Seen) -> Result<Vec<Copy>, CopyError> {
        let header = seen.batch.header();
        let codec = header.codec()?;
        let is_wanted = self.form.codec.is_none_or(|wanted| wanted == codec)
            && seen.batch.bytes().len() <= self.form.bytes_max
            && seen.from_offset <= header.base_offset;
        if is_wanted && let Some(bytes) = seen.batch.as_produced() {
            return Ok(vec![Copy {
                bytes,
                records: header.record_count.unsigned_abs(),
                first: header.base_offset,
                last: header.last_offset(),
            }]);
        }
        self.write_anew(seen, codec)
    }

    fn write_anew(&mut self, seen: &Seen, codec: Codec) -> Result<Vec<Copy>, CopyError> {
        let options = BatchOptions {
            codec: self.form.codec.unwrap_or(codec),
            level: self.form.level,
            bytes_target: self.form.bytes_max,
        };
        let mut writing = Writing {
            writer: BatchWriter::new(options),
            copies: Vec::new(),
            offsets: None,
        };
        for record in self.inflater.open(&seen.batch)?.records() {
            let record = record?;
            if record.offset >= seen.from_offset {
                writing.append(&record)?;
            }
        }
        writing.seal()?;
        Ok(writing.copies)
    }
}

struct Writing {
    writer: BatchWriter,
    copies: Vec<Copy>,
    /// The offsets of the first and the last record of the open batch.
    offsets: Option<(i64, i64)>,
}

impl Writing {
    fn append(&mut self, record: &RecordRef<'_>) -> Result<(), CopyError> {
        let headers = record.headers.iter();
        let headers = headers.collect::<Result<Vec<HeaderRef<'_>>, _>>();
        let headers = headers.map_err(|fault| BatchError::Record {
            base_offset: record.offset,
            index: 0,
            fault,
        })?;
        let (key, value) = (record.key, record.value);
        if !self.writer.has_room_for(key, value, &headers) {
            self.seal()?;
        }
        self.writer.append(record.timestamp, key, value, &headers)?;
        let first = self.offsets.map_or(record.offset, |(first, _)| first);
        self.offsets = Some((first, record.offset));
        Ok(())
    }

    fn seal(&mut self) -> Result<(), CopyError> {
        let records = self.writer.record_count().unsigned_abs();
        if let Some((first, last)) = self.offsets.take() {
            let bytes = self.writer.seal(Seal::default())?;
            self.copies.push(Copy {
                bytes,
                records,
                first,
                last,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
