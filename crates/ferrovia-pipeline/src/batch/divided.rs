//! From a batch that a broker finds too large to two smaller ones with the same records.

use bytes::Bytes;

use crate::batch::record::RECORD_BYTES_MIN;
use crate::batch::{
    BatchOptions, BatchWriter, HeaderRef, InflateLimits, Inflater, RawBatch, RecordRef, Seal,
};

impl RawBatch {
    /// The records of a producer's batch in two batches of about the same size before compression, in order. They are
    /// compressed as the batch is; the level is that of `options` where these name the same codec.
    ///
    /// `None` where there are no two records, and of what cannot be read.
    ///
    /// # Source
    /// `org.apache.kafka.clients.producer.internals.ProducerBatch.split`
    pub fn halves(&self, options: BatchOptions) -> Option<[Bytes; 2]> {
        let codec = self.header().codec().ok()?;
        let mut inflater = Inflater::new(InflateLimits::default());
        let batch = inflater.open(self).ok()?;
        let records: Vec<RecordRef<'_>> = batch.records().collect::<Result<_, _>>().ok()?;
        let middle = middle_of(&records)?;
        let mut writer = BatchWriter::new(BatchOptions {
            codec,
            level: options.level.filter(|_| options.codec == codec),
            bytes_target: self.bytes().len(),
        });
        let (first, second) = records.split_at_checked(middle)?;
        Some([write(&mut writer, first)?, write(&mut writer, second)?])
    }
}

/// Where the records are divided: both sides have one at least.
fn middle_of(records: &[RecordRef<'_>]) -> Option<usize> {
    let all: usize = records.iter().map(size_of).sum();
    let mut before = 0;
    let last = records.len().checked_sub(1).filter(|last| *last > 0)?;
    let fits = |record: &RecordRef<'_>| {
        before += size_of(record);
        before <= all / 2
    };
    let fitting = records.iter().copied().take_while(fits).count();
    Some(fitting.clamp(1, last))
}

fn size_of(record: &RecordRef<'_>) -> usize {
    let field = |field: Option<&[u8]>| field.map_or(0, <[u8]>::len);
    RECORD_BYTES_MIN + field(record.key) + field(record.value) + record.headers.bytes().len()
}

fn write(writer: &mut BatchWriter, records: &[RecordRef<'_>]) -> Option<Bytes> {
    for record in records {
        let headers = record.headers.iter();
        let headers = headers.collect::<Result<Vec<HeaderRef<'_>>, _>>().ok()?;
        let appended = writer.append(record.timestamp, record.key, record.value, &headers);
        appended.ok()?;
    }
    writer.seal(Seal::default()).ok()
}

#[cfg(test)]
mod tests;
