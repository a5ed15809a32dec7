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
    last_offset: i64,
    last_timestamp: i64,
}

/// A producer as DescribeProducers tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ActiveProducer {
    pub(crate) id: i64,
    pub(crate) epoch: i16,
    /// -1 if no batch of this epoch is known.
    pub(crate) last_sequence: i32,
    pub(crate) last_timestamp: i64,
}

/// Where a producer of which a partition knows no batch may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// Anywhere: its earlier batches may have been removed.
    Anywhere,
    /// At sequence 0: with every transaction its epoch is a new one (KIP-890).
    AtZero,
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
    ///
    /// # Errors
    /// An old epoch, or a gap in the sequence. A batch repeated too late to be remembered counts as
    /// a gap, too: Kafka's brokers answer `DuplicateSequenceNumber` no more.
    pub(super) fn admit(
        &self,
        header: &BatchHeader,
        start: Start,
    ) -> Result<Admission, ResponseError> {
        if header.producer_id < 0 {
            return Ok(Admission::New);
        }
        if header.producer_epoch < 0 || header.base_sequence < 0 {
            return Err(ResponseError::InvalidRecord);
        }
        let begins = header.base_sequence == 0;
        let Some(known) = self.by_id.get(&header.producer_id) else {
            return if begins || start == Start::Anywhere {
                Ok(Admission::New)
            } else {
                Err(ResponseError::OutOfOrderSequenceNumber)
            };
        };
        if header.producer_epoch < known.epoch {
            return Err(ResponseError::InvalidProducerEpoch);
        }
        if header.producer_epoch > known.epoch {
            return if begins {
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
        let expected = known.recent.back();
        if expected.map_or(0, |last| advance(last.last_sequence, 1)) == header.base_sequence {
            Ok(Admission::New)
        } else {
            Err(ResponseError::OutOfOrderSequenceNumber)
        }
    }

    /// Remembers a stored batch or marker, just written or found in the log at start.
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
                last_offset: header.base_offset,
                last_timestamp: header.max_timestamp,
            });
        producer.last_offset = header.base_offset;
        producer.last_timestamp = header.max_timestamp;
        if producer.epoch != header.producer_epoch {
            producer.epoch = header.producer_epoch;
            producer.recent.clear();
        }
        if header.is_control() {
            return;
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

    /// Every producer remembered, by id.
    pub(super) fn active(&self) -> impl Iterator<Item = ActiveProducer> {
        self.by_id.iter().map(|(id, producer)| ActiveProducer {
            id: *id,
            epoch: producer.epoch,
            last_sequence: producer.recent.back().map_or(-1, |last| last.last_sequence),
            last_timestamp: producer.last_timestamp,
        })
    }

    fn forget_oldest(&mut self) {
        let oldest = self
            .by_id
            .iter()
            .min_by_key(|(_, producer)| producer.last_offset);
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
        let again = producers.admit(&header(3, 0, 0, 0), Start::Anywhere);
        assert_eq!(again, Ok(Admission::Duplicate { base_offset: 100 }));
    }

    #[test]
    fn a_gap_and_an_old_epoch_are_refused() {
        let mut producers = Producers::default();
        producers.record(&header(3, 1, 0, 0));
        let gap = producers.admit(&header(1, 1, 4, 0), Start::Anywhere);
        assert_eq!(gap, Err(ResponseError::OutOfOrderSequenceNumber));
        let old = producers.admit(&header(1, 0, 3, 0), Start::Anywhere);
        assert_eq!(old, Err(ResponseError::InvalidProducerEpoch));
        let new_epoch = producers.admit(&header(1, 2, 3, 0), Start::Anywhere);
        assert_eq!(new_epoch, Err(ResponseError::OutOfOrderSequenceNumber));
        assert_eq!(
            producers.admit(&header(1, 2, 0, 0), Start::Anywhere),
            Ok(Admission::New)
        );
    }

    #[test]
    fn a_batch_repeated_too_late_counts_as_a_gap() {
        let mut producers = Producers::default();
        for sequence in 0..6 {
            producers.record(&header(1, 0, sequence, i64::from(sequence)));
        }
        let oldest_known = producers.admit(&header(1, 0, 1, 0), Start::Anywhere);
        assert_eq!(oldest_known, Ok(Admission::Duplicate { base_offset: 1 }));
        let forgotten = producers.admit(&header(1, 0, 0, 0), Start::Anywhere);
        assert_eq!(forgotten, Err(ResponseError::OutOfOrderSequenceNumber));
    }

    #[test]
    fn an_unknown_producer_begins_anywhere_unless_each_transaction_has_its_epoch() {
        let producers = Producers::default();
        let later = header(1, 0, 4, 0);
        assert_eq!(producers.admit(&later, Start::Anywhere), Ok(Admission::New));
        let refused = Err(ResponseError::OutOfOrderSequenceNumber);
        assert_eq!(producers.admit(&later, Start::AtZero), refused);
        let first = producers.admit(&header(1, 0, 0, 0), Start::AtZero);
        assert_eq!(first, Ok(Admission::New));
    }

    #[test]
    fn a_marker_with_a_new_epoch_begins_the_sequence_anew() {
        let mut producers = Producers::default();
        producers.record(&header(3, 1, 0, 0));
        let marker = BatchHeader {
            attributes: 0x30,
            base_sequence: -1,
            ..header(1, 2, 0, 3)
        };
        producers.record(&marker);
        let zombie = producers.admit(&header(1, 1, 3, 0), Start::Anywhere);
        assert_eq!(zombie, Err(ResponseError::InvalidProducerEpoch));
        let gap = producers.admit(&header(1, 2, 3, 0), Start::Anywhere);
        assert_eq!(gap, Err(ResponseError::OutOfOrderSequenceNumber));
        let next = producers.admit(&header(1, 2, 0, 0), Start::Anywhere);
        assert_eq!(next, Ok(Admission::New));
        producers.record(&BatchHeader {
            producer_epoch: 2,
            ..marker
        });
        let last: Vec<i32> = producers.active().map(|p| p.last_sequence).collect();
        assert_eq!(last, [-1]);
    }

    #[test]
    fn sequences_wrap_to_zero() {
        let mut producers = Producers::default();
        producers.record(&header(2, 0, i32::MAX - 1, 0));
        assert_eq!(
            producers.admit(&header(1, 0, 0, 0), Start::Anywhere),
            Ok(Admission::New)
        );
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
