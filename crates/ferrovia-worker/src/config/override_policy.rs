//! Which settings of their clients connectors may override.
//!
//! # Source
//! `org.apache.kafka.connect.connector.policy` of Kafka 4.2; KIP-458, KIP-1188

use ferrovia_pipeline::config::{ConfigError, ParsedConfig};
use ferrovia_pipeline::connector::is_plugin_named;

const POLICY: &str = "connector.client.config.override.policy";
const ALLOWLIST: &str = "connector.client.config.override.allowlist";
const PACKAGE: &str = "org.apache.kafka.connect.connector.policy.";
const ENDING: &str = "ConnectorClientConfigOverridePolicy";

/// What the policy `Principal` allows.
const PRINCIPAL_KEYS: [&str; 3] = ["sasl.jaas.config", "sasl.mechanism", "security.protocol"];

/// A worker's policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OverridePolicy {
    /// Everything may be overridden.
    All,
    /// Nothing.
    None,
    /// Who the connector is to the brokers.
    Principal,
    /// What the worker lists.
    Allowlist(Vec<String>),
}

impl OverridePolicy {
    /// The policy that a worker's settings name by class or alias.
    ///
    /// # Errors
    /// There is no such policy: one that would not be enforced must not be taken for one that is.
    pub fn new(worker: &ParsedConfig) -> Result<Self, ConfigError> {
        let class = worker.string(POLICY)?;
        let is =
            |simple: &str| is_plugin_named(&format!("{PACKAGE}{simple}{ENDING}"), ENDING, class);
        if is("All") {
            Ok(Self::All)
        } else if is("None") {
            Ok(Self::None)
        } else if is("Principal") {
            Ok(Self::Principal)
        } else if is("Allowlist") {
            Ok(Self::Allowlist(worker.list(ALLOWLIST).to_vec()))
        } else {
            Err(ConfigError::class_not_found(POLICY, class))
        }
    }

    /// Checks one setting of a client, without the prefix that says whose it is.
    ///
    /// # Errors
    /// Java's message.
    pub fn check(&self, key: &str) -> Result<(), String> {
        let (name, is_allowed) = match self {
            Self::All => return Ok(()),
            Self::None => ("None", false),
            Self::Principal => ("Principal", PRINCIPAL_KEYS.contains(&key)),
            Self::Allowlist(allowed) => ("Allowlist", allowed.iter().any(|known| known == key)),
        };
        if is_allowed {
            return Ok(());
        }
        Err(format!(
            "The '{name}' policy does not allow '{key}' to be overridden in the connector configuration."
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::worker_definition;

    fn policy(name: &str) -> Result<OverridePolicy, ConfigError> {
        let settings = [
            ("bootstrap.servers", "b:1"),
            ("key.converter", "K"),
            ("value.converter", "V"),
            ("offset.storage.file.filename", "/tmp/o"),
            (POLICY, name),
            (ALLOWLIST, "a.b, c.d"),
        ];
        let settings: BTreeMap<String, String> = settings
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        OverridePolicy::new(&worker_definition::standalone().parse(&settings).unwrap())
    }

    #[test]
    fn policies_go_by_class_and_alias() {
        let cases = [
            ("All", OverridePolicy::All),
            ("None", OverridePolicy::None),
            (
                "PrincipalConnectorClientConfigOverridePolicy",
                OverridePolicy::Principal,
            ),
            (
                "org.apache.kafka.connect.connector.policy.AllowlistConnectorClientConfigOverridePolicy",
                OverridePolicy::Allowlist(vec!["a.b".to_owned(), "c.d".to_owned()]),
            ),
        ];
        for (name, expected) in cases {
            assert_eq!(policy(name), Ok(expected), "{name}");
        }
        assert!(policy("Some").unwrap_err().to_string().contains("Some"));
    }

    #[test]
    fn what_a_policy_forbids_is_told_in_javas_words() {
        assert_eq!(
            policy("None").unwrap().check("acks").unwrap_err(),
            "The 'None' policy does not allow 'acks' to be overridden in the connector configuration."
        );
        assert_eq!(policy("Principal").unwrap().check("sasl.mechanism"), Ok(()));
        assert!(policy("Principal").unwrap().check("group.id").is_err());
        assert_eq!(policy("Allowlist").unwrap().check("c.d"), Ok(()));
        assert!(policy("Allowlist").unwrap().check("d").is_err());
    }
}
