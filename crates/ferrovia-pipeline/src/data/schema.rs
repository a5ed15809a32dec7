//! Schemas: what kind of value stands where.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use crate::data::value::Value;
use crate::error::ConnectError;

/// The type of a value.
///
/// # Source
/// `org.apache.kafka.connect.data.Schema.Type`; the order is Java's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SchemaType {
    /// 8-bit signed integer.
    Int8,
    /// 16-bit signed integer.
    Int16,
    /// 32-bit signed integer.
    Int32,
    /// 64-bit signed integer.
    Int64,
    /// 32-bit floating point number.
    Float32,
    /// 64-bit floating point number.
    Float64,
    /// True or false.
    Boolean,
    /// Text.
    String,
    /// A sequence of bytes.
    Bytes,
    /// An ordered sequence of values of one kind.
    Array,
    /// Keys of one kind to values of another.
    Map,
    /// Named fields, each with a schema of its own.
    Struct,
}

impl SchemaType {
    /// The name in JSON schemas and in messages, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Int8 => "int8",
            Self::Int16 => "int16",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Float32 => "float32",
            Self::Float64 => "float64",
            Self::Boolean => "boolean",
            Self::String => "string",
            Self::Bytes => "bytes",
            Self::Array => "array",
            Self::Map => "map",
            Self::Struct => "struct",
        }
    }

    /// The name of Java's enum constant, as messages show it.
    pub fn java_name(self) -> String {
        self.name().to_ascii_uppercase()
    }

    /// Whether values of this type hold no others.
    pub fn is_primitive(self) -> bool {
        !matches!(self, Self::Array | Self::Map | Self::Struct)
    }
}

/// A schema. Cheap to clone: what it says is shared. Two schemas are equal when they say the same.
///
/// # Source
/// `org.apache.kafka.connect.data.ConnectSchema`
#[derive(Clone, Debug)]
pub struct Schema(Arc<Definition>);

#[derive(Debug, PartialEq)]
struct Definition {
    shape: Shape,
    is_optional: bool,
    name: Option<Arc<str>>,
    version: Option<i32>,
    doc: Option<Arc<str>>,
    parameters: Vec<(Arc<str>, Arc<str>)>,
    default: Option<Value<'static>>,
}

/// What a schema says of the values inside.
#[derive(Clone, Debug, PartialEq)]
enum Shape {
    Primitive(SchemaType),
    /// An array that was inferred from nulls does not say what its values are, and a map neither.
    Array(Option<Schema>),
    Map(Option<Schema>, Option<Schema>),
    Struct(Vec<Field>),
}

impl Shape {
    fn schema_type(&self) -> SchemaType {
        match self {
            Self::Primitive(primitive) => *primitive,
            Self::Array(_) => SchemaType::Array,
            Self::Map(..) => SchemaType::Map,
            Self::Struct(_) => SchemaType::Struct,
        }
    }
}

/// A field of a struct.
///
/// # Source
/// `org.apache.kafka.connect.data.Field`
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: Arc<str>,
    /// Where it stands, from 0.
    pub index: usize,
    /// What its values are.
    pub schema: Schema,
}

impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        // Most comparisons are between clones.
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

/// As Java shows a schema in messages.
impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.schema_type().java_name();
        match self.name() {
            Some(name) => write!(f, "Schema{{{name}:{kind}}}"),
            None => write!(f, "Schema{{{kind}}}"),
        }
    }
}

impl Schema {
    /// A required primitive without name or version.
    pub fn of(primitive: SchemaType) -> Self {
        SchemaBuilder::primitive(primitive).build()
    }

    /// An optional primitive without name or version.
    pub fn optional(primitive: SchemaType) -> Self {
        SchemaBuilder::primitive(primitive).optional().build()
    }

    /// The type of the values.
    pub fn schema_type(&self) -> SchemaType {
        self.0.shape.schema_type()
    }

    /// Whether a value may be absent.
    pub fn is_optional(&self) -> bool {
        self.0.is_optional
    }

    /// The schema's name; that of a logical type says how values are read.
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// The schema's version.
    pub fn version(&self) -> Option<i32> {
        self.0.version
    }

