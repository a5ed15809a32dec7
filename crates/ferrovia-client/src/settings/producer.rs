//! The properties of a client that produces.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::properties::Properties;
use super::{ClientSettings, SettingsError};

/// What a producer needs to know, and what the one who fills its batches does.
///
/// # Source
/// `org.apache.kafka.clients.producer.ProducerConfig` and `KafkaProducer.configureDeliveryTimeout`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProducerSettings {
    /// What every connection needs to know.
    pub client: ClientSettings,
    /// `acks`
    pub acks: Acks,
    /// `retries`: how often a batch is sent again.
    pub retries: u32,
    /// `delivery.timeout.ms`: how long a batch is tried. Raised to the sum of `linger.ms` and
    /// `request.timeout.ms` where it was left at its default.
    pub delivery_timeout: Duration,
    /// `linger.ms`: how long the one who fills batches waits for more records.
    pub linger: Duration,
    /// `batch.size` in bytes, for the one who fills batches; at least 1.
    pub batch_bytes: usize,
    /// `buffer.memory`: bytes that may wait for an acknowledgement.
    pub buffer_bytes: usize,
    /// `max.block.ms`: how long a call waits for metadata, memory or the coordinator.
    pub max_block: Duration,
    /// `max.in.flight.requests.per.connection`
    pub requests_in_flight_max: usize,
    /// `max.request.size`: bytes of the batches in one request (a single batch may have more), and
    /// of a record before compression, which the one who fills batches checks.
    pub request_bytes_max: usize,
    /// `compression.type` with its level, for the one who fills batches.
    pub compression: Compression,
    /// `enable.idempotence`, off where it was not asked for and `acks` or `retries` rule it out.
    pub is_idempotent: bool,
    /// `transactional.id`
    pub transactional_id: Option<Arc<str>>,
    /// `transaction.timeout.ms`
    pub transaction_timeout: Duration,
    /// `partitioner.ignore.keys`: records with a key are spread like those without.
    pub ignores_keys: bool,
    /// What divides batches that a broker finds too large, for the one who fills batches to set.
    /// Without it they are refused.
    pub divider: Option<Divider>,
}

/// Divides batches, which this client does not open.
#[derive(Debug, Clone, Copy)]
pub struct Divider(fn(&Bytes, Compression) -> Option<[Bytes; 2]>);

impl Divider {
    /// `halves` gives a sealed batch's records in two sealed batches, in order, or `None` where that
    /// cannot be. It is told the producer's compression.
    #[must_use]
    pub const fn new(halves: fn(&Bytes, Compression) -> Option<[Bytes; 2]>) -> Self {
        Self(halves)
    }

    pub(crate) fn halves(self, batch: &Bytes, compression: Compression) -> Option<[Bytes; 2]> {
        (self.0)(batch, compression)
    }
}

/// How many copies a batch needs before it counts as produced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acks {
    /// The leader's (`acks=1`). Also stands for `acks=0`: this client always waits for an answer,
    /// because a batch nobody has answered for cannot be called safe.
    Leader,
    /// All in-sync replicas' (`acks=all`).
    All,
}

impl Acks {
    pub(crate) fn wire_value(self) -> i16 {
        match self {
            Self::Leader => 1,
            Self::All => -1,
        }
    }
}

/// A codec and how hard it tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// `none`
    #[default]
    None,
    /// `gzip` of this level, 1 to 9; `None` leaves it to the library.
    Gzip(Option<i32>),
    /// `snappy`
    Snappy,
    /// `lz4` of this level, 1 to 17.
    Lz4(i32),
    /// `zstd` of this level, -131072 to 22.
    Zstd(i32),
}

impl PartialEq for Divider {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::fn_addr_eq(self.0, other.0)
    }
}

impl Eq for Divider {}

