//! Avro schemas, read from JSON: what kinds of values a record has, before anything is said of how they are made.
//!
//! # Source
//! Avro 1.11, "Schema Declaration" and "Names"

mod json;
pub(super) mod connect;
pub(super) mod value;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map as Object, Value as Json};

/// How deep schemas may stand in each other.
const DEPTH_MAX: usize = 48;

/// A schema.
#[derive(Debug)]
pub(super) struct Avro {
    pub(super) kind: Kind,
    /// Tells schemas apart that look alike: one of a name that is used twice is the same.
    pub(super) id: usize,
    /// The full name of a record, an enum or a fixed.
    pub(super) name: Option<String>,
    /// All that its JSON says.
    pub(super) properties: Object<String, Json>,
    depth: usize,
}

/// What values are.
#[derive(Debug)]
pub(super) enum Kind {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Fixed(usize),
    Enum(Vec<String>),
    Array(Arc<Avro>),
    Map(Arc<Avro>),
    Record(Vec<AvroField>),
    Union(Vec<Arc<Avro>>),
}

/// A field of a record.
#[derive(Debug)]
pub(super) struct AvroField {
    pub(super) name: String,
    pub(super) schema: Arc<Avro>,
    pub(super) default: Option<Json>,
    pub(super) doc: Option<String>,
}

/// Why a schema cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}{what}", at.as_ref().map_or_else(String::new, |at| format!("{at}: ")))]
pub(super) struct Fault {
    /// The names on the way to what is wrong.
    at: Option<String>,
    what: String,
}

impl Fault {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self {
            at: None,
            what: what.into(),
        }
    }

    /// The same, within that.
    pub(super) fn within(self, name: &str) -> Self {
        let at = match self.at {
            Some(at) => format!("{name}.{at}"),
            None => name.to_owned(),
        };
        Self {
            at: Some(at),
            what: self.what,
        }
    }
}

impl Avro {
    /// Reads a schema. As with Avro's own parser there may be comments.
    pub(super) fn parse(text: &str) -> Result<Arc<Self>, Fault> {
        let json = json::parse(text).map_err(|error| Fault::new(error.to_string()))?;
        Parser::default().schema(&json, "")
    }

    /// A schema of texts: what the keys of maps are.
    pub(super) fn text() -> Self {
        Self {
            kind: Kind::String,
            id: usize::MAX,
            name: None,
            properties: Object::new(),
            depth: 0,
        }
    }

    /// A property that is a text.
    pub(super) fn property(&self, key: &str) -> Option<&str> {
        self.properties.get(key).and_then(Json::as_str)
    }

    /// The name of the kind, as Avro writes it.
    pub(super) fn kind_name(&self) -> &'static str {
        match self.kind {
            Kind::Null => "null",
            Kind::Boolean => "boolean",
            Kind::Int => "int",
            Kind::Long => "long",
            Kind::Float => "float",
            Kind::Double => "double",
            Kind::Bytes => "bytes",
            Kind::String => "string",
            Kind::Fixed(_) => "fixed",
            Kind::Enum(_) => "enum",
            Kind::Array(_) => "array",
            Kind::Map(_) => "map",
            Kind::Record(_) => "record",
            Kind::Union(_) => "union",
        }
    }

    /// What a union calls this member: the name without its namespace, or the kind.
    pub(super) fn member_name(&self) -> &str {
        match &self.name {
            Some(name) => name.rsplit('.').next().unwrap_or(name),
            None => self.kind_name(),
        }
    }

    /// The member beside null, if this is a union of null and one other.
    pub(super) fn beside_null(&self) -> Option<&Self> {
        let Kind::Union(members) = &self.kind else {
            return None;
        };
        match members.as_slice() {
            [null, other] | [other, null] if null.is_null() && !other.is_null() => Some(other),
            _ => None,
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Null)
    }
}

/// Schemas by name, while a text is read.
#[derive(Default)]
struct Parser {
    /// `None` while what the name stands for is being read.
    names: BTreeMap<String, Option<Arc<Avro>>>,
    made: usize,
}

