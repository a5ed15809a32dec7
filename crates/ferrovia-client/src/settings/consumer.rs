//! The properties of a group member that fetches.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::properties::Properties;
use super::{ClientSettings, SettingsError};

/// What a consumer needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerSettings {
    /// What every connection needs to know.
    pub client: ClientSettings,
    /// `group.id`; `None` where the consumer is given its partitions.
    pub group_id: Option<Arc<str>>,
    /// `group.instance.id`: static membership.
    pub group_instance_id: Option<Arc<str>>,
    /// `session.timeout.ms`
    pub session_timeout: Duration,
    /// `heartbeat.interval.ms`
    pub heartbeat_interval: Duration,
    /// `max.poll.interval.ms`: also how long the coordinator waits for members to rejoin.
    pub max_poll_interval: Duration,
    /// `max.poll.records`
    pub max_poll_records: u32,
    /// `partition.assignment.strategy`, most wanted first.
    pub partition_assignors: Vec<PartitionAssignor>,
    /// `auto.offset.reset`
    pub auto_offset_reset: AutoOffsetReset,
    /// Whether `auto.offset.reset` was set by somebody rather than taken from the default.
    pub auto_offset_reset_is_explicit: bool,
    /// `fetch.min.bytes`
    pub fetch_min_bytes: u32,
    /// `fetch.max.bytes`: of one answer.
    pub fetch_max_bytes: u32,
    /// `fetch.max.wait.ms`
    pub fetch_max_wait: Duration,
    /// `max.partition.fetch.bytes`: of one partition in one answer.
    pub max_partition_fetch_bytes: u32,
    /// `isolation.level`
    pub isolation_level: IsolationLevel,
    /// `check.crcs`
    pub check_crcs: bool,
    /// `allow.auto.create.topics`
    pub allow_auto_create_topics: bool,
    /// `exclude.internal.topics`: from subscriptions by pattern.
    pub exclude_internal_topics: bool,
}

impl ConsumerSettings {
    /// Reads the settings of a consumer.
    ///
    /// # Errors
    /// [`SettingsError`] names the first property that is missing, malformed or out of range.
    pub fn from_properties(map: &BTreeMap<String, String>) -> Result<Self, SettingsError> {
        let properties = Properties::new(map);
        let partition_fetch_bytes = properties.size("max.partition.fetch.bytes", 1 << 20)?;
        Ok(Self {
            client: ClientSettings::from_properties(map)?,
            group_id: properties.text("group.id").map(Into::into),
            group_instance_id: group_instance_id(&properties)?,
            session_timeout: properties.millis_int("session.timeout.ms", 45_000, 1)?,
            heartbeat_interval: properties.millis_int("heartbeat.interval.ms", 3_000, 1)?,
            max_poll_interval: properties.millis_int("max.poll.interval.ms", 300_000, 1)?,
            max_poll_records: properties.int("max.poll.records", 500, 1)?.unsigned_abs(),
            partition_assignors: partition_assignors(&properties)?,
            auto_offset_reset: auto_offset_reset(&properties)?,
            auto_offset_reset_is_explicit: properties.text(AUTO_OFFSET_RESET).is_some(),
            fetch_min_bytes: properties.size("fetch.min.bytes", 1)?,
            fetch_max_bytes: properties.size("fetch.max.bytes", FETCH_MAX_BYTES)?,
            fetch_max_wait: properties.millis_int("fetch.max.wait.ms", 500, 0)?,
            max_partition_fetch_bytes: partition_fetch_bytes,
            isolation_level: isolation_level(&properties)?,
            check_crcs: properties.boolean("check.crcs", true)?,
            allow_auto_create_topics: properties.boolean("allow.auto.create.topics", true)?,
            exclude_internal_topics: properties.boolean("exclude.internal.topics", true)?,
        })
    }
}

/// An assignor that this client can run as leader, and offers as member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartitionAssignor {
    /// `range`
    Range,
    /// `cooperative-sticky`
    CooperativeSticky,
}

impl PartitionAssignor {
    /// The name in the group protocol.
    #[must_use]
    pub fn protocol_name(self) -> &'static str {
        match self {
            Self::Range => "range",
            Self::CooperativeSticky => "cooperative-sticky",
        }
    }

    fn from_class_name(class: &str) -> Option<Self> {
        match class.strip_prefix("org.apache.kafka.clients.consumer.")? {
            "RangeAssignor" => Some(Self::Range),
            "CooperativeStickyAssignor" => Some(Self::CooperativeSticky),
            _ => None,
        }
    }
}

/// Where to start where a group has no offset, or one outside the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AutoOffsetReset {
    /// At the first record there is.
    Earliest,
    /// After the last record there is.
    Latest,
    /// Nowhere: it is an error.
    None,
    /// At the first record that is at most this old (KIP-1106).
    ByDuration(Duration),
}

