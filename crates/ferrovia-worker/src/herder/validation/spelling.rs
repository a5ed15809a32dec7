//! Warns of keys that are probably misspelt: nothing knows them, and they are nearly a key that is known.

use std::collections::{BTreeMap, BTreeSet};

use tracing::warn;

use super::infos::ConfigInfos;
use crate::config::spelling::suggestion;
use crate::config::worker::ClientKind;
use crate::config::{client_definition, connector_definition};
use crate::logging::connector_span;

/// Unknown keys that are looked at. More of them are no slips.
const UNKNOWN_MAX: usize = 64;

/// Writes one line for each such key of a connector.
pub(super) fn warn(connector: &str, infos: &ConfigInfos, settings: &BTreeMap<String, String>) {
    let _span = connector_span(connector).entered();
    for (key, meant) in misspelt(infos, settings) {
        warn!("The configuration '{key}' is not known; did you mean '{meant}'?");
    }
}

/// Unknown keys, each with what was probably meant.
pub(super) fn misspelt(
    infos: &ConfigInfos,
    settings: &BTreeMap<String, String>,
) -> Vec<(String, String)> {
    let definitions = infos
        .configs
        .iter()
        .filter_map(|info| info.definition.as_ref());
    let mut known: BTreeSet<String> = definitions.map(|key| key.name.clone()).collect();
    let own = connector_definition::own();
    known.extend(own.keys().map(|key| key.name().to_owned()));
    let kinds = [
        ClientKind::Consumer,
        ClientKind::Producer,
        ClientKind::Admin,
    ];
    for kind in kinds {
        let prefix = kind.override_prefix();
        if settings.keys().any(|key| key.starts_with(prefix)) {
            let keys = client_definition::client(kind);
            known.extend(keys.keys().map(|key| format!("{prefix}{}", key.name())));
        }
    }
    let unknown = settings
        .keys()
        .filter(|key| !known.contains(*key))
        .take(UNKNOWN_MAX);
    unknown
        .filter_map(|key| {
            let meant = suggestion(key, known.iter().map(String::as_str))?;
            Some((key.clone(), meant.to_owned()))
        })
        .collect()
}
