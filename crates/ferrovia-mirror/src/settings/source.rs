//! The settings of the connector that copies topics.

use std::collections::BTreeMap;
use std::time::Duration;

use ferrovia_client::TopicPartition;
use ferrovia_pipeline::config::{
    ConfigDef, ConfigError, ConfigKey, ConfigType, ConfigValue, ParsedConfig, Validator,
};
use ferrovia_pipeline::error::ConnectError;

use super::{BaseSettings, FULL_LIST, TASK_INDEX, base, classes, interval, job, low, millis};
use crate::clients::{ClientKind, Side};
use crate::filter::{PropertyFilter, TopicFilter};

/// `task.assigned.partitions`: what a task copies, as `topic-partition,…`.
pub const TASK_PARTITIONS: &str = "task.assigned.partitions";
/// `emit.offset-syncs.enabled`
pub const EMIT_OFFSET_SYNCS: &str = "emit.offset-syncs.enabled";
pub(super) const POLL_TIMEOUT: &str = "consumer.poll.timeout.ms";
pub(super) const SYNCS_LOCATION: &str = "offset-syncs.topic.location";
const REFRESH: [&str; 2] = ["refresh.topics.enabled", "refresh.topics.interval.seconds"];
const SYNC_CONFIGS: [&str; 2] = [
    "sync.topic.configs.enabled",
    "sync.topic.configs.interval.seconds",
];
/// `sync.topic.acls.enabled` and its interval.
pub const SYNC_ACLS: [&str; 2] = [
    "sync.topic.acls.enabled",
    "sync.topic.acls.interval.seconds",
];
const REPLICATION_FACTOR: &str = "replication.factor";
const SYNCS_REPLICATION_FACTOR: &str = "offset-syncs.topic.replication.factor";
const OFFSET_LAG_MAX: &str = "offset.lag.max";
const REPLICATE_HEARTBEATS: &str = "heartbeats.replication.enabled";

/// All keys, in Java's order.
pub fn definitions() -> ConfigDef {
    let filters = base::definitions()
        .define(TopicFilter::included())
        .define(TopicFilter::excluded())
        .define(PropertyFilter::excluded())
        .define(classes::topic_filter())
        .define(classes::property_filter())
        .define(poll_timeout());
    remote_topics(jobs(filters))
}

/// The keys of a task beside those of its connector.
pub fn task_definitions() -> ConfigDef {
    definitions()
        .define(
            ConfigKey::required(TASK_PARTITIONS, ConfigType::List)
                .validator(FULL_LIST)
                .doc("The partitions that this task copies."),
        )
        .define(ConfigKey::optional(TASK_INDEX, ConfigType::Int).doc("The number of the task."))
}

fn jobs(definitions: ConfigDef) -> ConfigDef {
    let definitions = job(
        definitions,
        REFRESH,
        true,
        600,
        [
            "Whether topics and partitions that are new at the source are found while the connector runs.",
            "How many seconds pass between two looks for new topics and partitions.",
        ],
    );
    let definitions = job(
        definitions,
        SYNC_CONFIGS,
        true,
        600,
        [
            "Whether topics at the target are configured as those at the source.",
            "How many seconds pass between two copies of the topics' configurations.",
        ],
    );
    job(
        definitions,
        SYNC_ACLS,
        true,
        600,
        [
            "Whether topics at the target get the access rules of those at the source. Writing to them is never allowed \
             by it.",
            "How many seconds pass between two copies of the access rules.",
        ],
    )
}

fn remote_topics(definitions: ConfigDef) -> ConfigDef {
    definitions
        .define(low(
            REPLICATION_FACTOR,
            ConfigType::Int,
            2,
            "Copies of the topics that are made at the target.",
        ))
        .define(low(
            SYNCS_REPLICATION_FACTOR,
            ConfigType::Short,
            ConfigValue::Short(3),
            "Copies of the topic of offset syncs.",
        ))
        .define(low(
            OFFSET_LAG_MAX,
            ConfigType::Long,
            100_i64,
            "How many records a partition's last offset sync may be behind.",
        ))
        .define(syncs_location())
        .define(low(
            EMIT_OFFSET_SYNCS,
            ConfigType::Boolean,
            true,
            "Whether it is written down which offset at the target stands for which one at the source. Without it the \
             offsets of groups cannot be translated, so MirrorCheckpointConnector cannot run.",
        ))
        .define(low(
            REPLICATE_HEARTBEATS,
            ConfigType::Boolean,
            true,
            "Whether topics of heartbeats are copied even where the topic filter does not choose them.",
        ))
}

/// `consumer.poll.timeout.ms`
pub(super) fn poll_timeout() -> ConfigKey {
    low(
        POLL_TIMEOUT,
        ConfigType::Long,
        1_000_i64,
        "How many milliseconds to wait for records of the source.",
    )
}

/// `offset-syncs.topic.location`
pub(super) fn syncs_location() -> ConfigKey {
    low(
        SYNCS_LOCATION,
        ConfigType::String,
        "source",
        "The cluster that holds the topic of offset syncs: source or target.",
    )
    .validator(Validator::OneOf(&["source", "target"]))
}

/// Which cluster holds the offset syncs.
pub(super) fn syncs_side(parsed: &ParsedConfig) -> Result<Side, ConfigError> {
    Ok(match parsed.string(SYNCS_LOCATION)? {
        "source" => Side::Source,
        _ => Side::Target,
    })
}

/// The name of the topic of offset syncs, which bears the alias of the cluster that does not hold it.
pub(super) fn syncs_topic(base: &BaseSettings, held_by: Side) -> String {
    base.policy.offset_syncs_topic(match held_by {
        Side::Source => &base.target_alias,
        Side::Target => &base.source_alias,
    })
}

