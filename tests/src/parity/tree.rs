//! JSON documents that are described by a tree: the tree writes itself as a Connect schema and writes payloads, right ones
//! and wrong ones.

use std::fmt::Write;

use super::seed::Random;
use super::texts;

/// Names of fields: few, so that settings often meet them.
pub const NAMES: [&str; 16] = [
    "a", "b", "c", "id", "name", "ts", "amount", "flag", "nested", "list", "x.y", "ü", "a b", "`t",
    "schema", "payload",
];

/// What stands at a place in a document.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its kind.
    pub kind: Kind,
    /// Whether null is right.
    pub optional: bool,
    /// The schema's `default`, as JSON.
    pub default: Option<String>,
    /// Further members of the schema, as JSON that starts with a comma.
    pub extra: String,
}

/// The kinds of values that JSON schemas know.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A primitive by its name in schemas.
    Primitive(&'static str),
    /// A logical type by the last part of its name, over a primitive.
    Logical(&'static str, &'static str),
    /// A decimal with a scale.
    Decimal(i32),
    /// An array.
    Array(Box<Node>),
    /// A map.
    Map(Box<Node>, Box<Node>),
    /// A struct.
    Struct(Vec<(String, Node)>),
}

/// Every kind without others inside.
pub const LEAVES: [Kind; 13] = [
    Kind::Primitive("int8"),
    Kind::Primitive("int16"),
    Kind::Primitive("int32"),
    Kind::Primitive("int64"),
    Kind::Primitive("float"),
    Kind::Primitive("double"),
    Kind::Primitive("boolean"),
    Kind::Primitive("string"),
    Kind::Primitive("bytes"),
    Kind::Logical("Date", "int32"),
    Kind::Logical("Time", "int32"),
    Kind::Logical("Timestamp", "int64"),
    Kind::Decimal(2),
];

impl Node {
    /// A required node without more.
    #[must_use]
    pub fn of(kind: Kind) -> Self {
        Self {
            kind,
            optional: false,
            default: None,
            extra: String::new(),
        }
    }

    /// A struct of one field.
    #[must_use]
    pub fn wrapping(name: &str, inner: Self) -> Self {
        Self::of(Kind::Struct(vec![(name.to_owned(), inner)]))
    }

    /// A struct with random fields, at most `depth` levels of nesting.
    pub fn structure(random: &mut Random, depth: usize) -> Self {
        let mut fields: Vec<(String, Self)> = Vec::new();
        for _ in 0..random.below(6) {
            let name = random.word(&NAMES).to_owned();
            if fields.iter().all(|(known, _)| *known != name) {
                fields.push((name, Self::random(random, depth)));
            }
        }
        Self::of(Kind::Struct(fields)).adorned(random)
    }

    /// Any node.
    pub fn random(random: &mut Random, depth: usize) -> Self {
        let node = match random.below(if depth == 0 { 8 } else { 12 }) {
            0..=6 => Self::of(random.pick(&LEAVES).clone()),
            7 => Self::of(Kind::Decimal(
                i32::try_from(random.below(12)).unwrap_or(0) - 3,
            )),
            8 => Self::of(Kind::Array(Box::new(Self::random(random, depth - 1)))),
            9 => {
                let keys = if random.once_in(3) {
                    Self::of(key(random))
                } else {
                    Self::of(Kind::Primitive("string"))
                };
                let values = Self::random(random, depth - 1);
                Self::of(Kind::Map(Box::new(keys), Box::new(values)))
            }
            _ => Self::structure(random, depth - 1),
        };
        node.adorned(random)
    }

    /// With the schema's further members, now and then.
    fn adorned(mut self, random: &mut Random) -> Self {
        // Java refuses every default of a struct; a few are enough.
        let is_leaf = matches!(
            self.kind,
            Kind::Primitive(_) | Kind::Logical(..) | Kind::Decimal(_)
        );
        if random.once_in(if is_leaf { 4 } else { 60 }) {
            self.default = Some(self.payload(random, 0));
        }
        self.optional = random.once_in(2);
        let is_logical = matches!(self.kind, Kind::Logical(..) | Kind::Decimal(_));
        if !is_logical && random.once_in(8) {
            self.extra.push_str(",\"name\":\"com.example.Thing\"");
        }
        if !is_logical && random.once_in(8) {
            let _ = write!(self.extra, ",\"version\":{}", random.below(5));
        }
        if random.once_in(8) {
            self.extra.push_str(",\"doc\":\"what it is\"");
        }
        if !matches!(self.kind, Kind::Decimal(_)) && random.once_in(10) {
            self.extra
                .push_str(",\"parameters\":{\"p\":\"1\",\"q\":\"zwei\"}");
        }
        self
    }