impl ProducerSettings {
    /// Reads the settings of a producer. `partitioner.adaptive.partitioning.enable`,
    /// `partitioner.availability.timeout.ms`, `metadata.max.idle.ms` and two-phase commit have no
    /// effect.
    ///
    /// # Errors
    /// [`SettingsError`] names the first property that is missing, malformed, out of range, or at
    /// odds with another.
    pub fn from_properties(map: &BTreeMap<String, String>) -> Result<Self, SettingsError> {
        let properties = Properties::new(map);
        let mut settings = Self {
            client: ClientSettings::from_properties(map)?,
            buffer_bytes: size_of_long(properties.long("buffer.memory", 32 << 20, 0)?),
            retries: properties.int("retries", i32::MAX, 0)?.unsigned_abs(),
            acks: acks(&properties)?,
            compression: compression(&properties)?,
            batch_bytes: bytes(&properties, "batch.size", 16_384)?.max(1),
            ignores_keys: properties.boolean("partitioner.ignore.keys", false)?,
            divider: None,
            linger: properties.millis("linger.ms", 5, 0)?.min(LINGER_MAX),
            delivery_timeout: properties.millis_int(DELIVERY_TIMEOUT, 120_000, 0)?,
            request_bytes_max: bytes(&properties, "max.request.size", 1 << 20)?,
            max_block: properties.millis("max.block.ms", 60_000, 0)?,
            requests_in_flight_max: usize_of(properties.int(IN_FLIGHT, 5, 1)?),
            is_idempotent: properties.boolean(IDEMPOTENCE, true)?,
            transaction_timeout: properties.millis_int("transaction.timeout.ms", 60_000, 0)?,
            transactional_id: transactional_id(&properties)?,
        };
        settings.settle_idempotence(&properties)?;
        settings.settle_delivery_timeout(&properties)?;
        Ok(settings)
    }

    /// The defaults for brokers reached with these client settings.
    #[must_use]
    pub fn with_defaults(client: ClientSettings) -> Self {
        Self {
            client,
            acks: Acks::All,
            retries: i32::MAX.unsigned_abs(),
            delivery_timeout: Duration::from_secs(120),
            linger: Duration::from_millis(5),
            batch_bytes: 16_384,
            buffer_bytes: 32 << 20,
            max_block: Duration::from_secs(60),
            requests_in_flight_max: IN_FLIGHT_IDEMPOTENT_MAX,
            request_bytes_max: 1 << 20,
            compression: Compression::None,
            is_idempotent: true,
            transactional_id: None,
            transaction_timeout: Duration::from_secs(60),
            ignores_keys: false,
            divider: None,
        }
    }

    /// # Source
    /// `ProducerConfig.postProcessAndValidateIdempotenceConfigs`
    fn settle_idempotence(&mut self, properties: &Properties<'_>) -> Result<(), SettingsError> {
        if self.is_idempotent {
            let asked = properties.text(IDEMPOTENCE).is_some();
            if self.retries == 0 {
                conflict_if(
                    asked,
                    "Must set retries to non-zero when using the idempotent producer.",
                )?;
                self.is_idempotent = false;
            }
            if self.acks != Acks::All {
                conflict_if(
                    asked,
                    "Must set acks to all in order to use the idempotent producer. Otherwise we \
                     cannot guarantee idempotence.",
                )?;
                self.is_idempotent = false;
            }
            let in_flight = self.requests_in_flight_max;
            conflict_if(
                in_flight > IN_FLIGHT_IDEMPOTENT_MAX,
                &format!(
                    "To use the idempotent producer, {IN_FLIGHT} must be set to at most 5. Current \
                     value is {in_flight}."
                ),
            )?;
        }
        conflict_if(
            !self.is_idempotent && self.transactional_id.is_some(),
            "Cannot set a transactional.id without also enabling idempotence.",
        )
    }

