//! Which partition a record goes to: by its key, or near the record before.
//!
//! Java's choice among partitions by the length of their queues and by their brokers' latency
//! (`partitioner.adaptive.partitioning.enable`, `partitioner.availability.timeout.ms`) is left out:
//! partitions with a leader are equally likely.
//!
//! # Source
//! `org.apache.kafka.clients.producer.internals.BuiltInPartitioner`, `org.apache.kafka.common.utils.Utils.murmur2`

/// The partition of a key, out of `count`: the same as Java's producer chooses.
#[must_use]
pub fn partition_for_key(key: &[u8], count: i32) -> i32 {
    // Java clears the sign rather than taking the absolute value.
    let positive = (murmur2(key) & 0x7fff_ffff).cast_signed();
    positive.checked_rem(count).unwrap_or(0)
}

/// The 32-bit Murmur2 hash with the seed that Kafka uses.
fn murmur2(data: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    // The length is mixed in as Java's int; no key is longer than that.
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let mut hash = SEED ^ length;
    let (words, rest) = data.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !rest.is_empty() {
        for (index, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * index);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

/// Where the records of a topic go that have no key: to one partition until that has had
/// `batch.size` bytes, then to a random other. A machine: the caller gives the randomness.
#[derive(Debug, Clone)]
pub struct StickyPartition {
    batch_bytes: usize,
    current: Option<i32>,
    appended_bytes: usize,
}

impl StickyPartition {
    /// Switches after batches of this size (`batch.size`).
    #[must_use]
    pub fn new(batch_bytes: usize) -> Self {
        Self {
            batch_bytes: batch_bytes.max(1),
            current: None,
            appended_bytes: 0,
        }
    }

    /// The partition for the next record. A new one is chosen among `available`, those that have a
    /// leader (all, where none has); `random` is evenly spread. `None` when there are none.
    pub fn partition(&mut self, available: &[i32], random: u32) -> Option<i32> {
        if self.current.is_none() {
            let place = usize::try_from(random).ok()?.checked_rem(available.len())?;
            self.current = available.get(place).copied();
            self.appended_bytes = 0;
        }
        self.current
    }

    /// Notes that a record of so many bytes was put into the current partition's batch.
    /// `may_switch` says that the batch leaves now: a switch in the middle would leave two small
    /// batches behind. After twice the size it is made all the same.
    pub fn on_append(&mut self, bytes: usize, may_switch: bool) {
        self.appended_bytes = self.appended_bytes.saturating_add(bytes);
        let is_enough = self.appended_bytes >= self.batch_bytes && may_switch;
        if is_enough || self.appended_bytes >= self.batch_bytes.saturating_mul(2) {
            self.current = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Golden values are those of Kafka's own test of this function.
    #[test]
    fn hash_is_javas() {
        let cases: [(&str, i32); 6] = [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            (
                "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8",
                -58_897_971,
            ),
            ("abc", 479_470_107),
        ];
        for (text, hash) in cases {
            assert_eq!(murmur2(text.as_bytes()).cast_signed(), hash, "{text}");
        }
    }

    #[test]
    fn partition_is_never_out_of_range() {
        for key in 0..1000_u32 {
            assert!((0..7).contains(&partition_for_key(&key.to_be_bytes(), 7)));
        }
        assert_eq!(partition_for_key(b"key", 0), 0);
    }

    #[test]
    fn records_stay_together_until_a_batch_is_full() {
        let mut sticky = StickyPartition::new(100);
        assert_eq!(sticky.partition(&[], 0), None);
        assert_eq!(sticky.partition(&[3, 5], 1), Some(5));
        sticky.on_append(99, true);
        assert_eq!(sticky.partition(&[3, 5], 0), Some(5));
        sticky.on_append(1, false);
        assert_eq!(
            sticky.partition(&[3, 5], 0),
            Some(5),
            "its batch is still open"
        );
        sticky.on_append(1, true);
        assert_eq!(sticky.partition(&[3, 5], 2), Some(3));
        sticky.on_append(200, false);
        assert_eq!(
            sticky.partition(&[5], 7),
            Some(5),
            "twice the size is enough"
        );
    }
}
