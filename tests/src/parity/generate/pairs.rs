//! Pairs that chance would meet too rarely: each kind of value beside each type that it can become.

use super::sides::{Side, plain};
use super::{JSON, record};
use crate::parity::seed::Random;
use crate::parity::texts;
use crate::parity::transforms::{self, PACKAGE};
use crate::parity::tree::{Kind, LEAVES, Node};
use crate::parity::{Case, Choice, Settings};

/// Each kind of value cast to each type, by turns.
pub(super) fn cast_pair(random: &mut Random, number: usize) -> Case {
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
pub(super) fn instant_pair(random: &mut Random, number: usize) -> Case {
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
