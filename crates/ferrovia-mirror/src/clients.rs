//! How the clusters are reached: a client's properties out of a connector's settings, and the client itself.
//!
//! # Source
//! `MirrorConnectorConfig.{source,target}{Admin,Consumer,Producer}Config`

use std::collections::BTreeMap;

use ferrovia_client::{ClientSettings, Cluster, FramePool};
use ferrovia_pipeline::error::ConnectError;

use crate::settings::{BaseSettings, is_shared_client_key};

/// Which of the two clusters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one that is read.
    Source,
    /// The one that is written.
    Target,
}

impl Side {
    /// Both, the source first.
    pub(crate) const BOTH: [Self; 2] = [Self::Source, Self::Target];

    /// Its word in settings and roles: `source` or `target`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Target => "target",
        }
    }

    /// A role: its word between two others.
    pub(crate) fn word(self, before: &str, behind: &str) -> String {
        format!("{before}{}{behind}", self.as_str())
    }
}

/// What a client is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientKind {
    /// Topics, groups, rules.
    Admin,
    /// Reading.
    Consumer,
    /// Writing.
    Producer,
}

impl ClientKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Consumer => "consumer",
            Self::Producer => "producer",
        }
    }
}

/// The properties of a client, without its id. Later ones win: how to reach the cluster by `source.cluster.`, anything
/// about clients of this kind by `consumer.`, anything about clients of this kind of this cluster by `source.consumer.`.
pub fn properties(
    settings: &BTreeMap<String, String>,
    side: Side,
    kind: ClientKind,
) -> BTreeMap<String, String> {
    let (cluster, kind_word) = (side.as_str(), kind.as_str());
    let mut properties = BTreeMap::new();
    let shared = with_prefix(settings, format!("{cluster}.cluster."));
    properties.extend(shared.filter(|(key, _)| is_shared_client_key(key)));
    properties.extend(with_prefix(settings, format!("{kind_word}.")));
    properties.extend(with_prefix(settings, format!("{cluster}.{kind_word}.")));
    if kind == ClientKind::Consumer {
        properties.insert("enable.auto.commit".to_owned(), "false".to_owned());
        properties
            .entry("auto.offset.reset".to_owned())
            .or_insert_with(|| "earliest".to_owned());
    }
    properties
}

fn with_prefix(
    settings: &BTreeMap<String, String>,
    prefix: String,
) -> impl Iterator<Item = (String, String)> {
    let settings = settings.iter();
    settings.filter_map(move |(key, value)| {
        let key = key.strip_prefix(&prefix).filter(|key| !key.is_empty())?;
        Some((key.to_owned(), value.clone()))
    })
}

impl BaseSettings {
    /// The properties of a client with its id, `A->B|name|role`, behind one that users may have given.
    pub fn client(&self, side: Side, kind: ClientKind, role: &str) -> BTreeMap<String, String> {
        let mut properties = properties(&self.originals, side, kind);
        let id = format!("{}|{role}", self.entity_label());
        let id = match properties.get("client.id") {
            Some(given) => format!("{given}|{id}"),
            None => id,
        };
        properties.insert("client.id".to_owned(), id);
        properties
    }
}

/// Whether a client can be made of these properties.
///
/// # Errors
/// A property that cannot be used.
pub fn check(properties: &BTreeMap<String, String>) -> Result<(), ConnectError> {
    settings_of(properties).map(|_| ())
}

/// A handle of the cluster that these properties lead to, on the current runtime. It answers small requests only; who
/// fetches or produces brings buffers of its own.
///
/// # Errors
/// A property that cannot be used.
pub fn open(properties: &BTreeMap<String, String>) -> Result<Cluster, ConnectError> {
    let pool = FramePool::new(IDLE_BYTES_MAX);
    Ok(Cluster::new(settings_of(properties)?, pool))
}

fn settings_of(properties: &BTreeMap<String, String>) -> Result<ClientSettings, ConnectError> {
    let settings = ClientSettings::from_properties(properties);
    settings.map_err(|error| ConnectError::config(error.to_string()))
}

/// Buffers that nobody uses and a handle keeps nevertheless.
const IDLE_BYTES_MAX: usize = 1 << 20;

#[cfg(test)]
mod tests;
