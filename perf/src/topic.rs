//! The topics that are drained or filled: one for each shape of data that the targets name.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::lab::{Lab, Load};

/// Partitions of every topic.
pub const PARTITIONS: i32 = 8;

/// Tasks of connectors that can have several.
pub const TASKS: u64 = 2;

/// What is done with a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Nowhere: raw bytes into a sink that only counts.
    Discard,
    /// Through JsonConverter and [`TRANSFORMS`] into a sink that only counts.
    Transform,
    /// Through StringConverter into a file, by FileStreamSink.
    File,
    /// The other way: from a file by FileStreamSource and StringConverter, or from nothing by a generator.
    Fill,
    /// To another topic, by MirrorSource.
    Mirror,
    /// From memory by a producer alone.
    Produce,
}

/// The connector settings of [`Work::Transform`].
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
    /// What is done with it.
    pub work: Work,
    /// Bytes of every value.
    pub value_bytes: usize,
    kind: &'static str,
    codec: &'static str,
    /// Its size against the largest topic's: small records and codecs make more work of fewer bytes.
    share: f64,
}

/// All shapes, in the report's order.
pub const SHAPES: [Shape; 15] = [
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
        work: Work::Transform,
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
        work: Work::File,
        ..shape(
            "json-file",
            "936 B JSON, lz4, to FileStreamSink",
            "json",
            "lz4",
            936,
            0.3,
        )
    },
    filled("fill-100", "100 B, from a file by FileStreamSource", "none"),
    filled(
        "fill-100-lz4",
        "100 B, from a file by FileStreamSource, lz4",
        "lz4",
    ),
    mirrored("mirror-100", "100 B, by MirrorSource", "text", "none", 100),
    mirrored(
        "mirror-1500",
        "1,500 B, by MirrorSource",
        "text",
        "none",
        1_500,
    ),
    mirrored(
        "mirror-json-lz4",
        "936 B JSON, lz4, by MirrorSource",
        "json",
        "lz4",
        936,
    ),
    produced("produce-100", "100 B, by a producer alone", "none", 100),
    produced(
        "produce-100-lz4",
        "100 B, by a producer alone, lz4",
        "lz4",
        100,
    ),
    produced(
        "produce-1024",
        "1,024 B, by a producer alone",
        "none",
        1_024,
    ),
    produced(
        "produce-1024-lz4",
        "1,024 B, by a producer alone, lz4",
        "lz4",
        1_024,
    ),
];

const fn filled(name: &'static str, title: &'static str, codec: &'static str) -> Shape {
    Shape {
        work: Work::Fill,
        ..shape(name, title, "text", codec, 100, 0.5)
    }
}

const fn mirrored(
    name: &'static str,
    title: &'static str,
    kind: &'static str,
    codec: &'static str,
    value_bytes: usize,
) -> Shape {
    Shape {
        work: Work::Mirror,
        ..shape(name, title, kind, codec, value_bytes, 0.2)
    }
}

const fn produced(
    name: &'static str,
    title: &'static str,
    codec: &'static str,
    value_bytes: usize,
) -> Shape {
    Shape {
        work: Work::Produce,
        ..shape(name, title, "text", codec, value_bytes, 0.3)
    }
}

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
        work: Work::Discard,
        value_bytes,
        kind,
        codec,
        share,
    }
}

impl Shape {
    /// How many records the topic holds when the largest topic has `bytes`: as many for each task.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a positive share of a size that fits a disk"
    )]
    pub fn records(&self, bytes: u64) -> u64 {
        let records = (bytes as f64 * self.share) as u64 / self.value_bytes as u64;
        records / TASKS * TASKS
    }

    /// Makes what is to be drained, or read: a topic or a file. Gives the number of records.
    ///
    /// # Errors
    /// When the broker refuses, or the disk is full.
    pub fn prepare(&self, kafka: &Kafka, bytes: u64) -> io::Result<u64> {
        let records = self.records(bytes);
        match self.work {
            Work::Fill => {
                self.write_lines(&self.file(kafka), records)?;
                return Ok(records);
            }
            Work::Produce => {
                self.write_payloads(&self.file(kafka))?;
                return Ok(records);
            }
            Work::Discard | Work::Transform | Work::File | Work::Mirror => {}
        }
        let mut lab = Lab::start(kafka)?;
        lab.create(self.name, PARTITIONS)?;
        let load = Load {
            topic: self.name.to_owned(),
            partitions: PARTITIONS,
            count: records,
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

    /// The codec of its batches.
    #[must_use]
    pub fn codec(&self) -> &'static str {
        self.codec
    }

    /// Where the lines are that a source reads, or a producer's payloads.
    #[must_use]
    pub fn file(&self, kafka: &Kafka) -> PathBuf {
        kafka.folder().join(format!("{}.txt", self.name))
    }

    fn write_lines(&self, file: &Path, records: u64) -> io::Result<()> {
        let mut file = BufWriter::new(File::create(file)?);
        let filler = "x".repeat(self.value_bytes.saturating_sub(11));
        (0..records).try_for_each(|number| writeln!(file, "{number:010}:{filler}"))?;
        file.flush()
    }

    /// Lines of a journal: half of each is words, half is noise.
    fn write_payloads(&self, file: &Path) -> io::Result<()> {
        let mut file = BufWriter::new(File::create(file)?);
        let (mut noise, mut line) = (1_u64, Vec::new());
        for _ in 0..PAYLOADS {
            while line.len() < self.value_bytes {
                noise = noise.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
                write!(line, "order={noise:016x} state=shipped ")?;
            }
            line.truncate(self.value_bytes);
            file.write_all(&line)?;
            file.write_all(b"\n")?;
            line.clear();
        }
        file.flush()
    }
}

/// Different values of a producer alone.
const PAYLOADS: usize = 4_096;
