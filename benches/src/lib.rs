//! Payloads that the benchmarks share: the same three as the targets of the design are stated for.

use std::fmt::Write as _;

use bytes::Bytes;
use ferrovia_pipeline::batch::{
    BatchOptions, BatchWriter, Codec, HeaderRef, RawBatch, Seal, batches,
};

/// Bytes of records in a benchmark's batch: they stay in a core's second-level cache.
pub const BATCH_BYTES: usize = 256 * 1024;

/// What the records of a benchmark carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload {
    /// 100 bytes that do not compress.
    Small,
    /// An order of 936 bytes as JSON.
    Order,
    /// 1,500 bytes that do not compress.
    Large,
}

impl Payload {
    /// All payloads, by size.
    pub const ALL: [Self; 3] = [Self::Small, Self::Order, Self::Large];

    /// Name in a benchmark's id.
    pub fn name(self) -> &'static str {
        match self {
            Self::Small => "100B",
            Self::Order => "936B-json",
            Self::Large => "1500B",
        }
    }

    /// Bytes of a value.
    pub fn size(self) -> usize {
        match self {
            Self::Small => 100,
            Self::Order => 936,
            Self::Large => 1500,
        }
    }

    /// The value of a record; the same for the same number.
    pub fn value(self, number: u64) -> Vec<u8> {
        match self {
            Self::Small | Self::Large => {
                let mut dice = Dice(number);
                (0..self.size()).map(|_| dice.byte()).collect()
            }
            Self::Order => order(number, self.size()),
        }
    }

    /// Values that fill a batch.
    pub fn values(self) -> Vec<Vec<u8>> {
        (0..(BATCH_BYTES / self.size()) as u64)
            .map(|number| self.value(number))
            .collect()
    }

    /// A sealed batch of [`BATCH_BYTES`], with this many headers a record.
    pub fn batch(self, codec: Codec, headers: usize) -> RawBatch {
        let header = HeaderRef {
            key: b"traceparent",
            value: Some(b"00-4bf92f3577b34da6-01"),
        };
        let headers = vec![header; headers];
        let mut writer = BatchWriter::new(BatchOptions {
            codec,
            level: None,
            bytes_target: BATCH_BYTES,
        });
        for (at, value) in (0..).zip(self.values()) {
            if let Err(error) =
                writer.append(1_700_000_000_000 + at / 7, None, Some(&value), &headers)
            {
                unreachable!("a batch far below its limit: {error}");
            }
        }
        only(writer.seal(Seal::default()).unwrap_or_default())
    }
}

fn only(bytes: Bytes) -> RawBatch {
    match batches(bytes).next() {
        Some(Ok(batch)) => batch,
        other => unreachable!("a batch that was just sealed: {other:?}"),
    }
}

/// An order as a shop would publish it, padded to its size by its note.
fn order(number: u64, size: usize) -> Vec<u8> {
    const CITIES: [&str; 8] = [
        "Torino", "Genève", "Lyon", "Zürich", "Graz", "Brno", "Gdańsk", "Malmö",
    ];
    const ITEMS: [&str; 6] = [
        "rail 60E1",
        "sleeper B70",
        "clip Skl 14",
        "fishplate",
        "ballast 31.5/50",
        "switch EW 500",
    ];
    const WORDS: [&str; 8] = [
        "deliver", "before", "noon", "to", "the", "siding", "behind", "depot",
    ];
    let mut dice = Dice(number);
    let mut json = format!(
        "{{\"order_id\":\"{:016x}-{number}\",\"created_at\":\"2026-03-{:02}T{:02}:{:02}:{:02}.{:03}Z\",\
         \"customer\":{{\"id\":{},\"city\":\"{}\",\"email\":\"c{}@example.org\",\"vip\":{}}},\"lines\":[",
        dice.roll(),
        1 + dice.below(28),
        dice.below(24),
        dice.below(60),
        dice.below(60),
        dice.below(1000),
        dice.below(1_000_000),
        CITIES.get(dice.below(8)).unwrap_or(&""),
        dice.below(1_000_000),
        dice.below(2) == 0,
    );
    for line in 0..4 {
        let comma = if line == 0 { "" } else { "," };
        let _ = write!(
            json,
            "{comma}{{\"sku\":\"{:08x}\",\"item\":\"{}\",\"quantity\":{},\"price\":{}.{:02},\"taxed\":true}}",
            dice.below(usize::MAX),
            ITEMS.get(dice.below(6)).unwrap_or(&""),
            dice.below(500),
            dice.below(2000),
            dice.below(100),
        );
    }
    json.push_str("],\"currency\":\"EUR\",\"status\":\"CONFIRMED\",\"note\":\"");
    let mut bytes = json.into_bytes();
    bytes.truncate(size - 2);
    while bytes.len() < size - 2 {
        bytes.extend_from_slice(WORDS.get(dice.below(8)).unwrap_or(&"").as_bytes());
        bytes.push(b' ');
        bytes.truncate(size - 2);
    }
    bytes.extend_from_slice(b"\"}");
    bytes
}

/// Numbers from a seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll()).unwrap_or(0) % end
    }

    fn byte(&mut self) -> u8 {
        let [byte, ..] = self.roll().to_le_bytes();
        byte
    }
}
