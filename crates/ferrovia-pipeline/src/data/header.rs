//! Headers with schemas.

use std::borrow::Cow;

use crate::data::SchemaAndValue;

/// One header.
///
/// # Source
/// `org.apache.kafka.connect.header.Header`
#[derive(Clone, Debug, PartialEq)]
pub struct Header<'a> {
    /// Its name; several headers may have the same.
    pub key: Cow<'a, str>,
    /// Its value.
    pub value: SchemaAndValue<'a>,
}

/// The headers of a record, in order.
///
/// # Source
/// `org.apache.kafka.connect.header.ConnectHeaders`
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Headers<'a> {
    headers: Vec<Header<'a>>,
}

impl<'a> Headers<'a> {
    /// No headers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a header behind the others.
    pub fn add(&mut self, key: impl Into<Cow<'a, str>>, value: SchemaAndValue<'a>) {
        self.headers.push(Header {
            key: key.into(),
            value,
        });
    }

    /// Takes all headers of that name away.
    pub fn remove(&mut self, key: &str) {
        self.headers.retain(|header| header.key != key);
    }

    /// Whether there is a header of that name.
    pub fn has(&self, key: &str) -> bool {
        self.headers.iter().any(|header| header.key == key)
    }

    /// The headers in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Header<'a>> {
        self.headers.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.headers.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.headers.is_empty()
    }
}

impl<'h, 'a> IntoIterator for &'h Headers<'a> {
    type Item = &'h Header<'a>;
    type IntoIter = std::slice::Iter<'h, Header<'a>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