    /// What the author says about it.
    pub fn doc(&self) -> Option<&str> {
        self.0.doc.as_deref()
    }

    /// Further properties, in the order in which they were given.
    pub fn parameters(&self) -> &[(Arc<str>, Arc<str>)] {
        &self.0.parameters
    }

    /// One further property.
    pub fn parameter(&self, key: &str) -> Option<&str> {
        self.0
            .parameters
            .iter()
            .find(|(known, _)| &**known == key)
            .map(|(_, value)| &**value)
    }

    /// The value of an absent field.
    pub fn default_value(&self) -> Option<&Value<'static>> {
        self.0.default.as_ref()
    }

    /// The fields of a struct, in order; of anything else, none.
    pub fn fields(&self) -> &[Field] {
        match &self.0.shape {
            Shape::Struct(fields) => fields,
            _ => &[],
        }
    }

    /// One field of a struct.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields().iter().find(|field| &*field.name == name)
    }

    /// What the keys of a map are.
    pub fn key_schema(&self) -> Option<&Self> {
        match &self.0.shape {
            Shape::Map(keys, _) => keys.as_ref(),
            _ => None,
        }
    }

    /// What the values of a map or an array are.
    pub fn value_schema(&self) -> Option<&Self> {
        match &self.0.shape {
            Shape::Map(_, values) | Shape::Array(values) => values.as_ref(),
            _ => None,
        }
    }

    /// Whether both are the same schema in memory: a quick look that caches begin with.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// A builder that has everything of this schema, to build another like it.
    pub fn to_builder(&self) -> SchemaBuilder {
        let known = &*self.0;
        SchemaBuilder {
            shape: known.shape.clone(),
            is_optional: known.is_optional,
            name: known.name.clone(),
            version: known.version,
            doc: known.doc.clone(),
            parameters: known.parameters.clone(),
            default: known.default.clone(),
        }
    }
}

/// Builds schemas.
///
/// # Source
/// `org.apache.kafka.connect.data.SchemaBuilder`
#[derive(Clone, Debug)]
pub struct SchemaBuilder {
    shape: Shape,
    is_optional: bool,
    name: Option<Arc<str>>,
    version: Option<i32>,
    doc: Option<Arc<str>>,
    parameters: Vec<(Arc<str>, Arc<str>)>,
    default: Option<Value<'static>>,
}

impl SchemaBuilder {
    fn new(shape: Shape) -> Self {
        Self {
            shape,
            is_optional: false,
            name: None,
            version: None,
            doc: None,
            parameters: Vec::new(),
            default: None,
        }
    }

    /// Of a type whose values hold no others. A type whose values do holds strings then.
    pub fn primitive(primitive: SchemaType) -> Self {
        match primitive {
            SchemaType::Array => Self::array(Schema::of(SchemaType::String)),
            SchemaType::Map => Self::map(
                Schema::of(SchemaType::String),
                Schema::of(SchemaType::String),
            ),
            SchemaType::Struct => Self::structure(),
            primitive => Self::new(Shape::Primitive(primitive)),
        }
    }

    /// Of arrays.
    pub fn array(values: Schema) -> Self {
        Self::new(Shape::Array(Some(values)))
    }

    /// Of maps.
    pub fn map(keys: Schema, values: Schema) -> Self {
        Self::new(Shape::Map(Some(keys), Some(values)))
    }

    /// Of arrays of which only nulls have been seen.
    pub fn array_of_nulls() -> Self {
        Self::new(Shape::Array(None))
    }

    /// Of maps of which only nulls have been seen, be it as values or as keys too.
    pub fn map_of_nulls(keys: Option<Schema>) -> Self {
        Self::new(Shape::Map(keys, None))
    }

    /// Of structs, without a field yet.
    pub fn structure() -> Self {
        Self::new(Shape::Struct(Vec::new()))
    }

    /// Values may be absent.
    #[must_use]
    pub fn optional(self) -> Self {
        self.set_optional(true)
    }

    /// Whether values may be absent.
    #[must_use]
    pub fn set_optional(mut self, is_optional: bool) -> Self {
        self.is_optional = is_optional;
        self
    }

    /// Names the schema.
    #[must_use]
    pub fn name(self, name: &str) -> Self {
        self.set_name(Some(name))
    }

