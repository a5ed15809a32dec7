//! The definitions of the settings that every connector has.
//!
//! # Source
//! `ConnectorConfig` and `SinkConnectorConfig` of Kafka 4.2: keys, types, defaults, limits, groups and names in forms.

use ferrovia_pipeline::config::{
    ConfigDef, ConfigError, ConfigKey, ConfigType, ConfigValue, Importance, Validator, Width,
};

use super::connector::TopicPattern;
use super::restart_policy::{BACKOFF_INITIAL, BACKOFF_MAX, RESTARTS_MAX};

const COMMON: &str = "Common";
const TRANSFORMS: &str = "Transforms";
const PREDICATES: &str = "Predicates";
const ERRORS: &str = "Error Handling";
const NO_ITEMS: [&str; 0] = [];

/// The settings of all connectors.
pub fn connector() -> ConfigDef {
    errors(chains(converters(identity())))
}

/// The settings of connectors that read from Kafka.
pub fn sink() -> ConfigDef {
    let dead_letters = |key: ConfigKey, order, display| {
        key.importance(Importance::Medium)
            .group(ERRORS, order, Width::Medium)
            .display_name(display)
    };
    connector()
        .define(
            ConfigKey::with_default("topics", ConfigType::List, NO_ITEMS)
                .validator(Validator::List {
                    allow_empty: true,
                    allow_null: false,
                })
                .importance(Importance::High)
                .doc("Topics to read, separated by commas.")
                .group(COMMON, 4, Width::Long)
                .display_name("Topics"),
        )
        .define(
            ConfigKey::with_default("topics.regex", ConfigType::String, "")
                .validator(Validator::Rule(check_pattern))
                .importance(Importance::High)
                .doc("Expression that the names of the topics to read match as a whole.")
                .group(COMMON, 4, Width::Long)
                .display_name("Topics regex"),
        )
        .define(dead_letters(
            ConfigKey::with_default("errors.deadletterqueue.topic.name", ConfigType::String, "")
                .doc("Topic for records that could not be processed; none when empty."),
            6,
            "Dead Letter Queue Topic Name",
        ))
        .define(dead_letters(
            ConfigKey::with_default(
                "errors.deadletterqueue.topic.replication.factor",
                ConfigType::Short,
                3_i16,
            )
            .doc("Replication factor with which that topic is created where it is missing."),
            7,
            "Dead Letter Queue Topic Replication Factor",
        ))
        .define(dead_letters(
            ConfigKey::with_default(
                "errors.deadletterqueue.context.headers.enable",
                ConfigType::Boolean,
                false,
            )
            .doc("Whether such a record carries headers that tell what went wrong."),
            8,
            "Enable Error Context Headers",
        ))
}

/// The settings of connectors that Java does not have. An answer lists them only where they are set, so that answers to
/// Java's settings are Java's.
pub fn own() -> ConfigDef {
    let outage = ConfigDef::new().define(
        ConfigKey::with_default(OUTAGE_THRESHOLD, ConfigType::Int, 0)
            .validator(Validator::AtLeast(0))
            .doc(
                "Where more records of one put are bad than this, an outage is to blame: none of them becomes a dead letter, \
                 and all are put again later. 0 never takes bad records for an outage.",
            )
            .group(ERRORS, 9, Width::Short)
            .display_name("Dead Letter Queue Outage Threshold"),
    );
    restart_keys().into_iter().fold(outage, ConfigDef::define)
}

/// The keys of [`RestartPolicy`](super::RestartPolicy).
pub fn restart_keys() -> [ConfigKey; 3] {
    let delay = |name, default: i64, doc, order, display| {
        ConfigKey::with_default(name, ConfigType::Long, default)
            .validator(Validator::AtLeast(0))
            .doc(doc)
            .group(ERRORS, order, Width::Medium)
            .display_name(display)
    };
    [
        ConfigKey::with_default(RESTARTS_MAX, ConfigType::Int, 0)
            .validator(Validator::AtLeast(0))
            .doc("How often a task that fails again and again is restarted. 0 leaves failed tasks alone.")
            .group(ERRORS, 10, Width::Short)
            .display_name("Maximum Restarts of Failed Tasks"),
        delay(
            BACKOFF_INITIAL,
            1_000,
            "Milliseconds before the first restart of a failed task; each further one waits twice as long.",
            11,
            "Initial Delay of Restarts",
        ),
        delay(
            BACKOFF_MAX,
            60_000,
            "Longest time before a restart. A task that runs for longer has all its restarts again.",
            12,
            "Maximum Delay of Restarts",
        ),
    ]
}

/// `errors.deadletterqueue.outage.threshold`
pub const OUTAGE_THRESHOLD: &str = "errors.deadletterqueue.outage.threshold";

fn check_pattern(name: &str, value: Option<&ConfigValue>) -> Result<(), ConfigError> {
    match value {
        Some(ConfigValue::String(text)) => match TopicPattern::new(text) {
            Ok(_) => Ok(()),
            Err(why) => Err(ConfigError::invalid(
                name,
                text,
                format!("Invalid regex: {why}"),
            )),
        },
        _ => Ok(()),
    }
}