impl Parser {
    fn schema(&mut self, json: &Json, namespace: &str) -> Result<Arc<Avro>, Fault> {
        match json {
            Json::String(name) => self.named(name, namespace, &Object::new()),
            Json::Array(members) => self.union(members, namespace),
            Json::Object(object) => match object.get("type") {
                Some(Json::String(kind)) => self.object(kind, object, namespace),
                Some(nested) => self.schema(nested, namespace),
                None => Err(Fault::new("a schema has no type")),
            },
            other => Err(Fault::new(format!("{other} is not a schema"))),
        }
    }

    /// A primitive, or what has that name.
    fn named(
        &mut self,
        name: &str,
        namespace: &str,
        properties: &Object<String, Json>,
    ) -> Result<Arc<Avro>, Fault> {
        let kind = match name {
            "null" => Kind::Null,
            "boolean" => Kind::Boolean,
            "int" => Kind::Int,
            "long" => Kind::Long,
            "float" => Kind::Float,
            "double" => Kind::Double,
            "bytes" => Kind::Bytes,
            "string" => Kind::String,
            _ => {
                let full = full_name(name, namespace);
                let found = self.names.get(&full).or_else(|| self.names.get(name));
                return match found {
                    Some(Some(schema)) => Ok(Arc::clone(schema)),
                    Some(None) => Err(Fault::new(format!(
                        "{name} holds itself: recursive schemas are not supported"
                    ))),
                    None => Err(Fault::new(format!("{name} is not a known type"))),
                };
            }
        };
        self.make(kind, None, properties, 0)
    }

    fn make(
        &mut self,
        kind: Kind,
        name: Option<String>,
        properties: &Object<String, Json>,
        inner_depth: usize,
    ) -> Result<Arc<Avro>, Fault> {
        let (id, depth) = (self.made, inner_depth + 1);
        if depth > DEPTH_MAX {
            return Err(Fault::new(format!(
                "more than {DEPTH_MAX} schemas stand in each other"
            )));
        }
        self.made += 1;
        Ok(Arc::new(Avro {
            kind,
            id,
            name,
            properties: properties.clone(),
            depth,
        }))
    }

    fn object(
        &mut self,
        kind: &str,
        object: &Object<String, Json>,
        namespace: &str,
    ) -> Result<Arc<Avro>, Fault> {
        match kind {
            "array" | "map" => {
                let key = if kind == "array" { "items" } else { "values" };
                let json = object
                    .get(key)
                    .ok_or_else(|| Fault::new(format!("{kind} schema without {key}")))?;
                let inner = self
                    .schema(json, namespace)
                    .map_err(|fault| fault.within(key))?;
                let depth = inner.depth;
                let kind = match key {
                    "items" => Kind::Array(inner),
                    _ => Kind::Map(inner),
                };
                self.make(kind, None, object, depth)
            }
            "record" | "error" | "enum" | "fixed" => self.definition(kind, object, namespace),
            name => self.named(name, namespace, object),
        }
    }

    /// A schema with a name of its own.
    fn definition(
        &mut self,
        kind: &str,
        object: &Object<String, Json>,
        namespace: &str,
    ) -> Result<Arc<Avro>, Fault> {
        let name = object
            .get("name")
            .and_then(Json::as_str)
            .ok_or_else(|| Fault::new(format!("{kind} schema without a name")))?;
        let namespace = object
            .get("namespace")
            .and_then(Json::as_str)
            .unwrap_or(namespace);
        let full = full_name(name, namespace);
        if !full.split('.').all(is_name) {
            return Err(Fault::new(format!("{full:?} is not a name")));
        }
        if self.names.insert(full.clone(), None).is_some() {
            return Err(Fault::new(format!("{full} is defined twice")));
        }
        let inner_namespace = full.rsplit_once('.').map_or("", |(space, _)| space);
        let (kind, depth) = match kind {
            "enum" => (symbols(object)?, 0),
            "fixed" => (fixed(object)?, 0),
            _ => self
                .fields(object, inner_namespace)
                .map_err(|fault| fault.within(name))?,
        };
        let schema = self.make(kind, Some(full.clone()), object, depth)?;
        self.names.insert(full, Some(Arc::clone(&schema)));
        Ok(schema)
    }

