//! `DropHeaders`: takes headers away by name.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{ConfigDef, ConfigKey, ConfigType, Importance, Validator};
use crate::data::Record;
use crate::error::ConnectError;
use crate::transform::{Fate, Scope, Transformation};

pub(super) fn config() -> ConfigDef {
    ConfigDef::new().define(
        ConfigKey::required("headers", ConfigType::List)
            .validator(Validator::List {
                allow_empty: false,
                allow_null: false,
            })
            .importance(Importance::High)
            .doc("The name of the headers to be removed."),
    )
}

pub(super) fn new(settings: &BTreeMap<String, String>) -> Result<DropHeaders, ConnectError> {
    let config = config().parse(settings)?;
    Ok(DropHeaders {
        names: config.list("headers").iter().cloned().collect(),
    })
}

#[derive(Debug)]
pub(super) struct DropHeaders {
    names: BTreeSet<String>,
}

impl Transformation for DropHeaders {
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Fate, ConnectError> {
        for name in &self.names {
            record.headers.remove(name);
        }
        Ok(Fate::Kept)
    }

    fn scope(&self) -> Scope {
        Scope::HeadersOnly
    }
}