fn identity() -> ConfigDef {
    ConfigDef::new()
        .define(
            ConfigKey::required("name", ConfigType::String)
                .validator(Validator::NonEmptyWithoutControlCharacters)
                .importance(Importance::High)
                .doc("Name of the connector, unique among all.")
                .group(COMMON, 1, Width::Medium)
                .display_name("Connector name"),
        )
        .define(
            ConfigKey::required("connector.class", ConfigType::String)
                .importance(Importance::High)
                .doc("Class of the connector, or an alias of it.")
                .group(COMMON, 2, Width::Long)
                .display_name("Connector class"),
        )
        .define(
            ConfigKey::optional("connector.plugin.version", ConfigType::String)
                .importance(Importance::Medium)
                .doc("Version of the connector.")
                .group(COMMON, 3, Width::Medium)
                .display_name("Connector version"),
        )
        .define(
            ConfigKey::with_default("tasks.max", ConfigType::Int, 1)
                .validator(Validator::AtLeast(1))
                .importance(Importance::High)
                .doc("Most tasks that the connector is split into.")
                .group(COMMON, 4, Width::Short)
                .display_name("Tasks max"),
        )
        .define(
            ConfigKey::with_default("tasks.max.enforce", ConfigType::Boolean, true)
                .doc("Whether a connector that makes more tasks fails.")
                .group(COMMON, 5, Width::Short)
                .display_name("Enforce tasks max"),
        )
}

fn converters(definitions: ConfigDef) -> ConfigDef {
    let class = |name, order, display| {
        ConfigKey::optional(name, ConfigType::Class)
            .doc("Converter; the worker's when absent.")
            .group(COMMON, order, Width::Short)
            .display_name(display)
    };
    let version = |name, order, display| {
        ConfigKey::optional(name, ConfigType::String)
            .doc("Version of the converter.")
            .group(COMMON, order, Width::Short)
            .display_name(display)
    };
    definitions
        .define(class("key.converter", 6, "Key converter class"))
        .define(version(
            "key.converter.plugin.version",
            7,
            "Key converter version",
        ))
        .define(class("value.converter", 8, "Value converter class"))
        .define(version(
            "value.converter.plugin.version",
            9,
            "Value converter version",
        ))
        .define(class("header.converter", 10, "Header converter class"))
        .define(version(
            "header.converter.plugin.version",
            11,
            "Header converter version",
        ))
}

fn chains(definitions: ConfigDef) -> ConfigDef {
    definitions
        .define(
            ConfigKey::with_default("transforms", ConfigType::List, NO_ITEMS)
                .validator(Validator::UniqueAliases)
                .doc("Aliases of the transformations, in the order in which they apply.")
                .group(TRANSFORMS, 12, Width::Long)
                .display_name("Transforms"),
        )
        .define(
            ConfigKey::with_default("predicates", ConfigType::List, NO_ITEMS)
                .validator(Validator::UniqueAliases)
                .doc("Aliases of the predicates that transformations use.")
                .group(PREDICATES, 13, Width::Long)
                .display_name("Predicates"),
        )
        .define(
            ConfigKey::with_default("config.action.reload", ConfigType::String, "restart")
                .validator(Validator::OneOf(&["none", "restart"]))
                .doc("What to do when a provider's value expires.")
                .group(COMMON, 14, Width::Medium)
                .display_name("Reload Action"),
        )
}

fn errors(definitions: ConfigDef) -> ConfigDef {
    let medium = |key: ConfigKey, order, width, display| {
        key.importance(Importance::Medium)
            .group(ERRORS, order, width)
            .display_name(display)
    };
    definitions
        .define(medium(
            ConfigKey::with_default("errors.retry.timeout", ConfigType::Long, 0_i64)
                .doc("Milliseconds for which a failed step is tried again; -1 for ever."),
            1,
            Width::Medium,
            "Retry Timeout for Errors",
        ))
        .define(medium(
            ConfigKey::with_default("errors.retry.delay.max.ms", ConfigType::Long, 60_000_i64)
                .doc("Longest time between two tries."),
            2,
            Width::Medium,
            "Maximum Delay Between Retries for Errors",
        ))
        .define(medium(
            ConfigKey::with_default("errors.tolerance", ConfigType::String, "none")
                .validator(Validator::OneOf(&["none", "all"]))
                .doc("Whether a bad record stops the task (none) or is skipped (all)."),
            3,
            Width::Short,
            "Error Tolerance",
        ))
        .define(medium(
            ConfigKey::with_default("errors.log.enable", ConfigType::Boolean, false)
                .doc("Whether each error is logged."),
            4,
            Width::Short,
            "Log Errors",
        ))
        .define(medium(
            ConfigKey::with_default("errors.log.include.messages", ConfigType::Boolean, false)
                .doc("Whether the log tells which record it was."),
            5,
            Width::Short,
            "Log Error Details",
        ))
}