    fn fields(
        &mut self,
        object: &Object<String, Json>,
        namespace: &str,
    ) -> Result<(Kind, usize), Fault> {
        let Some(Json::Array(listed)) = object.get("fields") else {
            return Err(Fault::new("record schema without fields"));
        };
        let (mut fields, mut known, mut depth) = (Vec::new(), BTreeSet::new(), 0);
        for field in listed {
            let name = field.get("name").and_then(Json::as_str).unwrap_or("");
            if !is_name(name) {
                return Err(Fault::new(format!("{name:?} is not a field's name")));
            }
            if !known.insert(name) {
                return Err(Fault::new(format!("there are two fields {name}")));
            }
            let json = field
                .get("type")
                .ok_or_else(|| Fault::new("a field has no type").within(name))?;
            let schema = self
                .schema(json, namespace)
                .map_err(|fault| fault.within(name))?;
            depth = depth.max(schema.depth);
            fields.push(AvroField {
                name: name.to_owned(),
                schema,
                default: field.get("default").cloned(),
                doc: field.get("doc").and_then(Json::as_str).map(str::to_owned),
            });
        }
        Ok((Kind::Record(fields), depth))
    }

    fn union(&mut self, listed: &[Json], namespace: &str) -> Result<Arc<Avro>, Fault> {
        let (mut members, mut known, mut depth) = (Vec::new(), BTreeSet::new(), 0);
        for json in listed {
            let member = self.schema(json, namespace)?;
            if matches!(member.kind, Kind::Union(_)) {
                return Err(Fault::new("a union stands in a union"));
            }
            let name = member.name.as_deref().unwrap_or_else(|| member.kind_name());
            if !known.insert(name.to_owned()) {
                return Err(Fault::new(format!("{name} stands twice in a union")));
            }
            depth = depth.max(member.depth);
            members.push(member);
        }
        match members.as_slice() {
            [] => return Err(Fault::new("a union has no members")),
            // As Connect's schemas have it.
            [only] => return Ok(Arc::clone(only)),
            _ => {}
        }
        self.make(Kind::Union(members), None, &Object::new(), depth)
    }
}

fn full_name(name: &str, namespace: &str) -> String {
    if name.contains('.') || namespace.is_empty() {
        name.to_owned()
    } else {
        format!("{namespace}.{name}")
    }
}

fn is_name(name: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.starts_with(is_letter) && name.chars().all(|c| is_letter(c) || c.is_ascii_digit())
}

fn symbols(object: &Object<String, Json>) -> Result<Kind, Fault> {
    let Some(Json::Array(listed)) = object.get("symbols") else {
        return Err(Fault::new("enum schema without symbols"));
    };
    let mut symbols = Vec::new();
    for symbol in listed {
        match symbol.as_str() {
            Some(symbol) if is_name(symbol) => symbols.push(symbol.to_owned()),
            _ => return Err(Fault::new(format!("{symbol} is not a symbol"))),
        }
    }
    let unique: BTreeSet<&String> = symbols.iter().collect();
    if unique.is_empty() || unique.len() < symbols.len() {
        return Err(Fault::new(
            "an enum's symbols are none, or one stands twice",
        ));
    }
    Ok(Kind::Enum(symbols))
}

fn fixed(object: &Object<String, Json>) -> Result<Kind, Fault> {
    let size = object.get("size").and_then(Json::as_u64);
    let size = size.and_then(|size| usize::try_from(size).ok());
    let size = size.ok_or_else(|| Fault::new("fixed schema without a size"))?;
    Ok(Kind::Fixed(size))
}

#[cfg(test)]
mod tests;
