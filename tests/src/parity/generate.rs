//! Cases from a seed: the number of a case chooses its family, the seed the rest.

mod pairs;
mod sides;

use self::pairs::{cast_pair, instant_pair};
use self::sides::{Side, document, envelope, fixed, plain, schemaless};
use super::predicates;
use super::seed::Random;
use super::texts;
use super::transforms::{self, PACKAGE};
use super::{Case, Choice, RawRecord, Settings};

/// The class of `JsonConverter`.
pub const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";
/// The class of `StringConverter`.
pub const STRING: &str = "org.apache.kafka.connect.storage.StringConverter";
/// The class of `SimpleHeaderConverter`.
pub const SIMPLE: &str = "org.apache.kafka.connect.storage.SimpleHeaderConverter";

/// Every converter that is built in.
pub const CONVERTERS: [&str; 10] = [
    "org.apache.kafka.connect.converters.BooleanConverter",
    "org.apache.kafka.connect.converters.ByteArrayConverter",
    "org.apache.kafka.connect.converters.DoubleConverter",
    "org.apache.kafka.connect.converters.FloatConverter",
    "org.apache.kafka.connect.converters.IntegerConverter",
    "org.apache.kafka.connect.converters.LongConverter",
    "org.apache.kafka.connect.converters.ShortConverter",
    JSON,
    STRING,
    SIMPLE,
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
            // The very last offset has none after it, so that no batch ends there.
            offset: (random.signed() & i64::MAX).min(i64::MAX - 1),
            timestamp: if random.once_in(6) {
                None
            } else {
                // A worker fails on a record with a timestamp before 1970 before it converts it.
                Some(texts::instant(random).saturating_abs())
            },
            key: key.bytes,
            value: value.bytes,
            headers: (0..count)
                .map(|_| (transforms::header_name(random), texts::header(random)))
                .collect(),
        },
    }
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
