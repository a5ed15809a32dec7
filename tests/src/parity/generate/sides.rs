//! Keys, values and headers: a converter, and bytes that it more or less expects.

use super::{JSON, STRING};
use crate::parity::Choice;
use crate::parity::seed::Random;
use crate::parity::texts;
use crate::parity::transforms::Target;
use crate::parity::tree::{Kind, LEAVES, Node};

/// One side of a record: its converter, its bytes and the fields in it.
pub(super) struct Side {
    pub(super) converter: Choice,
    pub(super) bytes: Option<Vec<u8>>,
    pub(super) target: Target,
}

impl Side {
    pub(super) fn new(converter: Choice, bytes: Option<Vec<u8>>) -> Self {
        Self {
            converter,
            bytes,
            target: Target::default(),
        }
    }
}

/// Text, bytes or nothing.
pub(super) fn plain(random: &mut Random) -> Side {
    let bytes = match random.below(5) {
        0 => None,
        1 => {
            let length = random.below(20);
            Some(random.bytes(length))
        }
        _ => Some(texts::text(random).into_bytes()),
    };
    let encoding = random.word(&["UTF-8", "UTF-8", "utf8", "ISO-8859-1", "US-ASCII"]);
    if random.once_in(2) {
        Side::new(
            Choice::new(STRING, &[("converter.encoding", encoding)]),
            bytes,
        )
    } else {
        Side::new(Choice::new(STRING, &[]), bytes)
    }
}

/// Options of `JsonConverter` that change how values are read or written.
fn json_options(random: &mut Random, choice: &mut Choice) {
    let mut set = |name: &str, value: &str| {
        choice.settings.insert(name.to_owned(), value.to_owned());
    };
    if random.once_in(4) {
        set(
            "decimal.format",
            random.mostly(&["NUMERIC", "BASE64", "numeric"], &["other"]),
        );
    }
    if random.once_in(4) {
        set(
            "replace.null.with.default",
            random.mostly(&["false", "true"], &["no"]),
        );
    }
    if random.once_in(12) {
        set(
            "schemas.cache.size",
            random.mostly(&["10", "1"], &["0", "-1", "x"]),
        );
    }
}

/// JSON without a schema, of any shape.
pub(super) fn schemaless(random: &mut Random) -> Side {
    let mut converter = Choice::new(JSON, &[("schemas.enable", "false")]);
    if random.once_in(6) {
        json_options(random, &mut converter);
    }
    let document = texts::json(random, 3);
    let bytes = match random.below(10) {
        0 => None,
        1 => Some(Vec::new()),
        2..=4 => Some(texts::damaged(random, &document)),
        _ => Some(document.into_bytes()),
    };
    Side::new(converter, bytes)
}

/// JSON in an envelope, or what is meant to be one.
pub(super) fn envelope(random: &mut Random) -> Side {
    let mut converter = Choice::new(JSON, &[]);
    json_options(random, &mut converter);
    let tree = Node::random(random, 3);
    let wild = *random.pick(&[0, 0, 6, 12]);
    let mut document = tree.envelope(random, wild);
    if random.once_in(8) {
        converter
            .settings
            .insert("schema.content".to_owned(), tree.schema(None));
        document = tree.payload(random, wild);
    }
    let bytes = match random.below(16) {
        0 => None,
        1 => Some(Vec::new()),
        2 => Some(texts::damaged(random, &document)),
        3 => Some(misdescribed(random, &document).into_bytes()),
        4 => Some(texts::json(random, 2).into_bytes()),
        _ => Some(document.into_bytes()),
    };
    Side::new(converter, bytes)
}

/// An envelope whose schema or frame is not as it should be.
fn misdescribed(random: &mut Random, document: &str) -> String {
    let (from, to) = *random.pick(&[
        ("\"type\":\"string\"", "\"type\":\"strong\""),
        ("\"type\":", "\"typ\":"),
        ("\"optional\":true", "\"optional\":\"yes\""),
        ("\"optional\":true", "\"optional\":null"),
        ("\"items\":", "\"item\":"),
        ("\"keys\":", "\"key\":"),
        ("\"values\":", "\"value\":"),
        ("\"fields\":", "\"felder\":"),
        ("\"fields\":[", "\"fields\":[7,"),
        ("\"field\":", "\"named\":"),
        ("\"version\":1", "\"version\":\"1\""),
        ("\"scale\":\"", "\"scale\":\"x"),
        ("\"parameters\":{", "\"parameters\":{\"n\":1,"),
        ("\"type\":\"struct\"", "\"type\":5"),
        ("{\"schema\":{", "{\"schema\":{\"type\":\"int32\","),
        ("{\"schema\":", "{\"more\":1,\"schema\":"),
        ("{\"schema\":", "{\"schemas\":"),
        ("\"payload\":", "\"load\":"),
        ("{\"schema\":", "[{\"schema\":"),
    ]);
    document.replacen(from, to, 1)
}

/// A number of fixed width, of the right size or another.
pub(super) fn fixed(random: &mut Random) -> Side {
    let (name, size) = *random.pick(&FIXED);
    let class = format!("org.apache.kafka.connect.converters.{name}Converter");
    let bytes = match random.below(8) {
        0 => None,
        1 => {
            let length = random.below(10);
            Some(random.bytes(length))
        }
        2 => Some(vec![*random.pick(&[0, 1, 0x7f, 0x80, 0xff]); size]),
        _ if size == 1 => Some(vec![u8::try_from(random.below(3)).unwrap_or(0)]),
        _ => Some(random.bytes(size)),
    };
    Side::new(Choice::new(&class, &[]), bytes)
}

/// A document for transformations: mostly a right one.
pub(super) fn document(random: &mut Random) -> Side {
    if random.once_in(12) {
        return plain(random);
    }
    let mut tree = if random.once_in(8) {
        Node::random(random, 1)
    } else {
        Node::structure(random, 2)
    };
    if let Kind::Struct(fields) = &mut tree.kind
        && random.once_in(3)
    {
        fields.retain(|(name, _)| name != "ts");
        let kinds = ["string", "int64", "int32"].map(Kind::Primitive);
        let dates = LEAVES.get(9..12).unwrap_or_default();
        let kind = random.pick(&[&kinds, dates].concat()).clone();
        fields.push((
            "ts".to_owned(),
            Node {
                optional: random.once_in(2),
                ..Node::of(kind)
            },
        ));
    }
    let target = Target {
        paths: tree.paths(),
    };
    let wild = if random.once_in(10) { 6 } else { 0 };
    let has_schema = random.once_in(2);
    let bytes = if random.once_in(12) {
        None
    } else if has_schema {
        Some(tree.envelope(random, wild).into_bytes())
    } else {
        Some(tree.payload(random, wild).into_bytes())
    };
    let flag = if has_schema { "true" } else { "false" };
    let converter = Choice::new(JSON, &[("schemas.enable", flag)]);
    Side {
        converter,
        bytes,
        target,
    }
}

/// Converters of numbers, each with the size that it wants.
const FIXED: [(&str, usize); 7] = [
    ("ByteArray", 4),
    ("Boolean", 1),
    ("Short", 2),
    ("Integer", 4),
    ("Long", 8),
    ("Float", 4),
    ("Double", 8),
];