/// Checked settings.
///
/// # Source
/// `org.apache.kafka.connect.mirror.MirrorSourceConfig`
#[derive(Clone, Debug)]
pub struct SourceSettings {
    /// Which clusters.
    pub base: BaseSettings,
    /// Which topics.
    pub topics: TopicFilter,
    /// Which of the topics' configurations.
    pub properties: PropertyFilter,
    /// How long a poll waits for records.
    pub poll_timeout: Duration,
    /// How often new topics are looked for; `None` for never.
    pub refresh_topics: Option<Duration>,
    /// How often configurations are copied; `None` for never.
    pub sync_topic_configs: Option<Duration>,
    /// How often access rules are copied; `None` for never.
    pub sync_topic_acls: Option<Duration>,
    /// Copies of topics at the target.
    pub replication_factor: i16,
    /// Copies of the topic of offset syncs.
    pub syncs_replication_factor: i16,
    /// How many records a partition's last offset sync may be behind.
    pub offset_lag_max: i64,
    /// Which cluster holds the topic of offset syncs.
    pub syncs_side: Side,
    /// Whether offset syncs are written.
    pub emit_offset_syncs: bool,
    /// Whether heartbeats are copied whatever the topic filter says.
    pub replicate_heartbeats: bool,
}

impl SourceSettings {
    /// Reads the settings of the connector.
    ///
    /// # Errors
    /// The first that is missing or malformed, or an expression that cannot be used.
    pub fn parse(settings: &BTreeMap<String, String>) -> Result<Self, ConnectError> {
        let parsed = definitions().parse(settings)?;
        Self::read(settings, &parsed)
    }

    fn read(
        settings: &BTreeMap<String, String>,
        parsed: &ParsedConfig,
    ) -> Result<Self, ConnectError> {
        Ok(Self {
            base: BaseSettings::read(settings, parsed)?,
            topics: TopicFilter::of(parsed)?,
            properties: PropertyFilter::of(parsed, settings)?,
            poll_timeout: millis(parsed, POLL_TIMEOUT)?,
            refresh_topics: interval(parsed, REFRESH)?,
            sync_topic_configs: interval(parsed, SYNC_CONFIGS)?,
            sync_topic_acls: interval(parsed, SYNC_ACLS)?,
            replication_factor: narrowed(parsed.int(REPLICATION_FACTOR)?),
            syncs_replication_factor: parsed.short(SYNCS_REPLICATION_FACTOR)?,
            offset_lag_max: parsed.long(OFFSET_LAG_MAX)?,
            syncs_side: syncs_side(parsed)?,
            emit_offset_syncs: parsed.boolean(EMIT_OFFSET_SYNCS)?,
            replicate_heartbeats: parsed.boolean(REPLICATE_HEARTBEATS)?,
        })
    }

    /// The name of the topic of offset syncs.
    pub fn offset_syncs_topic(&self) -> String {
        syncs_topic(&self.base, self.syncs_side)
    }

    /// The properties of the client that makes the topic of offset syncs.
    pub fn offset_syncs_admin(&self) -> BTreeMap<String, String> {
        let role = self.syncs_side.word("offset-syncs-", "-admin");
        self.base.client(self.syncs_side, ClientKind::Admin, &role)
    }

    /// The properties of the producer of offset syncs.
    pub fn offset_syncs_producer(&self) -> BTreeMap<String, String> {
        let role = self.syncs_side.word("offset-syncs-", "-producer");
        let kind = ClientKind::Producer;
        self.base.client(self.syncs_side, kind, &role)
    }

    /// The name of the topic of checkpoints.
    pub fn checkpoints_topic(&self) -> String {
        self.base.policy.checkpoints_topic(&self.base.source_alias)
    }
}

/// Java cuts a number that is too large, which may leave one that is in range. Here the broker refuses it.
fn narrowed(factor: i32) -> i16 {
    i16::try_from(factor).unwrap_or(i16::MAX)
}

/// The settings of a task that copies partitions.
///
/// # Source
/// `org.apache.kafka.connect.mirror.MirrorSourceTaskConfig`
#[derive(Clone, Debug)]
pub struct SourceTaskSettings {
    /// Those of its connector, under the task's own label.
    pub source: SourceSettings,
    /// What it copies; never empty.
    pub partitions: Vec<TopicPartition>,
}

impl SourceTaskSettings {
    /// Reads the settings of a task.
    ///
    /// # Errors
    /// The first that is missing or malformed.
    pub fn parse(settings: &BTreeMap<String, String>) -> Result<Self, ConnectError> {
        let parsed = task_definitions().parse(settings)?;
        let mut source = SourceSettings::read(settings, &parsed)?;
        source.base = source.base.of_task(&parsed);
        let texts = parsed.list(TASK_PARTITIONS).iter();
        let partitions = texts.map(|text| decode(text)).collect::<Result<_, _>>()?;
        Ok(Self { source, partitions })
    }
}

/// Reads `topic-partition`.
fn decode(text: &str) -> Result<TopicPartition, ConfigError> {
    let parts = text.rsplit_once('-');
    let read = parts.and_then(|(topic, number)| Some((topic, number.parse().ok()?)));
    let (topic, number) = read.ok_or_else(|| {
        ConfigError::invalid(TASK_PARTITIONS, text, "Not a topic and a partition")
    })?;
    Ok(TopicPartition::new(topic, number))
}

/// Writes partitions as a task's settings have them.
pub fn encode(partitions: &[TopicPartition]) -> String {
    let texts: Vec<String> = partitions.iter().map(ToString::to_string).collect();
    texts.join(",")
}
