//! `ExtractField`: a record's key or value becomes one of its fields.

use std::collections::BTreeMap;

use crate::config::{ConfigDef, ConfigKey, ConfigType, Importance};
use crate::data::{Record, Value};
use crate::error::ConnectError;
use crate::transform::field_path::{FieldPath, with_syntax_version};
use crate::transform::replace_null::{REPLACE_NULL_WITH_DEFAULT, replace_null_with_default};
use crate::transform::requirements::{require_map, require_struct};
use crate::transform::side::Side;
use crate::transform::{Fate, Scope, Transformation};

const PURPOSE: &str = "field extraction";

pub(super) fn config() -> ConfigDef {
    with_syntax_version(
        ConfigDef::new()
            .define(
                ConfigKey::required("field", ConfigType::String)
                    .importance(Importance::Medium)
                    .doc("Field name to extract."),
            )
            .define(replace_null_with_default()),
    )
}

pub(super) fn new(
    side: Side,
    settings: &BTreeMap<String, String>,
) -> Result<ExtractField, ConnectError> {
    let config = config().parse(settings)?;
    Ok(ExtractField {
        side,
        text: config.string("field")?.to_owned(),
        path: FieldPath::from_config(&config)?,
        with_default: config.boolean(REPLACE_NULL_WITH_DEFAULT)?,
    })
}

#[derive(Debug)]
pub(super) struct ExtractField {
    side: Side,
    text: String,
    path: FieldPath,
    with_default: bool,
}

impl Transformation for ExtractField {
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Fate, ConnectError> {
        let whole = self.side.of_mut(record);
        if let Some(schema) = &whole.schema {
            if !whole.value.is_null() {
                require_struct(&whole.value, PURPOSE)?;
            }
            let Some(field) = self.path.field_in(schema)? else {
                let message = format!("Unknown field: {}", self.text);
                return Err(ConnectError::java(
                    "java.lang.IllegalArgumentException",
                    message,
                ));
            };
            let extracted = match &whole.value {
                Value::Struct(structure) => self.path.value_in(structure, self.with_default)?,
                _ => Value::Null,
            };
            whole.schema = Some(field.schema.clone());
            whole.value = extracted;
        } else {
            whole.value = match std::mem::replace(&mut whole.value, Value::Null) {
                Value::Null => Value::Null,
                Value::Map(map) => self.path.take_from(map)?,
                other => {
                    require_map(&other, PURPOSE)?;
                    Value::Null
                }
            };
        }
        Ok(Fate::Kept)
    }

    fn scope(&self) -> Scope {
        self.side.scope()
    }
}
