//! A value as connectors and transformations see it.

use std::borrow::Cow;

use crate::data::{Decimal, Map, Schema, Struct};

/// A value. It borrows from the batch wherever it can.
///
/// The variants are Java's classes, so that what a message says of a value's class is true: with a schema of a logical
/// type a value is a [`Decimal`](Self::Decimal) or a [`Date`](Self::Date), without one it is what the converter made.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// No value: a tombstone, an absent field, a record without a key.
    Null,
    /// `java.lang.Boolean`
    Boolean(bool),
    /// `java.lang.Byte`
    Int8(i8),
    /// `java.lang.Short`
    Int16(i16),
    /// `java.lang.Integer`
    Int32(i32),
    /// `java.lang.Long`
    Int64(i64),
    /// `java.lang.Float`
    Float32(f32),
    /// `java.lang.Double`
    Float64(f64),
    /// `java.lang.String`
    String(Cow<'a, str>),
    /// `byte[]` or `java.nio.ByteBuffer`
    Bytes(Cow<'a, [u8]>),
    /// `java.util.List`
    Array(Vec<Self>),
    /// `java.util.Map`
    Map(Map<'a>),
    /// `org.apache.kafka.connect.data.Struct`
    Struct(Struct<'a>),
    /// `java.math.BigDecimal`, apart because it is larger than any other value.
    Decimal(Box<Decimal>),
    /// `java.util.Date`: milliseconds since the epoch. The schema's name tells a date from a time and a timestamp.
    Date(i64),
}

impl<'a> Value<'a> {
    /// Text that is borrowed.
    pub fn text(text: &'a str) -> Self {
        Self::String(Cow::Borrowed(text))
    }

    /// A decimal.
    pub fn decimal(decimal: Decimal) -> Self {
        Self::Decimal(Box::new(decimal))
    }

    /// Whether there is no value.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Puts a value where null stands.
    ///
    /// Null has nothing to drop, but the compiler does not know that it stands there: the call that finds out took a
    /// twentieth of the time of reading JSON.
    #[inline]
    pub(crate) fn fill(&mut self, value: Self) {
        std::mem::forget(std::mem::replace(self, value));
    }

    /// The name of the value's class in Java, as messages show it; `null` where there is no value.
    pub fn java_class(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "java.lang.Boolean",
            Self::Int8(_) => "java.lang.Byte",
            Self::Int16(_) => "java.lang.Short",
            Self::Int32(_) => "java.lang.Integer",
            Self::Int64(_) => "java.lang.Long",
            Self::Float32(_) => "java.lang.Float",
            Self::Float64(_) => "java.lang.Double",
            Self::String(_) => "java.lang.String",
            Self::Bytes(_) => "[B",
            Self::Array(_) => "java.util.ArrayList",
            Self::Map(map) if map.is_linked() => "java.util.LinkedHashMap",
            Self::Map(_) => "java.util.HashMap",
            Self::Struct(_) => "org.apache.kafka.connect.data.Struct",
            Self::Decimal(_) => "java.math.BigDecimal",
            Self::Date(_) => "java.util.Date",
        }
    }

    /// The same value, borrowing from nothing.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Boolean(value) => Value::Boolean(value),
            Self::Int8(value) => Value::Int8(value),
            Self::Int16(value) => Value::Int16(value),
            Self::Int32(value) => Value::Int32(value),
            Self::Int64(value) => Value::Int64(value),
            Self::Float32(value) => Value::Float32(value),
            Self::Float64(value) => Value::Float64(value),
            Self::String(text) => Value::String(Cow::Owned(text.into_owned())),
            Self::Bytes(bytes) => Value::Bytes(Cow::Owned(bytes.into_owned())),
            Self::Array(items) => Value::Array(items.into_iter().map(Value::into_owned).collect()),
            Self::Map(map) => Value::Map(map.into_owned()),
            Self::Struct(structure) => Value::Struct(structure.into_owned()),
            Self::Decimal(value) => Value::Decimal(value),
            Self::Date(value) => Value::Date(value),
        }
    }
}

/// A value with the schema that describes it, if it has one.
///
/// # Source
/// `org.apache.kafka.connect.data.SchemaAndValue`
#[derive(Clone, Debug, PartialEq)]
pub struct SchemaAndValue<'a> {
    /// The schema; `None` for values that speak for themselves.
    pub schema: Option<Schema>,
    /// The value.
    pub value: Value<'a>,
}

impl<'a> SchemaAndValue<'a> {
    /// Neither schema nor value.
    pub const NULL: SchemaAndValue<'static> = SchemaAndValue {
        schema: None,
        value: Value::Null,
    };

    /// A value with its schema.
    pub fn new(schema: impl Into<Option<Schema>>, value: Value<'a>) -> Self {
        Self {
            schema: schema.into(),
            value,
        }
    }

    /// The same, borrowing from nothing.
    pub fn into_owned(self) -> SchemaAndValue<'static> {
        SchemaAndValue {
            schema: self.schema,
            value: self.value.into_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_is_no_larger_than_a_string_that_may_be_borrowed_and_a_tag() {
        assert_eq!(size_of::<Value<'_>>(), size_of::<Cow<'_, str>>() + 8);
    }
}
