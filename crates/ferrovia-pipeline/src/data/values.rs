//! Values and text: what `SimpleHeaderConverter` writes, and what it guesses when it reads.
//!
//! Dates without a time zone are read and written in UTC, where Java takes the zone of its machine.
//!
//! # Source
//! `org.apache.kafka.connect.data.Values`

mod cast;
mod merge;
mod parse;
mod temporal;
mod tokens;

use std::fmt::{self, Write};

use crate::data::calendar::Moment;
use crate::data::logical::DAY_MS;
use crate::data::{SchemaAndValue, Value};

pub use cast::{to_f64, to_i64};
pub use parse::TooDeep;

/// The value that a text most likely stands for, with a schema for it. What is no number, date, boolean, list or map is
/// text.
///
/// # Errors
/// [`TooDeep`] where lists and maps are nested deeper than any sensible text; Java's stack overflows somewhere, too.
pub fn parse_string(text: &str) -> Result<SchemaAndValue<'static>, TooDeep> {
    parse::parse(text)
}

/// A value as text: what is inside a list, a map or a struct is quoted.
///
/// # Source
/// `Values.convertToString`
pub fn to_text(value: &Value<'_>) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = append(&mut text, value, false);
    text
}

/// Writes a point in time as a time, a date or a timestamp, whatever it looks like.
///
/// # Errors
/// Those of `out`.
///
/// # Source
/// `Values.dateFormatFor`
pub fn write_date(out: &mut impl Write, millis: i64) -> fmt::Result {
    let moment = Moment::of(millis);
    if millis < DAY_MS {
        return moment.write_time(out);
    }
    moment.write_day(out)?;
    if millis % DAY_MS != 0 {
        out.write_char('T')?;
        moment.write_time(out)?;
    }
    Ok(())
}

fn append(out: &mut String, value: &Value<'_>, is_embedded: bool) -> fmt::Result {
    match value {
        Value::String(text) if is_embedded => quote(out, text),
        Value::Bytes(bytes) => {
            let text = crate::convert::base64::encoded(bytes);
            if is_embedded {
                write!(out, "\"{text}\"")
            } else {
                out.write_str(&text)
            }
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                separate(out, index);
                append(out, item, true)?;
            }
            out.write_char(']')
        }
        Value::Map(map) => {
            out.push('{');
            for (index, (key, value)) in map.iter().enumerate() {
                separate(out, index);
                append(out, key, true)?;
                out.push(':');
                append(out, value, true)?;
            }
            out.write_char('}')
        }
        Value::Struct(structure) => {
            out.push('{');
            for field in structure.schema().fields() {
                separate(out, field.index);
                quote(out, &field.name)?;
                out.push(':');
                let value = structure.at(field.index);
                let default = field.schema.default_value();
                let shown = if value.is_null() { default } else { None };
                append(out, shown.unwrap_or(value), true)?;
            }
            out.write_char('}')
        }
        Value::Date(millis) => write_date(out, *millis),
        simple => write!(out, "{simple}"),
    }
}

fn separate(out: &mut String, index: usize) {
    if index > 0 {
        out.push(',');
    }
}

fn quote(out: &mut String, text: &str) -> fmt::Result {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    write!(out, "\"{escaped}\"")
}

#[cfg(test)]
mod tests;
