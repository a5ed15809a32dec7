//! What all three connectors are told: which clusters, and how their topics are called.

use std::collections::BTreeMap;
use std::time::Duration;

use ferrovia_pipeline::config::{
    ConfigDef, ConfigError, ConfigKey, ConfigType, Importance, ParsedConfig, Validator,
};

use super::{LIST, TASK_INDEX, classes, low, millis, security};
use crate::policy::ReplicationPolicy;

pub(super) const ENABLED: &str = "enabled";
const SOURCE_CLUSTER_ALIAS: &str = "source.cluster.alias";
const TARGET_CLUSTER_ALIAS: &str = "target.cluster.alias";
const ADMIN_TIMEOUT: &str = "admin.timeout.ms";

/// The keys that all three connectors have, in Java's order.
///
/// # Source
/// `MirrorConnectorConfig.BASE_CONNECTOR_CONFIG_DEF` without the framework's keys, which the worker adds
pub(super) fn definitions() -> ConfigDef {
    let definitions = aliases(ConfigDef::new())
        .define(low(
            ADMIN_TIMEOUT,
            ConfigType::Long,
            60_000_i64,
            "How long one look at the clusters' topics or groups, or one change of them, may take in milliseconds.",
        ))
        .define(classes::replication_policy())
        .define(low(
            "replication.policy.separator",
            ConfigType::String,
            ".",
            "What stands between a cluster's alias and a topic's name in the names of topics at the target.",
        ))
        .define(low(
            "replication.policy.internal.topic.separator.enabled",
            ConfigType::Boolean,
            true,
            "Whether the separator stands in the names of the connectors' own topics too; otherwise a dot does, as \
             before the separator could be chosen.",
        ))
        .define(classes::forwarding_admin())
        .define(
            low(
                "metric.reporters",
                ConfigType::List,
                ["org.apache.kafka.common.metrics.JmxReporter"],
                "Accepted and without effect: the worker's own metrics tell of the tasks.",
            )
            .validator(LIST),
        )
        .define(
            ConfigKey::with_default("security.protocol", ConfigType::String, "PLAINTEXT")
                .validator(Validator::OneOfIgnoringCase(&[
                    "SASL_SSL",
                    "PLAINTEXT",
                    "SSL",
                    "SASL_PLAINTEXT",
                ]))
                .importance(Importance::Medium)
                .doc("How brokers are talked to."),
        )
        .define(
            ConfigKey::with_default("config.providers", ConfigType::List, [""; 0])
                .validator(LIST)
                .importance(Importance::Low)
                .doc("Accepted and without effect: the worker's configuration providers fill in variables."),
        );
    security::define(definitions)
}

fn aliases(definitions: ConfigDef) -> ConfigDef {
    definitions
        .define(low(
            ENABLED,
            ConfigType::Boolean,
            true,
            "Whether anything is copied from the source to the target.",
        ))
        .define(
            ConfigKey::required(SOURCE_CLUSTER_ALIAS, ConfigType::String)
                .importance(Importance::High)
                .doc("What the source cluster is called."),
        )
        .define(
            ConfigKey::with_default(TARGET_CLUSTER_ALIAS, ConfigType::String, "target")
                .importance(Importance::High)
                .doc("What the target cluster is called."),
        )
}

/// What all three connectors are told.
#[derive(Clone, Debug)]
pub struct BaseSettings {
    /// The settings as given.
    pub originals: BTreeMap<String, String>,
    /// `enabled`
    pub enabled: bool,
    /// `source.cluster.alias`
    pub source_alias: String,
    /// `target.cluster.alias`
    pub target_alias: String,
    /// `admin.timeout.ms`
    pub admin_timeout: Duration,
    /// How topics are called at the target.
    pub policy: ReplicationPolicy,
    /// The number of the task, as its clients are called; `None` for a connector.
    task: Option<String>,
}

impl BaseSettings {
    pub(super) fn read(
        originals: &BTreeMap<String, String>,
        parsed: &ParsedConfig,
    ) -> Result<Self, ConfigError> {
        let class = parsed.string(classes::REPLICATION_POLICY_CLASS)?;
        let policy = if class == classes::IDENTITY_POLICY {
            ReplicationPolicy::identity(originals)
        } else {
            ReplicationPolicy::prefixing(originals)
        };
        Ok(Self {
            originals: originals.clone(),
            enabled: parsed.boolean(ENABLED)?,
            source_alias: parsed.string(SOURCE_CLUSTER_ALIAS)?.to_owned(),
            target_alias: parsed.string(TARGET_CLUSTER_ALIAS)?.to_owned(),
            admin_timeout: millis(parsed, ADMIN_TIMEOUT)?,
            policy,
            task: None,
        })
    }

    /// As a task's settings, whose clients bear its number.
    pub(super) fn of_task(mut self, parsed: &ParsedConfig) -> Self {
        let index = parsed.optional_int(TASK_INDEX);
        self.task = Some(index.map_or_else(|| "?".to_owned(), |index| index.to_string()));
        self
    }

    /// The connector's name.
    pub fn connector_name(&self) -> &str {
        self.originals.get("name").map_or("", String::as_str)
    }

    /// Whom logs and client ids speak of: `A->B|name`, and for tasks `A->B|name-0`.
    pub fn entity_label(&self) -> String {
        let connector = format!(
            "{}->{}|{}",
            self.source_alias,
            self.target_alias,
            self.connector_name()
        );
        match &self.task {
            Some(task) => format!("{connector}-{task}"),
            None => connector,
        }
    }

    /// The pair of clusters: `A->B`.
    pub fn source_and_target(&self) -> String {
        format!("{}->{}", self.source_alias, self.target_alias)
    }
}
