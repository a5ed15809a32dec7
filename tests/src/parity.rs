//! Parity: what converters, transformations and predicates make of records, beside what Kafka Connect's own classes make
//! of the same records.
//!
//! In reading order: a [`Case`] is settings and a raw record; [`generate`] makes cases from a seed, out of [`tree`]s that
//! describe JSON documents, [`texts`], settings of [`transforms`] and [`predicates`]; [`oracle`] is Java's answer
//! (`tests/java/Parity.java`), [`native`] is ours, [`verdict`] compares the two, and [`coverage`] counts what the cases
//! came by. Unlike the rest of the test grounds this part calls the pipeline directly: a record in, a record out.

use std::collections::BTreeMap;
use std::io;

use serde_json::{Map, Value, json};

pub mod seed;
pub mod tree;
pub mod texts;
pub mod transforms;
pub mod predicates;
pub mod generate;
pub mod oracle;
pub mod native;
pub mod verdict;
pub mod coverage;

/// Property names and their values.
pub type Settings = BTreeMap<String, String>;

/// A converter's class and its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The Java class.
    pub class: String,
    /// Its settings, without a prefix.
    pub settings: Settings,
}

impl Choice {
    /// A class with settings.
    #[must_use]
    pub fn new(class: &str, settings: &[(&str, &str)]) -> Self {
        Self {
            class: class.to_owned(),
            settings: settings
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        }
    }
}

/// A record as a broker stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawRecord {
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Milliseconds since the epoch, if it has a timestamp.
    pub timestamp: Option<i64>,
    /// The key.
    pub key: Option<Vec<u8>>,
    /// The value.
    pub value: Option<Vec<u8>>,
    /// Names and values of the headers, in order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// Settings and a record that goes through them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The converter of keys.
    pub key: Choice,
    /// The converter of values.
    pub value: Choice,
    /// The converter of headers.
    pub header: Choice,
    /// `transforms`, `transforms.*` and `predicates.*` of a connector.
    pub transforms: Settings,
    /// The record.
    pub record: RawRecord,
}

impl Case {
    /// The case as one line of JSON, which [`Case::from_line`] reads again.
    #[must_use]
    pub fn to_line(&self) -> String {
        let choice = |choice: &Choice| json!({"class": choice.class, "settings": choice.settings});
        let headers = self.record.headers.iter();
        json!({
            "key": choice(&self.key),
            "value": choice(&self.value),
            "header": choice(&self.header),
            "transforms": self.transforms,
            "record": {
                "topic": self.record.topic,
                "partition": self.record.partition,
                "offset": self.record.offset,
                "timestamp": self.record.timestamp,
                "key": show(self.record.key.as_deref()),
                "value": show(self.record.value.as_deref()),
                "headers": headers
                    .map(|(name, value)| json!([name, show(value.as_deref())]))
                    .collect::<Vec<_>>(),
            },
        })
        .to_string()
    }

    /// Reads a line that [`Case::to_line`] wrote.
    ///
    /// # Errors
    /// The line is no case.
    pub fn from_line(line: &str) -> io::Result<Self> {
        let case: Value = serde_json::from_str(line)?;
        let raw = member(&case, "record")?;
        let headers = member(raw, "headers")?
            .as_array()
            .ok_or_else(|| no("headers"))?;
        let headers = headers.iter().map(|header| {
            let name = header
                .get(0)
                .and_then(Value::as_str)
                .ok_or_else(|| no("header"))?;
            let value = header.get(1).ok_or_else(|| no("header"))?;
            Ok((name.to_owned(), hidden(value)?))
        });
        Ok(Self {
            key: choice(member(&case, "key")?)?,
            value: choice(member(&case, "value")?)?,
            header: choice(member(&case, "header")?)?,
            transforms: settings(member(&case, "transforms")?)?,
            record: RawRecord {
                topic: text(raw, "topic")?,
                partition: i32::try_from(number(raw, "partition")?).map_err(io::Error::other)?,
                offset: number(raw, "offset")?,
                timestamp: member(raw, "timestamp")?.as_i64(),
                key: hidden(member(raw, "key")?)?,
                value: hidden(member(raw, "value")?)?,
                headers: headers.collect::<io::Result<_>>()?,
            },
        })
    }
}

/// Bytes in a line of JSON: text where they are UTF-8, else an object with their digits.
#[must_use]
pub fn show(bytes: Option<&[u8]>) -> Value {
    match bytes.map(|bytes| (bytes, str::from_utf8(bytes))) {
        None => Value::Null,
        Some((_, Ok(text))) => Value::from(text),
        Some((bytes, Err(_))) => {
            let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            json!({"hex": digits})
        }
    }
}

/// The bytes that [`show`] has shown.
fn hidden(shown: &Value) -> io::Result<Option<Vec<u8>>> {
    match shown {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone().into_bytes())),
        other => {
            let digits = text(other, "hex")?;
            let pairs = digits.as_bytes().chunks(2);
            let bytes = pairs.map(|pair| {
                let pair = str::from_utf8(pair).map_err(io::Error::other)?;
                u8::from_str_radix(pair, 16).map_err(io::Error::other)
            });
            bytes.collect::<io::Result<_>>().map(Some)
        }
    }
}

fn no(what: &str) -> io::Error {
    io::Error::other(format!("not a case: {what} is missing or of another type"))
}

fn member<'a>(object: &'a Value, name: &str) -> io::Result<&'a Value> {
    object.get(name).ok_or_else(|| no(name))
}

fn text(object: &Value, name: &str) -> io::Result<String> {
    let text = member(object, name)?.as_str().ok_or_else(|| no(name))?;
    Ok(text.to_owned())
}

fn number(object: &Value, name: &str) -> io::Result<i64> {
    member(object, name)?.as_i64().ok_or_else(|| no(name))
}

fn choice(object: &Value) -> io::Result<Choice> {
    Ok(Choice {
        class: text(object, "class")?,
        settings: settings(member(object, "settings")?)?,
    })
}

fn settings(object: &Value) -> io::Result<Settings> {
    let object: &Map<String, Value> = object.as_object().ok_or_else(|| no("settings"))?;
    let entries = object.iter().map(|(name, value)| {
        let value = value.as_str().ok_or_else(|| no(name))?;
        Ok((name.clone(), value.to_owned()))
    });
    entries.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_survives_its_line() {
        let mut random = seed::Random::new(7);
        for number in 0..500 {
            let case = generate::case(&mut random, number);
            assert_eq!(Case::from_line(&case.to_line()).unwrap(), case);
        }
    }
}
