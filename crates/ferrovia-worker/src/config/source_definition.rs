//! The definitions of the settings that only connectors have that write to Kafka.
//!
//! # Source
//! `SourceConnectorConfig` and `TopicCreationConfig` of Kafka 4.2: keys, types, defaults, limits, groups and names in
//! forms.

use ferrovia_pipeline::config::{
    ConfigDef, ConfigError, ConfigKey, ConfigType, ConfigValue, Importance, Validator, Width,
};

use super::connector::TopicPattern;
use super::connector_definition::connector;

/// `topic.creation.`: how topics are made that are not there.
pub const TOPIC_CREATION: &str = "topic.creation.";
/// The names of the groups of topics that are made alike, besides the [`DEFAULT_GROUP`].
pub const TOPIC_CREATION_GROUPS: &str = "topic.creation.groups";
/// The group of the topics that belong to no other.
pub const DEFAULT_GROUP: &str = "default";
/// `offsets.storage.topic`
pub const OFFSETS_TOPIC: &str = "offsets.storage.topic";
/// `exactly.once.support`
pub const EXACTLY_ONCE_SUPPORT: &str = "exactly.once.support";
/// `transaction.boundary`
pub const TRANSACTION_BOUNDARY: &str = "transaction.boundary";
/// `transaction.boundary.interval.ms`
pub const TRANSACTION_INTERVAL: &str = "transaction.boundary.interval.ms";

/// Within a group: expressions of which a topic's whole name matches one.
pub const INCLUDE: &str = "include";
/// Within a group: expressions of which it matches none.
pub const EXCLUDE: &str = "exclude";
/// Within a group: copies of each partition.
pub const REPLICATION_FACTOR: &str = "replication.factor";
/// Within a group: how many partitions.
pub const PARTITIONS: &str = "partitions";

const EXACTLY_ONCE: &str = "Exactly Once Support";
const NO_ITEMS: [&str; 0] = [];

/// The settings of connectors that write to Kafka. Those of groups of topics come besides.
pub fn source() -> ConfigDef {
    connector()
        .define(
            ConfigKey::with_default(TOPIC_CREATION_GROUPS, ConfigType::List, NO_ITEMS)
                .validator(Validator::UniqueAliases)
                .doc("Names of groups of topics, each with settings of its own for topics that are to be made.")
                .group("Topic Creation", 1, Width::Long)
                .display_name("Topic Creation Groups"),
        )
        .define(
            ConfigKey::with_default(EXACTLY_ONCE_SUPPORT, ConfigType::String, "requested")
                .validator(Validator::OneOfIgnoringCase(&["required", "requested"]))
                .importance(Importance::Medium)
                .doc(
                    "Whether the connector is refused that does not say that it can give exactly-once guarantees \
                     (required) or accepted (requested).",
                )
                .group(EXACTLY_ONCE, 2, Width::Short)
                .display_name("Exactly once support"),
        )
        .define(
            ConfigKey::with_default(TRANSACTION_BOUNDARY, ConfigType::String, "poll")
                .validator(Validator::OneOfIgnoringCase(&["interval", "poll", "connector"]))
                .importance(Importance::Medium)
                .doc(
                    "Where transactions end with exactly-once guarantees: behind the records of each poll, after an \
                     interval, or where the connector says.",
                )
                .group(EXACTLY_ONCE, 3, Width::Short)
                .display_name("Transaction Boundary"),
        )
        .define(
            ConfigKey::optional(TRANSACTION_INTERVAL, ConfigType::Long)
                .validator(Validator::Rule(check_interval))
                .doc("Milliseconds of an interval; the worker's offset.flush.interval.ms when absent.")
                .group(EXACTLY_ONCE, 4, Width::Short)
                .display_name("Transaction boundary interval"),
        )
        .define(
            ConfigKey::optional(OFFSETS_TOPIC, ConfigType::String)
                .validator(Validator::NonEmpty)
                .doc(
                    "Topic for the offsets of this connector, made if it is not there; the worker's when absent. \
                     A worker that is alone does not heed it.",
                )
                .group("offsets.topic", 1, Width::Long)
                .display_name("Offsets topic"),
        )
}

/// The settings of a group of topics. Where it says nothing, `defaults` has partitions and copies; the default group,
/// which has no such defaults, has to say them. Limits are [`check_topic_creation`]'s.
pub fn topic_creation(group: &str, defaults: Option<(i32, i16)>) -> ConfigDef {
    let name = |key: &str| format!("{TOPIC_CREATION}{group}.{key}");
    let (copies, partitions) = match defaults {
        None => (
            ConfigKey::required(name(REPLICATION_FACTOR), ConfigType::Short),
            ConfigKey::required(name(PARTITIONS), ConfigType::Int),
        ),
        Some((partitions, copies)) => (
            ConfigKey::with_default(name(REPLICATION_FACTOR), ConfigType::Short, copies),
            ConfigKey::with_default(name(PARTITIONS), ConfigType::Int, partitions),
        ),
    };
    let expressions = |key| ConfigKey::with_default(name(key), ConfigType::List, NO_ITEMS);
    // The default group has all topics that the others leave, whatever its expressions are.
    let expressions = defaults.map(|_| [expressions(INCLUDE), expressions(EXCLUDE)]);
    let keys = expressions.into_iter().flatten();
    keys.chain([copies, partitions])
        .fold(ConfigDef::new(), ConfigDef::define)
}

/// What is wrong with a setting of a group of topics, which goes by its name within the group.
///
/// # Errors
/// [`ConfigError::Invalid`] in Java's words.
pub fn check_topic_creation(name: &str, value: &ConfigValue) -> Result<(), ConfigError> {
    let at_fault = |reason: &str| Err(ConfigError::invalid(name, value.to_string(), reason));
    match value {
        ConfigValue::Int(partitions) if *partitions != -1 && *partitions < 1 => {
            at_fault("Number of partitions must be positive, or -1 to use the broker's default")
        }
        ConfigValue::Short(copies) if *copies != -1 && *copies < 1 => at_fault(
            "Replication factor must be positive and not larger than the number of brokers in the Kafka cluster, or -1 \
             to use the broker's default",
        ),
        ConfigValue::List(expressions) => {
            let broken = expressions
                .iter()
                .find_map(|each| TopicPattern::new(each).err());
            match broken {
                Some(why) => at_fault(&format!("Syntax error in regular expression: {why}")),
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

fn check_interval(name: &str, value: Option<&ConfigValue>) -> Result<(), ConfigError> {
    match value {
        None => Ok(()),
        Some(_) => Validator::AtLeast(0).check(name, value),
    }
}
