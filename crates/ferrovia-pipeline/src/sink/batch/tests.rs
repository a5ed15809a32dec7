//! How a batch is cut where a record cannot be processed.

use bytes::Bytes;

use super::*;
use crate::batch::{BatchOptions, BatchWriter, InflateLimits, Seal, batches};
use crate::convert::{Converter, HeaderConverter};
use crate::data::Record;
use crate::errors::ErrorPolicy;
use crate::transform::{Fate, Scope, Transformation, TransformationChain};

/// Fails at the record with this offset, so many times.
#[derive(Debug)]
struct Busy {
    offset: i64,
    times: usize,
}

impl Transformation for Busy {
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Fate, ConnectError> {
        if record.origin.kafka_offset() == Some(self.offset) && self.times > 0 {
            self.times -= 1;
            return Err(ConnectError::retriable("busy"));
        }
        Ok(Fate::Kept)
    }

    fn scope(&self) -> Scope {
        Scope::Value
    }
}

/// Five records through a step that is busy at the third.
fn batch(times: usize, may_retry: bool) -> SinkBatch {
    let mut writer = BatchWriter::new(BatchOptions::default());
    for value in ["0", "1", "2", "3", "4"] {
        writer.append(1, None, Some(value.as_bytes()), &[]).unwrap();
    }
    let bytes: Bytes = writer.seal(Seal::default()).unwrap();
    let busy: Box<dyn Transformation> = Box::new(Busy { offset: 2, times });
    let (key, value) = (Converter::ByteArray, Converter::ByteArray);
    let chain = TransformationChain::new([("Busy", busy)]);
    let plan = Plan::new(key, value, HeaderConverter::Simple, chain);
    let errors = ErrorLog::new(ErrorPolicy {
        is_tolerant: true,
        is_reported: true,
        may_retry,
        ..ErrorPolicy::default()
    });
    let inflater = Inflater::new(InflateLimits::default());
    let mut batch = SinkBatch::new(plan, inflater, errors, true);
    batch.push(Delivery {
        partition: TopicPartition::new("t", 0),
        batch: batches(bytes).next().unwrap().unwrap(),
        from_offset: 0,
    });
    batch
}

/// The offsets that the part at hand shows.
fn shown(batch: &mut SinkBatch) -> Vec<i64> {
    let mut offsets = Vec::new();
    let show = |record: &SinkRecord<'_>| {
        offsets.push(record.offset());
        Ok(())
    };
    batch.for_each(show).unwrap();
    offsets
}

fn told(batch: &mut SinkBatch) -> Vec<i64> {
    let bad = batch.take_bad_records();
    bad.iter().map(|record| record.offset).collect()
}

#[test]
fn record_that_is_tried_again_waits_until_its_step_succeeds() {
    let mut batch = batch(3, true);
    assert_eq!(shown(&mut batch), [0, 1]);
    assert_eq!(batch.take_retry(), None, "what is before it is put first");
    assert!(batch.next_part());
    for _ in 0..2 {
        assert_eq!(shown(&mut batch), [0; 0]);
        assert_eq!(batch.take_retry(), Some("busy".to_owned()));
    }
    assert_eq!(shown(&mut batch), [2, 3, 4]);
    assert_eq!(batch.take_retry(), None);
    assert_eq!(told(&mut batch), [0; 0]);
    assert!(!batch.next_part());
}

#[test]
fn record_that_is_tried_no_more_is_bad_like_any_other() {
    let mut batch = batch(usize::MAX, true);
    assert_eq!(shown(&mut batch), [0, 1]);
    assert!(batch.next_part());
    assert_eq!(shown(&mut batch), [0; 0]);
    assert!(batch.take_retry().is_some());
    batch.give_up_retry();
    assert_eq!(shown(&mut batch), [3, 4]);
    assert_eq!(told(&mut batch), [2]);
    assert!(!batch.next_part());
}

#[test]
fn nothing_is_tried_again_without_a_timeout() {
    let mut batch = batch(1, false);
    assert_eq!(shown(&mut batch), [0, 1, 3, 4]);
    assert_eq!(told(&mut batch), [2]);
    assert!(!batch.next_part());
}