    /// Java counts both in 31 bits of milliseconds, so no sum is longer than that.
    fn settle_delivery_timeout(
        &mut self,
        properties: &Properties<'_>,
    ) -> Result<(), SettingsError> {
        let least = (self.linger + self.client.request_timeout).min(LINGER_MAX);
        if self.delivery_timeout < least {
            conflict_if(
                properties.text(DELIVERY_TIMEOUT).is_some(),
                "delivery.timeout.ms should be equal to or larger than linger.ms + \
                 request.timeout.ms",
            )?;
            self.delivery_timeout = least;
        }
        Ok(())
    }
}

fn acks(properties: &Properties<'_>) -> Result<Acks, SettingsError> {
    const NAME: &str = "acks";
    match properties.text(NAME) {
        None | Some("all" | "-1") => Ok(Acks::All),
        Some("0" | "1") => Ok(Acks::Leader),
        Some(value) => Err(SettingsError::invalid(
            NAME,
            value,
            "String must be one of: all, -1, 0, 1",
        )),
    }
}

fn compression(properties: &Properties<'_>) -> Result<Compression, SettingsError> {
    const NAME: &str = "compression.type";
    const GZIP_LEVEL: &str = "compression.gzip.level";
    // All levels are checked, whichever codec is in use.
    let gzip = properties.int(GZIP_LEVEL, GZIP_LEVEL_DEFAULT, i32::MIN)?;
    if gzip != GZIP_LEVEL_DEFAULT && !(1..=9).contains(&gzip) {
        let reason = "Value must be between 1 and 9 or equal to -1";
        return Err(SettingsError::invalid(GZIP_LEVEL, gzip, reason));
    }
    let lz4 = properties.int_between("compression.lz4.level", 9, 1, 17)?;
    let zstd = properties.int_between("compression.zstd.level", 3, -131_072, 22)?;
    match properties.text(NAME) {
        None | Some("none") => Ok(Compression::None),
        Some("gzip") => Ok(Compression::Gzip(
            Some(gzip).filter(|level| *level != GZIP_LEVEL_DEFAULT),
        )),
        Some("snappy") => Ok(Compression::Snappy),
        Some("lz4") => Ok(Compression::Lz4(lz4)),
        Some("zstd") => Ok(Compression::Zstd(zstd)),
        Some(value) => Err(SettingsError::invalid(
            NAME,
            value,
            "String must be one of: none, gzip, snappy, lz4, zstd",
        )),
    }
}

fn transactional_id(properties: &Properties<'_>) -> Result<Option<Arc<str>>, SettingsError> {
    const NAME: &str = "transactional.id";
    match properties.text(NAME) {
        Some("") => Err(SettingsError::invalid(NAME, "", "String must be non-empty")),
        value => Ok(value.map(Into::into)),
    }
}

fn conflict_if(is_one: bool, reason: &str) -> Result<(), SettingsError> {
    if is_one {
        let reason = reason.to_owned();
        return Err(SettingsError::Conflict { reason });
    }
    Ok(())
}

fn bytes(
    properties: &Properties<'_>,
    name: &'static str,
    default: u32,
) -> Result<usize, SettingsError> {
    let bytes = properties.size(name, default)?;
    Ok(usize::try_from(bytes).unwrap_or(usize::MAX))
}

fn usize_of(value: i32) -> usize {
    usize::try_from(value).unwrap_or(0)
}

fn size_of_long(value: i64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

const DELIVERY_TIMEOUT: &str = "delivery.timeout.ms";
const IDEMPOTENCE: &str = "enable.idempotence";
const IN_FLIGHT: &str = "max.in.flight.requests.per.connection";
/// Batches of a partition whose sequence numbers a broker remembers.
const IN_FLIGHT_IDEMPOTENT_MAX: usize = 5;
/// Java's word for the library's own level.
const GZIP_LEVEL_DEFAULT: i32 = -1;
/// Java's largest INT in milliseconds.
const LINGER_MAX: Duration = Duration::from_millis(i32::MAX.unsigned_abs() as u64);

#[cfg(test)]
mod tests;