/// Which records a consumer sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IsolationLevel {
    /// All of them.
    #[default]
    ReadUncommitted,
    /// Those outside transactions and of committed ones.
    ReadCommitted,
}

impl IsolationLevel {
    /// The number in fetch and list-offsets requests.
    #[must_use]
    pub fn wire_value(self) -> i8 {
        match self {
            Self::ReadUncommitted => 0,
            Self::ReadCommitted => 1,
        }
    }
}

fn group_instance_id(properties: &Properties<'_>) -> Result<Option<Arc<str>>, SettingsError> {
    const NAME: &str = "group.instance.id";
    match properties.text(NAME) {
        Some("") => Err(SettingsError::invalid(NAME, "", "String must be non-empty")),
        value => Ok(value.map(Into::into)),
    }
}

fn partition_assignors(
    properties: &Properties<'_>,
) -> Result<Vec<PartitionAssignor>, SettingsError> {
    const NAME: &str = "partition.assignment.strategy";
    let Some(classes) = properties.list(NAME)? else {
        return Ok(vec![
            PartitionAssignor::Range,
            PartitionAssignor::CooperativeSticky,
        ]);
    };
    let known = |class| {
        PartitionAssignor::from_class_name(class).ok_or_else(|| {
            let reason = "only RangeAssignor and CooperativeStickyAssignor of \
                          org.apache.kafka.clients.consumer are built in";
            SettingsError::invalid(NAME, class, reason)
        })
    };
    classes.into_iter().map(known).collect()
}

fn auto_offset_reset(properties: &Properties<'_>) -> Result<AutoOffsetReset, SettingsError> {
    let value = properties.text(AUTO_OFFSET_RESET).unwrap_or("latest");
    match value {
        "earliest" => Ok(AutoOffsetReset::Earliest),
        "latest" => Ok(AutoOffsetReset::Latest),
        "none" => Ok(AutoOffsetReset::None),
        _ => value
            .strip_prefix("by_duration:")
            .and_then(iso_duration)
            .map(AutoOffsetReset::ByDuration)
            .ok_or_else(|| {
                let reason = format!(
                    "Invalid value `{value}` for configuration {AUTO_OFFSET_RESET}. The value must \
                     be either 'earliest', 'latest', 'none' or of the format \
                     'by_duration:<PnDTnHnMn.nS.>'."
                );
                SettingsError::invalid(AUTO_OFFSET_RESET, value, reason)
            }),
    }
}

fn isolation_level(properties: &Properties<'_>) -> Result<IsolationLevel, SettingsError> {
    const NAME: &str = "isolation.level";
    match properties.text(NAME) {
        None | Some("read_uncommitted") => Ok(IsolationLevel::ReadUncommitted),
        Some("read_committed") => Ok(IsolationLevel::ReadCommitted),
        Some(value) => Err(SettingsError::invalid(
            NAME,
            value,
            "String must be one of: read_committed, read_uncommitted",
        )),
    }
}

/// An ISO-8601 duration of days, hours, minutes and seconds, such as `P1DT2H3M4.5S`.
/// Signs, which `java.time.Duration` allows inside, are refused: an age is not negative.
fn iso_duration(text: &str) -> Option<Duration> {
    let text = text.to_ascii_uppercase();
    let (days, time) = match text.strip_prefix('P')?.split_once('T') {
        Some((_, "")) => return None,
        Some((days, time)) => (days, time),
        None => (text.strip_prefix('P')?, ""),
    };
    if days.is_empty() && time.is_empty() {
        return None;
    }
    let mut total = Duration::ZERO;
    if !days.is_empty() {
        total = whole_units(days.strip_suffix('D')?, 86_400)?;
    }
    let mut rest = time;
    for (unit, seconds) in [('H', 3_600), ('M', 60)] {
        if let Some((count, after)) = rest.split_once(unit) {
            total = total.checked_add(whole_units(count, seconds)?)?;
            rest = after;
        }
    }
    if !rest.is_empty() {
        let (whole, fraction) = match rest.strip_suffix('S')?.split_once(['.', ',']) {
            Some((whole, fraction)) => (whole, fraction),
            None => (rest.strip_suffix('S')?, ""),
        };
        total = total
            .checked_add(whole_units(whole, 1)?)?
            .checked_add(nanos(fraction)?)?;
    }
    Some(total)
}

fn whole_units(count: &str, seconds: u64) -> Option<Duration> {
    let is_number = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
    let count = count.parse::<u64>().ok().filter(|_| is_number)?;
    count.checked_mul(seconds).map(Duration::from_secs)
}

fn nanos(fraction: &str) -> Option<Duration> {
    let is_number = fraction.len() <= 9 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    format!("{fraction:0<9}")
        .parse()
        .ok()
        .filter(|_| is_number)
        .map(Duration::from_nanos)
}

const AUTO_OFFSET_RESET: &str = "auto.offset.reset";

/// Default of `fetch.max.bytes`.
pub(super) const FETCH_MAX_BYTES: u32 = 50 << 20;
