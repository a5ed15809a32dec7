//! The topics that are drained: one for each shape of data that the targets name.

use std::io;

use ferrovia_tests::lab::{Lab, Load};

/// Partitions of every topic.
const PARTITIONS: i32 = 8;

/// Where a topic's records go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sink {
    /// Nowhere: raw bytes into a sink that only counts.
    Discard,
    /// Through JsonConverter and [`TRANSFORMS`] into a sink that only counts.
    Transform,
    /// Through StringConverter into a file, by FileStreamSink.
    File,
}

/// The connector settings of [`Sink::Transform`].
pub const TRANSFORMS: [(&str, &str); 11] = [
    (
        "value.converter",
        "org.apache.kafka.connect.json.JsonConverter",
    ),
    ("value.converter.schemas.enable", "false"),
    ("transforms", "insert,replace,mask"),
    (
        "transforms.insert.type",
        "org.apache.kafka.connect.transforms.InsertField$Value",
    ),
    ("transforms.insert.topic.field", "topic"),
    ("transforms.insert.offset.field", "offset"),
    (
        "transforms.replace.type",
        "org.apache.kafka.connect.transforms.ReplaceField$Value",
    ),
    ("transforms.replace.exclude", "note"),
    ("transforms.replace.renames", "status:state"),
    (
        "transforms.mask.type",
        "org.apache.kafka.connect.transforms.MaskField$Value",
    ),
    ("transforms.mask.fields", "order_id"),
];

/// A topic by what is in it.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Its name, and the topic's.
    pub name: &'static str,
    /// What a reader of the report should know.
    pub title: &'static str,
    /// Where its records go.
    pub sink: Sink,
    /// Bytes of every value.
    pub value_bytes: usize,
    kind: &'static str,
    codec: &'static str,
    /// Its size against the largest topic's: small records and codecs make more work of fewer bytes.
    share: f64,
}

/// All shapes, in the report's order.
pub const SHAPES: [Shape; 6] = [
    shape(
        "text-1500",
        "1,500 B, uncompressed",
        "text",
        "none",
        1_500,
        1.0,
    ),
    shape("text-100", "100 B, uncompressed", "text", "none", 100, 0.5),
    shape("json-lz4", "936 B JSON, lz4", "json", "lz4", 936, 0.6),
    shape("json-zstd", "936 B JSON, zstd", "json", "zstd", 936, 0.6),
    Shape {
        sink: Sink::Transform,
        ..shape(
            "json-transforms",
            "936 B JSON, lz4, JsonConverter and three transformations",
            "json",
            "lz4",
            936,
            0.3,
        )
    },
    Shape {
        sink: Sink::File,
        ..shape(
            "json-file",
            "936 B JSON, lz4, to FileStreamSink",
            "json",
            "lz4",
            936,
            0.3,
        )
    },
];

const fn shape(
    name: &'static str,
    title: &'static str,
    kind: &'static str,
    codec: &'static str,
    value_bytes: usize,
    share: f64,
) -> Shape {
    Shape {
        name,
        title,
        sink: Sink::Discard,
        value_bytes,
        kind,
        codec,
        share,
    }
}

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
            keys: 0,
        };
        lab.produce(&load).map(|tally| tally.count())
    }
}
