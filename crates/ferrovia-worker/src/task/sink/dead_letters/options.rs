//! How dead letters are written: the part of the producer's settings that has an effect on them.

use std::collections::BTreeMap;

use ferrovia_client::produce::Acks;
use ferrovia_pipeline::batch::{BatchOptions, Codec, HeaderRef};
use ferrovia_pipeline::config::{ConfigDef, ConfigError, ConfigKey, ConfigType, Validator};
use ferrovia_pipeline::error::ConnectError;

/// What `producer.*` of the worker and `producer.override.*` of the connector say about dead letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LetterOptions {
    /// `acks`. With `0` the leader's word is waited for: offsets are committed only when letters are safe.
    pub acks: Acks,
    /// `compression.type`, its levels, and `batch.size`.
    pub batch: BatchOptions,
    /// `max.request.size`: bytes of a letter before compression.
    pub letter_bytes_max: usize,
    /// `max.in.flight.requests.per.connection`
    pub requests_in_flight_max: usize,
}

impl LetterOptions {
    /// Reads them from a producer's settings. Defaults are those of Connect's producers.
    ///
    /// # Errors
    /// The first that is unusable, in Java's words.
    ///
    /// # Source
    /// `ProducerConfig`, and `Worker.baseProducerConfigs` for the defaults
    pub fn from_properties(properties: &BTreeMap<String, String>) -> Result<Self, ConfigError> {
        let parsed = definition().parse(properties)?;
        let codec = Codec::from_name(parsed.string("compression.type")?).unwrap_or_default();
        let level = match codec {
            Codec::Gzip => Some(parsed.int("compression.gzip.level")?).filter(|level| *level > 0),
            Codec::Zstd => Some(parsed.int("compression.zstd.level")?),
            _ => None,
        };
        let size = |name| Ok(usize::try_from(parsed.int(name)?).unwrap_or(0));
        Ok(Self {
            acks: match parsed.string("acks")? {
                "0" | "1" => Acks::Leader,
                _ => Acks::All,
            },
            batch: BatchOptions {
                codec,
                level,
                bytes_target: size("batch.size")?,
            },
            letter_bytes_max: size("max.request.size")?,
            requests_in_flight_max: size("max.in.flight.requests.per.connection")?,
        })
    }

    /// Checks that a letter is not larger than a request may be.
    ///
    /// # Errors
    /// It is.
    ///
    /// # Source
    /// `KafkaProducer.ensureValidRecordSize`
    pub(crate) fn check_size(
        &self,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[HeaderRef<'_>],
    ) -> Result<(), ConnectError> {
        let fields = headers
            .iter()
            .map(|it| field(Some(it.key)) + field(it.value));
        let headers = varint_bytes(headers.len()) + fields.sum::<usize>();
        let bytes = LETTER_OVERHEAD_BYTES + field(key) + field(value) + headers;
        let most = self.letter_bytes_max;
        if bytes <= most {
            return Ok(());
        }
        Err(ConnectError::java(
            "org.apache.kafka.common.errors.RecordTooLargeException",
            format!(
                "The message is {bytes} bytes when serialized which is larger than {most}, which is the value of the \
                 max.request.size configuration."
            ),
        ))
    }
}

fn definition() -> ConfigDef {
    let codecs = Validator::OneOf(&["none", "gzip", "snappy", "lz4", "zstd"]);
    let key = |name: &'static str, default: i32, limit| {
        ConfigKey::with_default(name, ConfigType::Int, default).validator(limit)
    };
    ConfigDef::new()
        .define(
            ConfigKey::with_default("acks", ConfigType::String, "all")
                .validator(Validator::OneOf(&["all", "-1", "0", "1"])),
        )
        .define(
            ConfigKey::with_default("compression.type", ConfigType::String, "none")
                .validator(codecs),
        )
        .define(key(
            "compression.gzip.level",
            GZIP_LEVEL_DEFAULT,
            Validator::Between(-1, 9),
        ))
        .define(key("compression.zstd.level", 3, ZSTD_LEVELS))
        .define(key("batch.size", 16_384, Validator::AtLeast(0)))
        .define(key("max.request.size", 1 << 20, Validator::AtLeast(0)))
        .define(key(
            "max.in.flight.requests.per.connection",
            1,
            Validator::AtLeast(1),
        ))
}

/// Bytes of a key, value or part of a header with the number in front that says how many they are.
fn field(bytes: Option<&[u8]>) -> usize {
    bytes.map_or(1, |bytes| varint_bytes(bytes.len()) + bytes.len())
}

/// Bytes of a length on the wire.
fn varint_bytes(length: usize) -> usize {
    // One bit is the sign, and seven fit into a byte.
    let bits = usize::BITS - length.leading_zeros() + 1;
    usize::try_from(bits.div_ceil(7)).unwrap_or(1)
}

/// Java's word for the library's own level.
const GZIP_LEVEL_DEFAULT: i32 = -1;
/// The levels of the library that Java uses.
const ZSTD_LEVELS: Validator = Validator::Between(-131_072, 22);
/// The header of a batch, and all of a record but its key, value and headers, at most.
const LETTER_OVERHEAD_BYTES: usize = 61 + 21;

#[cfg(test)]
mod tests;
