//! Structs: values with named fields, described by a schema.

use crate::data::validate::validate_field;
use crate::data::{Schema, Value};
use crate::error::ConnectError;

/// A struct. Its values stand in the order of its schema's fields.
///
/// # Source
/// `org.apache.kafka.connect.data.Struct`
#[derive(Clone, Debug, PartialEq)]
pub struct Struct<'a> {
    schema: Schema,
    /// Boxed and not a vector, because every value is as large as a struct.
    values: Box<[Value<'a>]>,
}

impl<'a> Struct<'a> {
    /// A struct whose fields are all absent.
    ///
    /// # Errors
    /// The schema does not describe structs.
    pub fn new(schema: Schema) -> Result<Self, ConnectError> {
        if schema.schema_type() != crate::data::SchemaType::Struct {
            return Err(ConnectError::data(format!("Not a struct schema: {schema}")));
        }
        let values = vec![Value::Null; schema.fields().len()].into();
        Ok(Self { schema, values })
    }

    /// A struct of these values, which stand in the order of the schema's fields. Nothing is checked but their number:
    /// fields beyond the last value are absent, and values beyond the last field are dropped.
    pub fn with_values(schema: Schema, mut values: Vec<Value<'a>>) -> Self {
        values.resize(schema.fields().len(), Value::Null);
        Self {
            schema,
            values: values.into(),
        }
    }

    /// The schema.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The values, in the order of the schema's fields. Absent fields are null, whatever their default.
    pub fn values(&self) -> &[Value<'a>] {
        &self.values
    }

    /// The value of a field, or its default where it is absent.
    ///
    /// # Errors
    /// There is no such field.
    pub fn get(&self, name: &str) -> Result<&Value<'a>, ConnectError> {
        let field = self.schema.field(name).ok_or_else(|| no_field(name))?;
        let value = self.at(field.index);
        match field.schema.default_value() {
            Some(default) if value.is_null() => Ok(default),
            _ => Ok(value),
        }
    }

    /// The value of a field as it was put: null where it is absent, whatever its default.
    ///
    /// # Errors
    /// There is no such field.
    pub fn get_without_default(&self, name: &str) -> Result<&Value<'a>, ConnectError> {
        let field = self.schema.field(name).ok_or_else(|| no_field(name))?;
        Ok(self.at(field.index))
    }

    /// The value at a field's index; null beyond the last.
    pub fn at(&self, index: usize) -> &Value<'a> {
        self.values.get(index).unwrap_or(&Value::Null)
    }

    /// Sets the value at a field's index without a check. Nothing happens beyond the last field.
    pub fn set(&mut self, index: usize, value: Value<'a>) {
        if let Some(slot) = self.values.get_mut(index) {
            *slot = value;
        }
    }

    /// Puts a value into a field after checking that it is one of the field's schema.
    ///
    /// # Errors
    /// There is no such field, or the value does not fit.
    pub fn put(&mut self, name: &str, value: Value<'a>) -> Result<(), ConnectError> {
        let field = self.schema.field(name).ok_or_else(|| no_field(name))?;
        validate_field(name, &field.schema, &value)?;
        let index = field.index;
        self.set(index, value);
        Ok(())
    }

    /// Checks that every field holds a value of its schema, and that none is absent that is required.
    ///
    /// # Errors
    /// The first field that does not fit.
    pub fn validate(&self) -> Result<(), ConnectError> {
        for field in self.schema.fields() {
            let value = self.at(field.index);
            let schema = &field.schema;
            let may_be_absent = schema.is_optional() || schema.default_value().is_some();
            if !(value.is_null() && may_be_absent) {
                validate_field(&field.name, schema, value)?;
            }
        }
        Ok(())
    }

    /// The schema and the values, taken apart.
    pub fn into_parts(self) -> (Schema, Vec<Value<'a>>) {
        (self.schema, self.values.into_vec())
    }

    /// The same struct, borrowing from nothing.
    pub fn into_owned(self) -> Struct<'static> {
        let values = self.values.into_vec().into_iter();
        Struct {
            schema: self.schema,
            values: values.map(Value::into_owned).collect(),
        }
    }
}

fn no_field(name: &str) -> ConnectError {
    ConnectError::data(format!("{name} is not a valid field name"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{SchemaBuilder, SchemaType};

    #[test]
    fn struct_has_as_many_values_as_its_schema_has_fields() {
        let number = Schema::of(SchemaType::Int8);
        let fields = [("a", number.clone()), ("b", number)];
        let schema = SchemaBuilder::structure().fields(fields).unwrap().build();
        let of = |values: &[i8]| {
            let values = values.iter().copied().map(Value::Int8);
            Struct::with_values(schema.clone(), values.collect())
        };
        let (one, two) = (Value::Int8(1), Value::Int8(2));
        assert_eq!(of(&[]), Struct::new(schema.clone()).unwrap());
        assert_eq!(of(&[1]).values(), [one.clone(), Value::Null]);
        assert_eq!(of(&[1, 2]).values(), [one, two]);
        assert_eq!(of(&[1, 2, 3]), of(&[1, 2]));
    }
}
