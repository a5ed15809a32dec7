//! The security settings that both clusters' clients take from settings without a prefix in Java's definitions.

use std::sync::LazyLock;

use ferrovia_pipeline::config::{
    ConfigDef, ConfigError, ConfigKey, ConfigType, ConfigValue, Importance, Validator,
};

use super::LIST;

const TABLE: &str = include_str!("security_keys.txt");

/// Adds `security.protocol`'s companions: TLS, then SASL.
pub(super) fn define(definitions: ConfigDef) -> ConfigDef {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(key).fold(definitions, |definitions, key| {
        definitions.define(key.doc("A security setting of the connector's Kafka clients."))
    })
}

/// Whether a client takes this key from `source.cluster.` or `target.cluster.`: how to reach a cluster, and nothing about
/// any kind of client.
///
/// # Source
/// `MirrorClientConfig.CLIENT_CONFIG_DEF`
pub fn is_shared_client_key(name: &str) -> bool {
    static KEYS: LazyLock<ConfigDef> = LazyLock::new(|| define(ConfigDef::new()));
    matches!(name, "bootstrap.servers" | "security.protocol") || KEYS.key(name).is_some()
}

fn key(line: &'static str) -> Option<ConfigKey> {
    let (rest, importance) = line.rsplit_once('|')?;
    let (name, rest) = rest.split_once('|')?;
    let (kind, default) = rest.split_once('|')?;
    let kind = ConfigType::from_name(kind)?;
    let key = match default {
        "null" => ConfigKey::optional(name, kind),
        text => ConfigKey::with_default(name, kind, value(kind, text.strip_prefix('=')?)?),
    };
    let key = match limit(name, kind) {
        Some(limit) => key.validator(limit),
        None => key,
    };
    Some(key.importance(match importance {
        "HIGH" => Importance::High,
        "MEDIUM" => Importance::Medium,
        _ => Importance::Low,
    }))
}

fn limit(name: &str, kind: ConfigType) -> Option<Validator> {
    match name {
        "sasl.login.refresh.window.factor" => Some(Validator::Rule(|name, value| {
            between(name, value, 0.5, 1.0)
        })),
        "sasl.login.refresh.window.jitter" => Some(Validator::Rule(|name, value| {
            between(name, value, 0.0, 0.25)
        })),
        "sasl.login.refresh.min.period.seconds" => Some(Validator::Between(0, 900)),
        "sasl.login.refresh.buffer.seconds" | "sasl.oauthbearer.assertion.claim.nbf.seconds" => {
            Some(Validator::Between(0, 3_600))
        }
        "sasl.oauthbearer.assertion.claim.exp.seconds" => Some(Validator::Between(0, 86_400)),
        "sasl.oauthbearer.assertion.algorithm" => {
            Some(Validator::OneOfIgnoringCase(&["ES256", "RS256"]))
        }
        _ if kind == ConfigType::List => Some(LIST),
        _ => None,
    }
}

fn between(
    name: &str,
    value: Option<&ConfigValue>,
    least: f64,
    most: f64,
) -> Result<(), ConfigError> {
    let refused = |shown: String, reason| Err(ConfigError::invalid(name, shown, reason));
    match value {
        None => refused("null".to_owned(), "Value must be non-null".to_owned()),
        Some(ConfigValue::Double(number)) if *number < least => refused(
            format!("{number:?}"),
            format!("Value must be at least {least:?}"),
        ),
        Some(ConfigValue::Double(number)) if *number > most => refused(
            format!("{number:?}"),
            format!("Value must be no more than {most:?}"),
        ),
        Some(_) => Ok(()),
    }
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
        ConfigType::Password => return None,
    })
}