    /// Names the schema, or takes its name away.
    #[must_use]
    pub fn set_name(mut self, name: Option<&str>) -> Self {
        self.name = name.map(Arc::from);
        self
    }

    /// Gives it a version.
    #[must_use]
    pub fn version(self, version: i32) -> Self {
        self.set_version(Some(version))
    }

    /// Gives it a version, or takes it away.
    #[must_use]
    pub fn set_version(mut self, version: Option<i32>) -> Self {
        self.version = version;
        self
    }

    /// Says something about it.
    #[must_use]
    pub fn doc(self, doc: &str) -> Self {
        self.set_doc(Some(doc))
    }

    /// Says something about it, or nothing.
    #[must_use]
    pub fn set_doc(mut self, doc: Option<&str>) -> Self {
        self.doc = doc.map(Arc::from);
        self
    }

    /// Adds a further property; one of the same key is replaced in its place.
    #[must_use]
    pub fn parameter(mut self, key: &str, value: &str) -> Self {
        match self
            .parameters
            .iter_mut()
            .find(|(known, _)| &**known == key)
        {
            Some((_, known)) => *known = value.into(),
            None => self.parameters.push((key.into(), value.into())),
        }
        self
    }

    /// The value of an absent field, unchecked.
    #[must_use]
    pub fn default_value(mut self, value: Value<'static>) -> Self {
        self.default = Some(value);
        self
    }

    /// The value of an absent field, if it is one of this schema. As in Java a null leaves an optional schema without a
    /// default, and a struct is never one: it knows its own schema, which is not yet this one.
    ///
    /// # Errors
    /// As Java's `SchemaBuilderException`: the value does not fit what was said of the schema until now.
    pub fn checked_default_value(mut self, value: Value<'static>) -> Result<Self, ConnectError> {
        let check = match &value {
            Value::Struct(_) if matches!(self.shape, Shape::Struct(_)) => {
                Err(ConnectError::data("Struct schemas do not match."))
            }
            value => crate::data::validate::validate_value(&self.clone().build(), value),
        };
        check.map_err(|cause| ConnectError::schema_builder_by("Invalid default value", cause))?;
        self.default = (!value.is_null()).then_some(value);
        Ok(self)
    }

    /// Adds a field to a struct.
    ///
    /// # Errors
    /// As Java's `SchemaBuilderException`: the name is empty or taken, or this is no struct.
    pub fn field(mut self, name: &str, schema: Schema) -> Result<Self, ConnectError> {
        let Shape::Struct(fields) = &mut self.shape else {
            return Err(ConnectError::schema_builder(format!(
                "Cannot create fields on type {}",
                self.shape.schema_type().java_name()
            )));
        };
        if name.is_empty() {
            return Err(ConnectError::schema_builder("fieldName cannot be null."));
        }
        if fields.iter().any(|field| &*field.name == name) {
            return Err(ConnectError::schema_builder(format!(
                "Cannot create field because of field name duplication {name}"
            )));
        }
        let index = fields.len();
        fields.push(Field {
            name: name.into(),
            index,
            schema,
        });
        Ok(self)
    }

    /// Adds fields to a struct that has none yet: the quick way where they are many.
    ///
    /// # Errors
    /// As [`field`](Self::field).
    pub fn fields<'f>(
        mut self,
        added: impl IntoIterator<Item = (&'f str, Schema)>,
    ) -> Result<Self, ConnectError> {
        let mut known = HashSet::new();
        for (name, schema) in added {
            match &mut self.shape {
                Shape::Struct(fields) if !name.is_empty() && known.insert(name) => {
                    let index = fields.len();
                    fields.push(Field {
                        name: name.into(),
                        index,
                        schema,
                    });
                }
                // It is going to be refused.
                _ => self = self.field(name, schema)?,
            }
        }
        Ok(self)
    }

    /// The schema.
    pub fn build(self) -> Schema {
        let Self {
            shape,
            is_optional,
            name,
            version,
            doc,
            parameters,
            default,
        } = self;
        Schema(Arc::new(Definition {
            shape,
            is_optional,
            name,
            version,
            doc,
            parameters,
            default,
        }))
    }
}
