//! Options: values to choose from, which stand in the schema or in a file.

use std::fs::File;
use std::io::Read;

use ferrovia_pipeline::data::{Schema, Value};
use serde_json::Value as Json;

use crate::datagen::avro::value::{Charset, value_of};
use crate::datagen::avro::{Avro, Fault};

/// How large a file of options may be.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// The options that a property gives. `bytes_left` is what their JSON may yet take.
pub(super) fn options(
    avro: &Avro,
    schema: &Schema,
    property: &Json,
    bytes_left: &mut usize,
) -> Result<Vec<Value<'static>>, Fault> {
    let (listed, charset) = match property {
        Json::Array(listed) => (listed.clone(), Charset::Utf8),
        Json::Object(object) => {
            let text = |key: &str| object.get(key).and_then(Json::as_str);
            match (text("file"), text("encoding")) {
                (Some(name), Some("json")) => (read(name)?, Charset::Latin1),
                (Some(_), Some(encoding)) => {
                    return Err(Fault::new(format!(
                        "encoding {encoding} of options is not supported, json is"
                    )));
                }
                _ => return Err(Fault::new("options have no file or no encoding")),
            }
        }
        _ => return Err(Fault::new("options are neither an array nor an object")),
    };
    if listed.is_empty() {
        return Err(Fault::new("options are empty"));
    }
    let mut values = Vec::with_capacity(listed.len());
    for json in &listed {
        *bytes_left = bytes_left
            .checked_sub(json.to_string().len())
            .ok_or_else(|| Fault::new("options take too much memory"))?;
        let value = value_of(avro, schema, json, charset);
        values.push(value.map_err(|fault| fault.within("options"))?);
    }
    Ok(values)
}

/// One value after the other, as Avro writes them as JSON.
fn read(name: &str) -> Result<Vec<Json>, Fault> {
    let refused = |reason: String| Fault::new(format!("cannot read options from {name}: {reason}"));
    let file = File::open(name).map_err(|error| refused(error.to_string()))?;
    let mut text = String::new();
    file.take(FILE_BYTES_MAX + 1)
        .read_to_string(&mut text)
        .map_err(|error| refused(error.to_string()))?;
    if u64::try_from(text.len()).is_ok_and(|length| length > FILE_BYTES_MAX) {
        return Err(refused(format!("it has more than {FILE_BYTES_MAX} bytes")));
    }
    let values = serde_json::Deserializer::from_str(&text).into_iter();
    let values: Result<Vec<Json>, _> = values.collect();
    values.map_err(|error| refused(error.to_string()))
}
