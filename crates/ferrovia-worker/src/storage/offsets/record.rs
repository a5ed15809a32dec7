//! Keys and values of the offsets topic, and their bytes.

use std::borrow::Cow;

use ferrovia_pipeline::data::{Map, Value};
use ferrovia_pipeline::error::ConnectError;

use crate::storage::json;

/// The key of a source's partition, as `["connector",{"file":"a"}]`. Keys are compared byte for byte.
///
/// # Errors
/// The partition holds something else than numbers, texts, truth values and nulls.
pub fn offset_key(connector: &str, partition: &Map<'_>) -> Result<Vec<u8>, ConnectError> {
    check(partition)?;
    let name = Value::String(Cow::Borrowed(connector));
    let key = Value::Array(vec![name, Value::Map(partition.clone())]);
    Ok(json::written(&key)?.unwrap_or_default())
}

/// The value of a source's offset, as `{"position":28}`; `None` is a tombstone, as no offset is.
///
/// # Errors
/// The offset holds something else than numbers, texts, truth values and nulls.
pub fn offset_value(offset: Option<&Map<'_>>) -> Result<Option<Vec<u8>>, ConnectError> {
    let Some(offset) = offset else {
        return Ok(None);
    };
    check(offset)?;
    json::written(&Value::Map(offset.clone()))
}

/// A partition or an offset that users write in JSON, as it is read again once it is stored.
///
/// # Errors
/// It is no object, or holds something else than numbers, texts, truth values and nulls.
///
/// # Source
/// `Worker.normalizeSourceConnectorOffsets`
pub fn map_of_json(json: &[u8]) -> Result<Map<'static>, ConnectError> {
    match json::read(Some(json))? {
        Value::Map(map) => {
            check(&map)?;
            Ok(map.into_owned())
        }
        _ => Err(ConnectError::data("Offsets must be specified as a Map")),
    }
}

/// The JSON of a partition or an offset, which may be null.
///
/// # Errors
/// As [`map_of_json`].
pub(super) fn to_json(value: &Value<'_>) -> Result<Vec<u8>, ConnectError> {
    match value {
        Value::Map(map) => check(map)?,
        Value::Null => {}
        _ => return Err(ConnectError::data("Offsets must be specified as a Map")),
    }
    Ok(json::written(value)?.unwrap_or_else(|| b"null".to_vec()))
}

/// What is wrong with a partition or an offset, in the words of `OffsetUtils.validateFormat`.
fn check(map: &Map<'_>) -> Result<(), ConnectError> {
    for (key, value) in map.iter_unordered() {
        let Value::String(key) = key else {
            return Err(ConnectError::data("Offsets may only use String keys"));
        };
        let kind = match value {
            Value::Array(_) => "ARRAY",
            Value::Map(_) => "MAP",
            Value::Struct(_) => "STRUCT",
            Value::Decimal(_) | Value::Date(_) => {
                return Err(ConnectError::data(format!(
                    "Offsets may only contain primitive types as values, but field {key} contains class {}",
                    value.java_class()
                )));
            }
            _ => continue,
        };
        return Err(ConnectError::data(format!(
            "Offsets may only contain primitive types as values, but field {key} contains {kind}"
        )));
    }
    Ok(())
}

/// The connector and the partition that a key names.
///
/// # Errors
/// Why it names none, to be logged; an empty reason where there is nothing to say.
pub(super) fn parse_key(key: &[u8]) -> Result<(String, Map<'static>), String> {
    let value = json::read(Some(key)).map_err(|error| error.to_string())?;
    let Value::Array(items) = value else {
        let class = value.java_class();
        return Err(format!("it is no list but {class}"));
    };
    match <[Value<'_>; 2]>::try_from(items) {
        Ok([Value::String(connector), Value::Map(partition)]) => {
            Ok((connector.into_owned(), partition.into_owned()))
        }
        Ok([Value::String(_), Value::Null]) => Err(String::new()),
        Ok([Value::String(_), other]) => Err(format!(
            "its second element is no map but {}",
            other.java_class()
        )),
        Ok([other, _]) => Err(format!(
            "its first element is no text but {}",
            other.java_class()
        )),
        Err(items) => Err(format!("it has {} elements, not 2", items.len())),
    }
}
