//! Which partition a record with a key goes to.
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
}
