//! Which batches an idempotent producer has already written to a partition, so that a repeated
//! one is acknowledged without being stored again.
//!
//! # Source
//! KIP-98; `org.apache.kafka.storage.internals.log.{ProducerStateEntry, ProducerAppendInfo}`.

use std::collections::{BTreeMap, VecDeque};

use kafka_protocol::ResponseError;

use super::batch::BatchHeader;

/// Batches remembered per producer: as many as a producer may have in flight.
const BATCHES_REMEMBERED: usize = 5;

/// Producers remembered per partition; the one silent for longest is forgotten first.
const PRODUCERS_MAX: usize = 1_000;

/// Producers seen by one partition.
#[derive(Debug, Default)]
pub(super) struct Producers {
    by_id: BTreeMap<i64, Producer>,
}

#[derive(Debug)]
struct Producer {
    epoch: i16,
    recent: VecDeque<Remembered>,
}

#[derive(Debug, Clone, Copy)]
struct Remembered {
    first_sequence: i32,
    last_sequence: i32,
    base_offset: i64,
}

/// Whether a batch is to be stored.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission {
    New,
    Duplicate { base_offset: i64 },
}

impl Producers {
    /// Decides about a batch before it is stored.
    pub(super) fn admit(&self, header: &BatchHeader) -> Result<Admission, ResponseError> {
        if header.producer_id < 0 {
            return Ok(Admission::New);
        }
        if header.producer_epoch < 0 || header.base_sequence < 0 {
            return Err(ResponseError::InvalidRecord);
        }
        let Some(known) = self.by_id.get(&header.producer_id) else {
            return Ok(Admission::New);
        };
        if header.producer_epoch < known.epoch {
            return Err(ResponseError::InvalidProducerEpoch);
        }
        if header.producer_epoch > known.epoch {
            return if header.base_sequence == 0 {
                Ok(Admission::New)
            } else {
                Err(ResponseError::OutOfOrderSequenceNumber)
            };
        }
        let last_sequence = advance(header.base_sequence, header.last_offset_delta);
        let twin = known.recent.iter().find(|seen| {
            seen.first_sequence == header.base_sequence && seen.last_sequence == last_sequence
        });
        if let Some(twin) = twin {
            return Ok(Admission::Duplicate {
                base_offset: twin.base_offset,
            });
        }
        match known.recent.back() {
            Some(last) if advance(last.last_sequence, 1) != header.base_sequence => {
                Err(ResponseError::OutOfOrderSequenceNumber)
            }
            _ => Ok(Admission::New),
        }
    }

    /// Remembers a stored batch, just written or found in the log at start.
    pub(super) fn record(&mut self, header: &BatchHeader) {
        if header.producer_id < 0 {
            return;
        }
        if !self.by_id.contains_key(&header.producer_id) && self.by_id.len() >= PRODUCERS_MAX {
            self.forget_oldest();
        }
        let producer = self
            .by_id
            .entry(header.producer_id)
            .or_insert_with(|| Producer {
                epoch: header.producer_epoch,
                recent: VecDeque::new(),
            });
        if producer.epoch != header.producer_epoch {
            producer.epoch = header.producer_epoch;
            producer.recent.clear();
        }
        if producer.recent.len() >= BATCHES_REMEMBERED {
            producer.recent.pop_front();
        }
        producer.recent.push_back(Remembered {
            first_sequence: header.base_sequence,
            last_sequence: advance(header.base_sequence, header.last_offset_delta),
            base_offset: header.base_offset,
        });
    }

    fn forget_oldest(&mut self) {
        let last_write = |producer: &Producer| producer.recent.back().map(|seen| seen.base_offset);
        let oldest = self
            .by_id
            .iter()
            .min_by_key(|(_, producer)| last_write(producer));
        if let Some(id) = oldest.map(|(id, _)| *id) {
            self.by_id.remove(&id);
        }
    }
}

/// Sequence numbers run from 0 to `i32::MAX` and start again at 0.
fn advance(sequence: i32, by: i32) -> i32 {
    sequence.wrapping_add(by) & i32::MAX
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::batch::testing::TestBatch;

    fn header(count: usize, epoch: i16, sequence: i32, base_offset: i64) -> BatchHeader {
        let bytes = TestBatch::sequenced(count, 7, epoch, sequence).bytes();
        BatchHeader {
            base_offset,
            ..BatchHeader::read(&bytes).unwrap()
        }
    }

    #[test]
    fn a_repeated_batch_gets_its_first_offset_back() {
        let mut producers = Producers::default();
        producers.record(&header(3, 0, 0, 100));
        producers.record(&header(2, 0, 3, 200));
        let again = producers.admit(&header(3, 0, 0, 0));
        assert_eq!(again, Ok(Admission::Duplicate { base_offset: 100 }));
    }

    #[test]
    fn a_gap_and_an_old_epoch_are_refused() {
        let mut producers = Producers::default();
        producers.record(&header(3, 1, 0, 0));
        let gap = producers.admit(&header(1, 1, 4, 0));
        assert_eq!(gap, Err(ResponseError::OutOfOrderSequenceNumber));
        let old = producers.admit(&header(1, 0, 3, 0));
        assert_eq!(old, Err(ResponseError::InvalidProducerEpoch));
        let new_epoch = producers.admit(&header(1, 2, 3, 0));
        assert_eq!(new_epoch, Err(ResponseError::OutOfOrderSequenceNumber));
        assert_eq!(producers.admit(&header(1, 2, 0, 0)), Ok(Admission::New));
    }

    #[test]
    fn sequences_wrap_to_zero() {
        let mut producers = Producers::default();
        producers.record(&header(2, 0, i32::MAX - 1, 0));
        assert_eq!(producers.admit(&header(1, 0, 0, 0)), Ok(Admission::New));
    }

    #[test]
    fn producers_of_a_partition_are_bounded() {
        let mut producers = Producers::default();
        for id in 0..1_200 {
            let first = header(1, 0, 0, id);
            producers.record(&BatchHeader {
                producer_id: id,
                ..first
            });
        }
        assert_eq!(producers.by_id.len(), PRODUCERS_MAX);
        assert!(producers.by_id.contains_key(&1_199) && !producers.by_id.contains_key(&0));
    }
}
