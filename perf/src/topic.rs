//! The topics that are drained: one for each shape of data that the targets name.

use std::io;

use ferrovia_tests::lab::{Lab, Load};

/// Partitions of every topic.
const PARTITIONS: i32 = 8;

/// A topic by what is in it.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Its name, and the topic's.
    pub name: &'static str,
    /// What a reader of the report should know.
    pub title: &'static str,
    kind: &'static str,
    codec: &'static str,
    value_bytes: usize,
    /// Its size against the largest topic's: small records and codecs make more work of fewer bytes.
    share: f64,
}

/// All shapes, in the report's order.
pub const SHAPES: [Shape; 4] = [
    Shape {
        name: "text-1500",
        title: "1,500 B, uncompressed",
        kind: "text",
        codec: "none",
        value_bytes: 1_500,
        share: 1.0,
    },
    Shape {
        name: "text-100",
        title: "100 B, uncompressed",
        kind: "text",
        codec: "none",
        value_bytes: 100,
        share: 0.5,
    },
    Shape {
        name: "json-lz4",
        title: "936 B JSON, lz4",
        kind: "json",
        codec: "lz4",
        value_bytes: 936,
        share: 0.6,
    },
    Shape {
        name: "json-zstd",
        title: "936 B JSON, zstd",
        kind: "json",
        codec: "zstd",
        value_bytes: 936,
        share: 0.6,
    },
];

impl Shape {
    /// How many records the topic holds when the largest topic has `bytes`.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a positive share of a size that fits a disk"
    )]
    pub fn records(&self, bytes: u64) -> u64 {
        (bytes as f64 * self.share) as u64 / self.value_bytes as u64
    }

    /// Creates and fills the topic; gives the number of records.
    ///
    /// # Errors
    /// When the broker refuses.
    pub fn fill(&self, lab: &mut Lab, bytes: u64) -> io::Result<u64> {
        lab.create(self.name, PARTITIONS)?;
        let load = Load {
            topic: self.name.to_owned(),
            partitions: PARTITIONS,
            count: self.records(bytes),
            size: self.value_bytes,
            kind: self.kind,
            codec: self.codec,
            seed: 7,
            rate: 0,
            first: 0,
        };
        lab.produce(&load).map(|tally| tally.count())
    }
}
