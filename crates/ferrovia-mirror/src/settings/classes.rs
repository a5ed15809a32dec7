//! Settings that name classes. In Java users bring their own; here only those of Kafka itself are there.

use ferrovia_pipeline::config::{ConfigError, ConfigKey, ConfigType, ConfigValue, Validator};

use super::low;

pub(super) const REPLICATION_POLICY_CLASS: &str = "replication.policy.class";
pub(super) const DEFAULT_POLICY: &str = "org.apache.kafka.connect.mirror.DefaultReplicationPolicy";
pub(super) const IDENTITY_POLICY: &str =
    "org.apache.kafka.connect.mirror.IdentityReplicationPolicy";
const FORWARDING_ADMIN: &str = "org.apache.kafka.clients.admin.ForwardingAdmin";
const TOPIC_FILTER: &str = "org.apache.kafka.connect.mirror.DefaultTopicFilter";
const GROUP_FILTER: &str = "org.apache.kafka.connect.mirror.DefaultGroupFilter";
const PROPERTY_FILTER: &str = "org.apache.kafka.connect.mirror.DefaultConfigPropertyFilter";

/// `replication.policy.class`
pub(super) fn replication_policy() -> ConfigKey {
    class(
        REPLICATION_POLICY_CLASS,
        DEFAULT_POLICY,
        "How topics are called at the target: DefaultReplicationPolicy or IdentityReplicationPolicy.",
    )
    .validator(Validator::Rule(|name, value| {
        check(name, value, &[DEFAULT_POLICY, IDENTITY_POLICY])
    }))
}

/// `forwarding.admin.class`
pub(super) fn forwarding_admin() -> ConfigKey {
    class(
        "forwarding.admin.class",
        FORWARDING_ADMIN,
        "What makes and changes topics. Only Kafka's own class is there.",
    )
    .validator(Validator::Rule(|name, value| {
        check(name, value, &[FORWARDING_ADMIN])
    }))
}

/// `topic.filter.class`
pub(super) fn topic_filter() -> ConfigKey {
    class(
        "topic.filter.class",
        TOPIC_FILTER,
        "What decides on the topics that are copied. Only Kafka's own class is there.",
    )
    .validator(Validator::Rule(|name, value| {
        check(name, value, &[TOPIC_FILTER])
    }))
}

/// `group.filter.class`
pub(super) fn group_filter() -> ConfigKey {
    class(
        "group.filter.class",
        GROUP_FILTER,
        "What decides on the groups that are copied. Only Kafka's own class is there.",
    )
    .validator(Validator::Rule(|name, value| {
        check(name, value, &[GROUP_FILTER])
    }))
}

/// `config.property.filter.class`
pub(super) fn property_filter() -> ConfigKey {
    class(
        "config.property.filter.class",
        PROPERTY_FILTER,
        "What decides on the topic configurations that are copied. Only Kafka's own class is there.",
    )
    .validator(Validator::Rule(|name, value| {
        check(name, value, &[PROPERTY_FILTER])
    }))
}

fn class(name: &'static str, default: &str, doc: &'static str) -> ConfigKey {
    low(
        name,
        ConfigType::Class,
        ConfigValue::Class(default.to_owned()),
        doc,
    )
}

fn check(name: &str, value: Option<&ConfigValue>, known: &[&str]) -> Result<(), ConfigError> {
    match value {
        Some(ConfigValue::Class(class)) if known.contains(&class.as_str()) => Ok(()),
        Some(ConfigValue::Class(class)) => {
            let known = known.join(", ");
            let reason = format!("Java classes cannot be loaded. These are built in: {known}");
            Err(ConfigError::invalid(name, class, reason))
        }
        _ => Ok(()),
    }
}
