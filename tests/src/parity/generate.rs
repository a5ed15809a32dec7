//! Cases from a seed: the number of a case chooses its family, the seed the rest.

use super::predicates;
use super::seed::Random;
use super::texts;
use super::transforms::{self, PACKAGE, Target};
use super::tree::{Kind, LEAVES, Node};
use super::{Case, Choice, RawRecord, Settings};

/// The class of `JsonConverter`.
pub const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";
/// The class of `StringConverter`.
pub const STRING: &str = "org.apache.kafka.connect.storage.StringConverter";
/// The class of `SimpleHeaderConverter`.
pub const SIMPLE: &str = "org.apache.kafka.connect.storage.SimpleHeaderConverter";

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

/// Case `number` of a run.
pub fn case(random: &mut Random, number: usize) -> Case {
    match number % 12 {
        0 | 1 => converters(random, schemaless),
        2 | 3 => converters(random, envelope),
        4 => headers(random),
        5 => primitives(random),
        6 if number % 24 == 6 => cast_pair(random, number / 24),
        6 => instant_pair(random, number / 24),
        11 => transformed(random, number / 12, 1 + number / 12 % 4),
        _ => transformed(random, number / 12 * 4 + number % 12, 1),
    }
}

/// One side of a record: its converter, its bytes and the fields in it.
struct Side {
    converter: Choice,
    bytes: Option<Vec<u8>>,
    target: Target,
}

impl Side {
    fn new(converter: Choice, bytes: Option<Vec<u8>>) -> Self {
        Self {
            converter,
            bytes,
            target: Target::default(),
        }
    }
}

fn record(random: &mut Random, key: Side, value: Side, transforms: Settings) -> Case {
    let topic = random.word(&["orders", "orders-1", "payments-12", "a.b_c", "Ünï"]);
    let count = random.below(4);
    Case {
        key: key.converter,
        value: value.converter,
        header: Choice::new(SIMPLE, &[]),
        transforms,
        record: RawRecord {
            topic: topic.to_owned(),
            partition: i32::try_from(random.below(50)).unwrap_or(0),
            offset: random.signed() & i64::MAX,
            timestamp: if random.once_in(6) {
                None
            } else {
                Some(texts::instant(random))
            },
            key: key.bytes,
            value: value.bytes,
            headers: (0..count)
                .map(|_| (transforms::header_name(random), texts::header(random)))
                .collect(),
        },
    }
}

