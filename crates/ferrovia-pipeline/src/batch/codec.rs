//! The codecs of a record section, and which of them a batch uses. One file each below; the choice is made once per batch.

mod gzip;
mod snappy;
mod lz4;
mod zstd;

use std::fmt;

use crate::batch::scratch::Scratch;
use crate::batch::{CodecFault, InflateLimits};

/// How a record section is compressed. The order is that of the numbers on the wire.
///
/// # Source
/// `org.apache.kafka.common.record.CompressionType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Codec {
    /// Not at all.
    #[default]
    None,
    /// gzip (RFC 1952).
    Gzip,
    /// Snappy, in blocks as `snappy-java` frames them, or raw.
    Snappy,
    /// LZ4 frames.
    Lz4,
    /// Zstandard (RFC 8878).
    Zstd,
}

impl Codec {
    /// All codecs, by their numbers.
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    /// The codec with this number in the attributes of a batch.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// The number in the attributes of a batch.
    pub fn number(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Gzip => 1,
            Self::Snappy => 2,
            Self::Lz4 => 3,
            Self::Zstd => 4,
        }
    }

    /// The name in Kafka's properties, such as `compression.type`.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    /// The codec with this name in Kafka's properties.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| codec.name() == name)
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The decoders, each made when it is first needed and reused from then on.
#[derive(Debug)]
pub(super) struct Decoders {
    gzip: Option<gzip::Decoder>,
    zstd: zstd::Decoder,
}

impl Decoders {
    pub(super) fn new(limits: InflateLimits) -> Self {
        Self {
            gzip: None,
            zstd: zstd::Decoder::new(limits),
        }
    }

    /// Decompresses a whole section into an empty scratch.
    pub(super) fn decode(
        &mut self,
        codec: Codec,
        section: &[u8],
        scratch: &mut Scratch,
    ) -> Result<(), CodecFault> {
        match codec {
            Codec::None => scratch.write(section),
            Codec::Gzip => self
                .gzip
                .get_or_insert_with(gzip::Decoder::new)
                .decode(section, scratch),
            Codec::Snappy => snappy::decode(section, scratch),
            Codec::Lz4 => lz4::decode(section, scratch),
            Codec::Zstd => self.zstd.decode(section, scratch),
        }
    }
}

/// The encoder of one writer, reused from batch to batch.
#[derive(Debug)]
pub(super) struct Encoder(Encoding);

#[derive(Debug)]
enum Encoding {
    None,
    Gzip(Box<gzip::Encoder>),
    Snappy(Box<snappy::Encoder>),
    Lz4(Box<lz4::Encoder>),
    Zstd(Box<zstd::Encoder>),
}

impl Encoder {
    /// An encoder for a codec; without a level, Kafka's default.
    pub(super) fn new(codec: Codec, level: Option<i32>) -> Self {
        Self(match codec {
            Codec::None => Encoding::None,
            Codec::Gzip => Encoding::Gzip(Box::new(gzip::Encoder::new(level))),
            Codec::Snappy => Encoding::Snappy(Box::default()),
            Codec::Lz4 => Encoding::Lz4(Box::default()),
            Codec::Zstd => Encoding::Zstd(Box::new(zstd::Encoder::new(level))),
        })
    }

    /// Compresses a whole section into an empty scratch.
    pub(super) fn encode(
        &mut self,
        section: &[u8],
        scratch: &mut Scratch,
    ) -> Result<(), CodecFault> {
        match &mut self.0 {
            Encoding::None => scratch.write(section),
            Encoding::Gzip(encoder) => encoder.encode(section, scratch),
            Encoding::Snappy(encoder) => encoder.encode(section, scratch),
            Encoding::Lz4(encoder) => encoder.encode(section, scratch),
            Encoding::Zstd(encoder) => encoder.encode(section, scratch),
        }
    }
}
