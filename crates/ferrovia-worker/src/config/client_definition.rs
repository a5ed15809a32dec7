//! The definitions of the clients' settings, for showing what a connector overrides.
//!
//! The clients type and check their settings themselves; here is what users are told about them.
//!
//! # Source
//! `ConsumerConfig`, `ProducerConfig` and `AdminClientConfig` of Kafka 4.2, printed into the table beside this file

use ferrovia_pipeline::config::{
    ConfigDef, ConfigKey, ConfigType, ConfigValue, Importance, Password,
};

use super::worker::ClientKind;

const TABLE: &str = include_str!("client_keys.txt");

/// The settings of one kind of client, by name.
pub fn client(kind: ClientKind) -> ConfigDef {
    let (owner, doc) = match kind {
        ClientKind::Producer => ('p', "A setting of Kafka's producer."),
        ClientKind::Consumer => ('c', "A setting of Kafka's consumer."),
        ClientKind::Admin => ('a', "A setting of Kafka's admin client."),
    };
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    let keys = lines.filter_map(|line| {
        let (owners, definition) = line.split_once('|')?;
        owners.contains(owner).then(|| key(definition)).flatten()
    });
    keys.fold(ConfigDef::new(), |definitions, key| {
        definitions.define(key.doc(doc))
    })
}

fn key(line: &'static str) -> Option<ConfigKey> {
    let (rest, importance) = line.rsplit_once('|')?;
    let (name, rest) = rest.split_once('|')?;
    let (kind, default) = rest.split_once('|')?;
    let kind = ConfigType::from_name(kind)?;
    let key = match default {
        "REQUIRED" => ConfigKey::required(name, kind),
        "null" => ConfigKey::optional(name, kind),
        text => ConfigKey::with_default(name, kind, value(kind, text.strip_prefix('=')?)?),
    };
    Some(key.importance(match importance {
        "HIGH" => Importance::High,
        "MEDIUM" => Importance::Medium,
        _ => Importance::Low,
    }))
}

fn value(kind: ConfigType, text: &str) -> Option<ConfigValue> {
    Some(match kind {
        ConfigType::Boolean => ConfigValue::Boolean(text.parse().ok()?),
        ConfigType::String => ConfigValue::String(text.to_owned()),
        ConfigType::Int => ConfigValue::Int(text.parse().ok()?),
        ConfigType::Short => ConfigValue::Short(text.parse().ok()?),
        ConfigType::Long => ConfigValue::Long(text.parse().ok()?),
        ConfigType::Double => ConfigValue::Double(text.parse().ok()?),
        ConfigType::List if text.is_empty() => ConfigValue::List(Vec::new()),
        ConfigType::List => ConfigValue::List(text.split(',').map(str::to_owned).collect()),
        ConfigType::Class => ConfigValue::Class(text.to_owned()),
        ConfigType::Password => ConfigValue::Password(Password::new(text)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_a_definition() {
        let lines: Vec<&str> = TABLE
            .lines()
            .filter(|line| !line.starts_with('#'))
            .collect();
        let all = [
            ClientKind::Producer,
            ClientKind::Consumer,
            ClientKind::Admin,
        ];
        let defined: usize = all.map(|kind| client(kind).keys().count()).iter().sum();
        let listed: usize = lines
            .iter()
            .map(|line| line.split('|').next().unwrap().len())
            .sum();
        assert_eq!(defined, listed);
        assert_eq!(listed, 320);
    }

    #[test]
    fn defaults_are_those_of_each_client() {
        let default = |kind, name: &str| format!("{:?}", client(kind).key(name).unwrap().default());
        assert_eq!(
            default(ClientKind::Producer, "retries"),
            "Value(Int(2147483647))"
        );
        assert_eq!(
            default(ClientKind::Consumer, "client.rack"),
            "Value(String(\"\"))"
        );
        assert_eq!(default(ClientKind::Admin, "sasl.jaas.config"), "Null");
        assert!(client(ClientKind::Admin).key("acks").is_none());
    }
}
