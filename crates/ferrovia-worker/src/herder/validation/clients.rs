//! What a connector overrides of its clients' settings.
//!
//! # Source
//! `AbstractHerder.validateClientOverrides` and `Worker.connectorClientConfigOverrides` of Kafka 4.2

use std::collections::BTreeMap;

use ferrovia_pipeline::config::{ConfigError, ConfigKey, ConfigType};

use super::checked::CheckedKeys;
use super::definition::parse;
use super::infos::{ConfigInfo, ConfigInfos, KeyInfo, ValueInfo, text};
use super::{Effective, InCluster};
use crate::config::java_map::in_java_order;
use crate::config::override_policy::OverridePolicy;
use crate::config::source_definition::{OFFSETS_TOPIC, TOPIC_CREATION};
use crate::config::worker::ClientKind;
use crate::config::{ConnectorConfig, KindConfig, client_definition};
use crate::herder::request::HerderError;
use crate::plugins::PluginKind;

const DEAD_LETTER_TOPIC: &str = "errors.deadletterqueue.topic.name";

/// One part of the answer for each client that the connector will have.
pub(super) fn infos(
    kinds: Vec<ClientKind>,
    settings: &Effective<'_>,
    policy: &OverridePolicy,
) -> Result<Vec<ConfigInfos>, HerderError> {
    let kinds = kinds.into_iter();
    kinds
        .map(|kind| of_client(kind, settings, policy))
        .collect()
}

/// What decides which clients a connector has.
#[derive(Clone, Copy)]
pub(super) enum Traits {
    Sink {
        has_dead_letters: bool,
    },
    Source {
        has_own_topic: bool,
        makes_topics: bool,
    },
}

impl Traits {
    /// As it is configured.
    pub(super) fn of_settings(kind: PluginKind, settings: &Effective<'_>) -> Self {
        let is_set = |key: &str| {
            settings
                .text(key)
                .is_some_and(|text| !text.trim().is_empty())
        };
        let mut keys = settings.given.keys();
        match kind {
            PluginKind::Source => Self::Source {
                has_own_topic: is_set(OFFSETS_TOPIC),
                makes_topics: keys.any(|key| key.starts_with(TOPIC_CREATION)),
            },
            _ => Self::Sink {
                has_dead_letters: is_set(DEAD_LETTER_TOPIC),
            },
        }
    }

    /// As it is about to run.
    pub(super) fn of_connector(connector: &ConnectorConfig) -> Self {
        match &connector.kind {
            KindConfig::Sink(sink) => Self::Sink {
                has_dead_letters: sink.dead_letters.is_some(),
            },
            KindConfig::Source(source) => Self::Source {
                has_own_topic: source.offsets_topic.is_some(),
                makes_topics: source.topic_creation.is_some(),
            },
        }
    }
}

/// Which clients a connector has, in the order in which they are told of. A sink writes only where it has a topic for dead
/// letters. A source reads only where it has a topic for offsets, as all sources have with exactly-once guarantees; a
/// worker that is alone heeds none.
///
/// # Source
/// `AbstractHerder.connectorUsesProducer`, `connectorUsesConsumer` and `connectorUsesAdmin`, and those of `DistributedHerder`
pub(super) fn clients(connector: Traits, cluster: Option<&InCluster>) -> Vec<ClientKind> {
    let (writes, reads, administers) = match connector {
        Traits::Sink { has_dead_letters } => (has_dead_letters, true, has_dead_letters),
        Traits::Source {
            has_own_topic,
            makes_topics,
        } => {
            let reads = cluster.is_some_and(|cluster| cluster.gives_exactly_once || has_own_topic);
            (true, reads, reads || makes_topics)
        }
    };
    let all = [
        (ClientKind::Producer, writes),
        (ClientKind::Consumer, reads),
        (ClientKind::Admin, administers),
    ];
    let used = all.into_iter().filter(|(_, is_there)| *is_there);
    used.map(|(kind, _)| kind).collect()
}

/// Checks that the policy allows what is overridden of one client's settings.
///
/// # Errors
/// Java's message, without the values.
pub(super) fn check_client(
    kind: ClientKind,
    connector: &ConnectorConfig,
    policy: &OverridePolicy,
) -> Result<(), String> {
    let overridden = connector.originals.with_prefix(kind.override_prefix());
    let refused = in_java_order(overridden.as_map())
        .into_iter()
        .filter_map(|(key, _)| Some((key, policy.check(key).err()?)));
    let refused: Vec<String> = refused
        .map(|(key, why)| format!("[{key},[hidden],[],[{why}],true]"))
        .collect();
    match refused.is_empty() {
        true => Ok(()),
        false => Err(format!(
            "Client Config Overrides not allowed [{}]",
            refused.join(", ")
        )),
    }
}

/// No sink reads as a member of the group that its workers are in. A group of the connector's own is listed among the
/// keys that nothing defines, whether it is at fault or not, as Java lists it.
///
/// # Source
/// `DistributedHerder.validateSinkConnectorGroupId`
pub(super) fn check_group(worker_group: &str, settings: &Effective<'_>, checked: &mut CheckedKeys) {
    let key = format!("{}group.id", ClientKind::Consumer.override_prefix());
    if let Some(group) = settings.get(&key) {
        checked.list(&key, group);
        if group == Some(worker_group) {
            let message = format!(
                "Consumer group {worker_group} conflicts with Connect worker group {worker_group}"
            );
            checked.add_error(&key, &message);
        }
        return;
    }
    let name = settings.text("name").map_or("null", str::trim);
    if worker_group.strip_prefix("connect-") == Some(name) {
        let message = format!(
            "Consumer group for sink connector named {name} conflicts with Connect worker group {worker_group}"
        );
        checked.add_error("name", &message);
    }
}

fn of_client(
    kind: ClientKind,
    settings: &Effective<'_>,
    policy: &OverridePolicy,
) -> Result<ConfigInfos, HerderError> {
    let definitions = client_definition::client(kind);
    let prefix = kind.override_prefix();
    let overridden: BTreeMap<String, String> = settings
        .given
        .keys()
        .filter_map(|key| Some((key.strip_prefix(prefix)?.to_owned(), String::new())))
        .collect();
    let mut infos = ConfigInfos::default();
    for (name, _) in in_java_order(&overridden) {
        let key = definitions.key(name);
        let written = settings.text(&format!("{prefix}{name}"));
        let value = written
            .map(|written| shown(name, key, written))
            .transpose()?;
        let errors: Vec<String> = policy.check(name).err().into_iter().collect();
        infos.error_count += errors.len();
        infos.configs.push(ConfigInfo {
            definition: key.map(|key| KeyInfo::new(key, prefix)),
            value: Some(ValueInfo {
                name: format!("{prefix}{name}"),
                value,
                recommended_values: Vec::new(),
                errors,
                is_visible: true,
            }),
        });
    }
    Ok(infos)
}

/// A setting as it is shown. One that cannot be read ends the validation, as in Java.
fn shown(name: &str, key: Option<&ConfigKey>, written: &str) -> Result<String, HerderError> {
    let Some(key) = key else {
        return Ok(written.to_owned());
    };
    // Java's clients know no short names, and what classes there are is not known here.
    if key.config_type() == ConfigType::Class && !written.contains('.') {
        return Err(HerderError::config(ConfigError::class_not_found(
            name, written,
        )));
    }
    parse(name, key.config_type(), written)
        .map(|value| text(&value))
        .map_err(HerderError::config)
}