    /// The schema as JSON, for the field of this name of a struct.
    #[must_use]
    pub fn schema(&self, field: Option<&str>) -> String {
        let inner = match &self.kind {
            Kind::Primitive(name) => format!("\"type\":\"{name}\""),
            Kind::Logical(name, base) => format!(
                "\"type\":\"{base}\",\"name\":\"org.apache.kafka.connect.data.{name}\",\"version\":1"
            ),
            Kind::Decimal(scale) => format!(
                "\"type\":\"bytes\",\"name\":\"org.apache.kafka.connect.data.Decimal\",\"version\":1,\"parameters\":{{\"scale\":\"{scale}\"}}"
            ),
            Kind::Array(items) => format!("\"type\":\"array\",\"items\":{}", items.schema(None)),
            Kind::Map(keys, values) => format!(
                "\"type\":\"map\",\"keys\":{},\"values\":{}",
                keys.schema(None),
                values.schema(None)
            ),
            Kind::Struct(fields) => {
                let fields: Vec<String> = fields
                    .iter()
                    .map(|(name, node)| node.schema(Some(name)))
                    .collect();
                format!("\"type\":\"struct\",\"fields\":[{}]", fields.join(","))
            }
        };
        let optional = if self.optional {
            ",\"optional\":true"
        } else {
            ""
        };
        let default = self
            .default
            .as_ref()
            .map_or_else(String::new, |text| format!(",\"default\":{text}"));
        let field = field.map_or_else(String::new, |name| {
            format!(",\"field\":{}", serde_json::Value::from(name))
        });
        format!("{{{inner}{optional}{default}{}{field}}}", self.extra)
    }

    /// A payload as JSON; where `wild` is above 0, something is wrong with one node in as many.
    pub fn payload(&self, random: &mut Random, wild: usize) -> String {
        if wild > 0 && random.once_in(wild) {
            return texts::json(random, 1);
        }
        if self.optional && random.once_in(4) || self.default.is_some() && random.once_in(4) {
            return "null".to_owned();
        }
        match &self.kind {
            Kind::Primitive(name) => primitive(random, name),
            Kind::Logical("Timestamp", _) => texts::instant(random).to_string(),
            Kind::Logical("Time", _) => random.below(86_400_000).to_string(),
            Kind::Logical(..) => (random.signed() % 40_000).to_string(),
            Kind::Decimal(_) if random.once_in(3) => texts::number(random),
            Kind::Decimal(_) => {
                let length = 1 + random.below(9);
                texts::base64(&random.bytes(length))
            }
            Kind::Array(items) => {
                let count = random.below(4);
                let items: Vec<String> = (0..count).map(|_| items.payload(random, wild)).collect();
                format!("[{}]", items.join(","))
            }
            Kind::Map(keys, values) => map(random, wild, keys, values),
            Kind::Struct(fields) => {
                let mut members = Vec::new();
                for (name, node) in fields {
                    let is_left_out = wild > 0 && random.once_in(wild)
                        || (node.optional || node.default.is_some()) && random.once_in(6);
                    if !is_left_out {
                        let name = texts::quoted(random, name);
                        members.push(format!("{name}:{}", node.payload(random, wild)));
                    }
                }
                if wild > 0 && random.once_in(wild) {
                    members.push(format!("\"unknown\":{}", texts::json(random, 1)));
                }
                format!("{{{}}}", members.join(","))
            }
        }
    }

    /// The envelope that `schemas.enable=true` wants.
    pub fn envelope(&self, random: &mut Random, wild: usize) -> String {
        let payload = self.payload(random, wild);
        format!("{{\"schema\":{},\"payload\":{payload}}}", self.schema(None))
    }

    /// The ways to every field, top level first.
    #[must_use]
    pub fn paths(&self) -> Vec<Vec<String>> {
        let mut paths = Vec::new();
        if let Kind::Struct(fields) = &self.kind {
            paths.extend(fields.iter().map(|(name, _)| vec![name.clone()]));
            for (name, node) in fields {
                for mut below in node.paths() {
                    below.insert(0, name.clone());
                    paths.push(below);
                }
            }
        }
        paths
    }
}

/// The kind of a map's keys. Bytes are no good as keys in Java, where each array stands for itself alone.
fn key(random: &mut Random) -> Kind {
    let kind = random.pick(&LEAVES).clone();
    match kind {
        Kind::Primitive("bytes") => Kind::Primitive("string"),
        other => other,
    }
}

fn primitive(random: &mut Random, name: &str) -> String {
    match name {
        "boolean" => random.word(&["true", "false"]).to_owned(),
        "string" => {
            let text = texts::text(random);
            texts::quoted(random, &text)
        }
        "bytes" => {
            let length = random.below(7);
            texts::base64(&random.bytes(length))
        }
        "float" | "double" => texts::number(random),
        "int8" => (random.signed() % 128).to_string(),
        "int16" => (random.signed() % 32_768).to_string(),
        "int32" => (random.signed() % 2_147_483_648).to_string(),
        _ => random.signed().to_string(),
    }
}

/// An object where the keys are strings, else an array of pairs.
fn map(random: &mut Random, wild: usize, keys: &Node, values: &Node) -> String {
    let count = random.below(4);
    if matches!(keys.kind, Kind::Primitive("string")) && !keys.optional {
        let members: Vec<String> = (0..count)
            .map(|_| {
                let key = texts::text(random);
                let key = texts::quoted(random, &key);
                format!("{key}:{}", values.payload(random, wild))
            })
            .collect();
        return format!("{{{}}}", members.join(","));
    }
    let pairs: Vec<String> = (0..count)
        .map(|_| {
            let key = keys.payload(random, wild);
            format!("[{key},{}]", values.payload(random, wild))
        })
        .collect();
    format!("[{}]", pairs.join(","))
}