/// Text, bytes or nothing.
fn plain(random: &mut Random) -> Side {
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
fn schemaless(random: &mut Random) -> Side {
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
fn envelope(random: &mut Random) -> Side {
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

/// Converters alone: what they read, and how they write it again.
fn converters(random: &mut Random, make: fn(&mut Random) -> Side) -> Case {
    let key = if random.once_in(3) {
        make(random)
    } else {
        plain(random)
    };
    let value = make(random);
    record(random, key, value, Settings::new())
}

fn fixed(random: &mut Random) -> Side {
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

/// Converters of numbers, as the converters of headers too.
fn primitives(random: &mut Random) -> Case {
    let (key, value, header) = (fixed(random), fixed(random), fixed(random));
    let mut case = record(random, key, value, Settings::new());
    if random.once_in(2) {
        case.header = header.converter;
        case.record.headers = vec![("h".to_owned(), header.bytes)];
    }
    case
}

/// Headers: what is guessed from their text, and what other converters make of them.
fn headers(random: &mut Random) -> Case {
    let (key, value) = (plain(random), plain(random));
    let mut case = record(random, key, value, Settings::new());
    let count = 1 + random.below(6);
    case.record.headers = (0..count)
        .map(|_| (transforms::header_name(random), texts::header(random)))
        .collect();
    if random.once_in(4) {
        let side = if random.once_in(2) {
            schemaless(random)
        } else {
            envelope(random)
        };
        case.header = if random.once_in(4) {
            Choice::new(STRING, &[])
        } else {
            side.converter
        };
        case.record.headers.push(("h".to_owned(), side.bytes));
    }
    case
}

/// A document for transformations: mostly a right one.
fn document(random: &mut Random) -> Side {
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

/// A record through `count` transformations, the first of which the case's number chooses.
fn transformed(random: &mut Random, number: usize, count: usize) -> Case {
    let on_key = random.once_in(2);
    let key = if on_key {
        document(random)
    } else {
        plain(random)
    };
    let value = document(random);
    let mut settings = Settings::new();
    let aliases: Vec<String> = (0..count).map(|at| format!("t{at}")).collect();
    settings.insert("transforms".to_owned(), aliases.join(","));
    for (at, alias) in aliases.iter().enumerate() {
        let chosen = if at == 0 {
            number
        } else {
            random.below(transforms::CLASSES.len())
        };
        let class = transforms::CLASSES
            .get(chosen % transforms::CLASSES.len())
            .unwrap_or(&"Filter");
        let on_key = class.ends_with('$') && on_key && (at == 0 || random.once_in(2));
        let target = if on_key { &key.target } else { &value.target };
        for (name, value) in transforms::settings(random, class, target) {
            settings.insert(format!("transforms.{alias}.{name}"), value);
        }
        let side = match (class.ends_with('$'), on_key) {
            (false, _) => "",
            (true, true) => "Key",
            (true, false) => "Value",
        };
        settings.insert(
            format!("transforms.{alias}.type"),
            format!("{PACKAGE}{class}{side}"),
        );
        let is_filter = *class == "Filter";
        if random.once_in(if is_filter { 1 } else { 5 }) {
            add_predicate(random, alias, &mut settings);
        }
    }
    record(random, key, value, settings)
}

fn add_predicate(random: &mut Random, alias: &str, settings: &mut Settings) {
    let class = *random.pick(&predicates::CLASSES);
    let name = format!("p{alias}");
    for (option, value) in predicates::settings(random, class) {
        settings.insert(format!("predicates.{name}.{option}"), value);
    }
    settings.insert(
        format!("predicates.{name}.type"),
        format!("{PACKAGE}{class}"),
    );
    settings.insert("predicates".to_owned(), name.clone());
    settings.insert(format!("transforms.{alias}.predicate"), name);
    if random.once_in(2) {
        let negate = random.word(&["true", "true", "false"]);
        settings.insert(format!("transforms.{alias}.negate"), negate.to_owned());
    }
}

/// Each kind of value cast to each type, by turns.
fn cast_pair(random: &mut Random, number: usize) -> Case {
    let leaf = LEAVES
        .get(number % LEAVES.len())
        .cloned()
        .unwrap_or(Kind::Decimal(0));
    let to = transforms::CAST_TYPES
        .get(number / LEAVES.len() % 8)
        .copied()
        .unwrap_or("string");
    let mut node = Node::of(leaf);
    node.optional = random.once_in(4);
    let is_whole = random.once_in(3);
    let (tree, spec) = if is_whole {
        (node, to.to_owned())
    } else {
        (Node::wrapping("a", node), format!("a:{to}"))
    };
    let has_schema = !random.once_in(3);
    let document = if has_schema {
        tree.envelope(random, 0)
    } else {
        tree.payload(random, 0)
    };
    let flag = if has_schema { "true" } else { "false" };
    let value = Side::new(
        Choice::new(JSON, &[("schemas.enable", flag)]),
        Some(document.into_bytes()),
    );
    let settings = [
        ("transforms", "cast".to_owned()),
        ("transforms.cast.type", format!("{PACKAGE}Cast$Value")),
        ("transforms.cast.spec", spec),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value));
    let key = plain(random);
    record(random, key, value, Settings::from(settings))
}

/// Each form of an instant converted to each other, by turns.
fn instant_pair(random: &mut Random, number: usize) -> Case {
    let (format, examples) = *random.pick(&texts::FORMATS);
    let target = ["string", "unix", "Date", "Time", "Timestamp"];
    let target = target.get(number % 5).copied().unwrap_or("unix");
    let leaf = [
        Kind::Primitive("string"),
        Kind::Primitive("int64"),
        Kind::Logical("Date", "int32"),
        Kind::Logical("Time", "int32"),
        Kind::Logical("Timestamp", "int64"),
    ];
    let leaf = leaf
        .get(number / 5 % 5)
        .cloned()
        .unwrap_or(Kind::Decimal(0));
    let payload = match &leaf {
        Kind::Primitive("string") => {
            let example = random.word(examples);
            texts::quoted(random, example)
        }
        Kind::Primitive(_) => {
            let scale = *random.pick(&[1, 1_000, 1_000_000]);
            texts::instant(random).saturating_mul(scale).to_string()
        }
        _ => Node::of(leaf.clone()).payload(random, 0),
    };
    let (schema, payload) = if random.once_in(3) {
        (Node::of(leaf).schema(None), payload)
    } else {
        let tree = Node::wrapping("ts", Node::of(leaf));
        (tree.schema(None), format!("{{\"ts\":{payload}}}"))
    };
    let has_schema = !random.once_in(3);
    let document = if has_schema {
        format!("{{\"schema\":{schema},\"payload\":{payload}}}")
    } else {
        payload.clone()
    };
    let flag = if has_schema { "true" } else { "false" };
    let json = Choice::new(JSON, &[("schemas.enable", flag)]);
    let is_whole = !payload.starts_with('{');
    let precision = random.word(&["seconds", "milliseconds", "microseconds", "nanoseconds"]);
    let settings = [
        ("transforms", "at"),
        (
            "transforms.at.type",
            &format!("{PACKAGE}TimestampConverter$Value"),
        ),
        ("transforms.at.field", if is_whole { "" } else { "ts" }),
        ("transforms.at.target.type", target),
        ("transforms.at.format", format),
        ("transforms.at.unix.precision", precision),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let key = plain(random);
    let value = Side::new(json, Some(document.into_bytes()));
    record(random, key, value, Settings::from(settings))
}
