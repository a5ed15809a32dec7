//! Headers with schemas.

use std::borrow::Cow;

use crate::data::{SchemaAndValue, SchemaType, Value, logical, validate};
use crate::error::ConnectError;

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

    /// Adds a header behind the others, if its value is one of its schema. What is inside the value is not looked at.
    ///
    /// # Errors
    /// The value does not fit, in Java's words.
    ///
    /// # Source
    /// `ConnectHeaders.add` with `checkSchemaMatches`
    pub fn add_checked(
        &mut self,
        key: impl Into<Cow<'a, str>>,
        value: SchemaAndValue<'a>,
    ) -> Result<(), ConnectError> {
        check(&value)?;
        self.add(key, value);
        Ok(())
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

/// These headers, in order.
impl<'a, const N: usize> From<[(&'a str, SchemaAndValue<'a>); N]> for Headers<'a> {
    fn from(headers: [(&'a str, SchemaAndValue<'a>); N]) -> Self {
        let header = |(key, value)| Header {
            key: Cow::Borrowed(key),
            value,
        };
        Self {
            headers: headers.into_iter().map(header).collect(),
        }
    }
}

fn check(header: &SchemaAndValue<'_>) -> Result<(), ConnectError> {
    let SchemaAndValue { schema, value } = header;
    let Some(schema) = schema else {
        return Ok(());
    };
    let fits = match (schema.schema_type(), value) {
        (_, Value::Null) if schema.is_optional() => true,
        (_, Value::Null) => {
            return Err(ConnectError::data(format!(
                "A null value requires an optional schema but was {schema}"
            )));
        }
        (SchemaType::Bytes, Value::Decimal(_)) => schema.name() == Some(logical::DECIMAL),
        (SchemaType::Int32, Value::Date(_)) => {
            matches!(schema.name(), Some(logical::DATE | logical::TIME))
        }
        (SchemaType::Int64, Value::Date(_)) => schema.name() == Some(logical::TIMESTAMP),
        (kind, value) => validate::value_type(value) == Some(kind),
    };
    if fits {
        return Ok(());
    }
    Err(ConnectError::data(format!(
        "The value {value} is not compatible with the schema {schema}"
    )))
}

impl<'h, 'a> IntoIterator for &'h Headers<'a> {
    type Item = &'h Header<'a>;
    type IntoIter = std::slice::Iter<'h, Header<'a>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Schema;

    fn refusal(schema: Schema, value: Value<'static>) -> Option<String> {
        let mut headers = Headers::new();
        let added = headers.add_checked("h", SchemaAndValue::new(Some(schema), value));
        assert_eq!(headers.is_empty(), added.is_err());
        added.err().map(|error| error.to_string())
    }

    #[test]
    fn headers_of_an_array_are_those_that_are_added_in_its_order() {
        let array = ["a", "b", "a"].map(|key| (key, SchemaAndValue::new(None, Value::text(key))));
        let mut added = Headers::new();
        for (key, value) in array.clone() {
            added.add(key, value);
        }
        assert_eq!(Headers::from(array), added);
        assert_eq!(added.len(), 3);
    }

    #[test]
    fn header_needs_a_value_of_its_schema() {
        assert_eq!(
            refusal(Schema::optional(SchemaType::Bytes), Value::Null),
            None
        );
        assert_eq!(
            refusal(Schema::of(SchemaType::String), Value::text("a")),
            None
        );
        assert_eq!(
            refusal(Schema::of(SchemaType::Bytes), Value::Null).unwrap(),
            "A null value requires an optional schema but was Schema{BYTES}"
        );
        assert_eq!(
            refusal(Schema::of(SchemaType::String), Value::Int32(5)).unwrap(),
            "The value 5 is not compatible with the schema Schema{STRING}"
        );
    }
}
