//! The settings of the connector that copies how far groups have read.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ferrovia_pipeline::config::{ConfigDef, ConfigKey, ConfigType, ConfigValue, ParsedConfig};
use ferrovia_pipeline::error::ConnectError;

use super::source::{POLL_TIMEOUT, poll_timeout, syncs_location, syncs_side, syncs_topic};
use super::{BaseSettings, FULL_LIST, TASK_INDEX, base, classes, interval, job, low, millis};
use crate::clients::{ClientKind, Side};
use crate::filter::{GroupFilter, TopicFilter};

/// `task.assigned.groups`: the groups of a task, separated by commas.
pub const TASK_GROUPS: &str = "task.assigned.groups";
/// `emit.checkpoints.enabled`
pub const EMIT_CHECKPOINTS: &str = EMIT[0];
const REFRESH: [&str; 2] = ["refresh.groups.enabled", "refresh.groups.interval.seconds"];
const EMIT: [&str; 2] = [
    "emit.checkpoints.enabled",
    "emit.checkpoints.interval.seconds",
];
const SYNC_OFFSETS: [&str; 2] = [
    "sync.group.offsets.enabled",
    "sync.group.offsets.interval.seconds",
];
const REPLICATION_FACTOR: &str = "checkpoints.topic.replication.factor";

/// All keys, in Java's order. `topics` and `topics.exclude` count too, though Java does not list them here.
pub fn definitions() -> ConfigDef {
    let filters = base::definitions()
        .define(poll_timeout())
        .define(GroupFilter::included())
        .define(GroupFilter::excluded())
        .define(classes::group_filter());
    jobs(filters)
        .define(low(
            REPLICATION_FACTOR,
            ConfigType::Short,
            ConfigValue::Short(3),
            "Copies of the topic of checkpoints.",
        ))
        .define(syncs_location())
        .define(classes::topic_filter())
}

fn jobs(definitions: ConfigDef) -> ConfigDef {
    let definitions = job(
        definitions,
        REFRESH,
        true,
        600,
        [
            "Whether groups that are new at the source are found while the connector runs.",
            "How many seconds pass between two looks for new groups.",
        ],
    );
    let definitions = job(
        definitions,
        EMIT,
        true,
        60,
        [
            "Whether it is written to the target how far groups have read at the source.",
            "How many seconds pass between two checkpoints.",
        ],
    );
    job(
        definitions,
        SYNC_OFFSETS,
        false,
        60,
        [
            "Whether groups without members at the target get their translated offsets there, so that they can go on \
             there at any time.",
            "How many seconds pass between two copies of the groups' offsets.",
        ],
    )
}

/// The keys of a task beside those of its connector.
fn task_definitions() -> ConfigDef {
    definitions()
        .define(
            ConfigKey::required(TASK_GROUPS, ConfigType::List)
                .validator(FULL_LIST)
                .doc("The groups that this task looks after."),
        )
        .define(ConfigKey::optional(TASK_INDEX, ConfigType::Int).doc("The number of the task."))
}

/// Checked settings.
///
/// # Source
/// `org.apache.kafka.connect.mirror.MirrorCheckpointConfig`
#[derive(Clone, Debug)]
pub struct CheckpointSettings {
    /// Which clusters.
    pub base: BaseSettings,
    /// Which topics.
    pub topics: TopicFilter,
    /// Which groups.
    pub groups: GroupFilter,
    /// How long a poll waits.
    pub poll_timeout: Duration,
    /// How often new groups are looked for; `None` for never.
    pub refresh_groups: Option<Duration>,
    /// How often checkpoints are written; `None` for never.
    pub emit_checkpoints: Option<Duration>,
    /// How often groups at the target get their offsets; `None` for never.
    pub sync_group_offsets: Option<Duration>,
    /// Copies of the topic of checkpoints.
    pub topic_replication_factor: i16,
    /// Which cluster holds the topic of offset syncs.
    pub syncs_side: Side,
}

impl CheckpointSettings {
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
        let topics = ConfigDef::new()
            .define(TopicFilter::included())
            .define(TopicFilter::excluded())
            .parse(settings)?;
        Ok(Self {
            base: BaseSettings::read(settings, parsed)?,
            topics: TopicFilter::of(&topics)?,
            groups: GroupFilter::of(parsed)?,
            poll_timeout: millis(parsed, POLL_TIMEOUT)?,
            refresh_groups: interval(parsed, REFRESH)?,
            emit_checkpoints: interval(parsed, EMIT)?,
            sync_group_offsets: interval(parsed, SYNC_OFFSETS)?,
            topic_replication_factor: parsed.short(REPLICATION_FACTOR)?,
            syncs_side: syncs_side(parsed)?,
        })
    }

    /// The name of the topic of checkpoints.
    pub fn checkpoints_topic(&self) -> String {
        self.base.policy.checkpoints_topic(&self.base.source_alias)
    }

    /// The name of the topic of offset syncs.
    pub fn offset_syncs_topic(&self) -> String {
        syncs_topic(&self.base, self.syncs_side)
    }

    /// The properties of the consumer of offset syncs.
    pub fn offset_syncs_consumer(&self) -> BTreeMap<String, String> {
        let role = self.syncs_side.word("offset-syncs-", "-consumer");
        let kind = ClientKind::Consumer;
        self.base.client(self.syncs_side, kind, &role)
    }
}

/// The settings of a task that looks after groups.
///
/// # Source
/// `org.apache.kafka.connect.mirror.MirrorCheckpointTaskConfig`
#[derive(Clone, Debug)]
pub struct CheckpointTaskSettings {
    /// Those of its connector, under the task's own label.
    pub checkpoint: CheckpointSettings,
    /// The groups; never empty.
    pub groups: BTreeSet<String>,
}

impl CheckpointTaskSettings {
    /// Reads the settings of a task.
    ///
    /// # Errors
    /// The first that is missing or malformed.
    pub fn parse(settings: &BTreeMap<String, String>) -> Result<Self, ConnectError> {
        let parsed = task_definitions().parse(settings)?;
        let mut checkpoint = CheckpointSettings::read(settings, &parsed)?;
        checkpoint.base = checkpoint.base.of_task(&parsed);
        let groups = parsed.list(TASK_GROUPS).iter().cloned().collect();
        Ok(Self { checkpoint, groups })
    }
}
