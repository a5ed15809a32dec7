//! `HasHeaderKey`: the record has a header of that name.

use std::collections::BTreeMap;

use crate::config::{ConfigDef, ConfigKey, ConfigType, Importance, Validator};
use crate::data::Record;
use crate::error::ConnectError;
use crate::predicate::Predicate;
use crate::transform::Scope;

pub(super) fn config() -> ConfigDef {
    ConfigDef::new().define(
        ConfigKey::required("name", ConfigType::String)
            .validator(Validator::NonEmpty)
            .importance(Importance::Medium)
            .doc("The header name."),
    )
}

pub(super) fn new(settings: &BTreeMap<String, String>) -> Result<HasHeaderKey, ConnectError> {
    let config = config().parse(settings)?;
    Ok(HasHeaderKey {
        name: config.string("name")?.to_owned(),
    })
}

#[derive(Debug)]
pub(super) struct HasHeaderKey {
    name: String,
}

impl Predicate for HasHeaderKey {
    fn test(&self, record: &Record<'_>) -> bool {
        record.headers.has(&self.name)
    }

    fn scope(&self) -> Scope {
        Scope::HeadersOnly
    }
}
