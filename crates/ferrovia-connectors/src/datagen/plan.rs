//! How values are made: a schema with its `arg.properties`, compiled once.
//!
//! A record is made by one walk over the plan. Options and texts that are known beforehand are borrowed from it.
//!
//! # Source
//! `io.confluent.avro.random.generator.Generator`

mod compile;
mod count;
mod nested;
mod options;
mod properties;
mod regex;

use ferrovia_pipeline::data::{Decimal, Schema, Value};

use self::count::Count;
use self::nested::{Nested, borrowed};
use self::regex::{Lengths, Regex};
use super::avro::value::{Whole, narrowed};
use super::avro::{Avro, Fault};

/// A compiled schema.
#[derive(Debug)]
pub(super) struct Plan {
    /// Of the records.
    pub(super) schema: Schema,
    /// How many values and characters a record may have at most.
    pub(super) units_max: usize,
    root: Node,
    counts: Vec<Count>,
}

/// What changes from record to record.
#[derive(Debug)]
pub(super) struct State {
    pub(super) rng: fastrand::Rng,
    counts: Vec<Count>,
}

/// How one value is made.
#[derive(Debug)]
enum Node {
    Null,
    /// True this often.
    Truth(f64),
    Whole(Numbers, Whole),
    Float32(f64, f64),
    Float64(f64, f64),
    /// Decimals of up to 18 digits.
    Decimal(Numbers, i32),
    /// Decimals of so many digits, at that scale.
    Digits(usize, i32),
    Options(Vec<Value<'static>>),
    Count {
        slot: usize,
        whole: Whole,
    },
    /// A count in a text.
    Numbered {
        slot: usize,
        ends: Ends,
    },
    Bytes(Span),
    Ascii(Span, Ends),
    Regex(Regex, Lengths, Ends),
    Nested(Nested),
}

/// Whole numbers from the first on; as many as there are with 64 bits if that is 0.
#[derive(Clone, Copy, Debug)]
struct Numbers {
    first: i64,
    count: u64,
}

impl Numbers {
    /// From `min` up to `max`, which is not one of them.
    fn between(min: i64, max: i64) -> Self {
        Self {
            first: min,
            count: max.wrapping_sub(min).cast_unsigned(),
        }
    }

    #[inline]
    fn pick(self, rng: &mut fastrand::Rng) -> i64 {
        let nth = match self.count {
            0 => rng.u64(..),
            count => rng.u64(..count),
        };
        self.first.wrapping_add(nth.cast_signed())
    }
}

/// A length from `min` up to `max`, which is not one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    min: usize,
    max: usize,
}

impl Span {
    /// The longest there is.
    fn longest(self) -> usize {
        self.max.saturating_sub(1).max(self.min)
    }

    fn pick(self, rng: &mut fastrand::Rng) -> usize {
        rng.usize(self.min..self.max.max(self.min + 1))
    }
}

/// What stands before and behind a text.
#[derive(Clone, Debug, Default)]
struct Ends {
    prefix: String,
    suffix: String,
}

impl Plan {
    /// Compiles the schema of records; counts go on behind as many records as were made before.
    pub(super) fn compile(avro: &Avro, made: i64) -> Result<Self, Fault> {
        compile::compile(avro, made)
    }

    /// Where it begins.
    pub(super) fn state(&self, seed: u64) -> State {
        State {
            rng: fastrand::Rng::with_seed(seed),
            counts: self.counts.clone(),
        }
    }

    /// The next record, a struct.
    #[inline]
    pub(super) fn next(&self, state: &mut State) -> Value<'_> {
        self.root.make(state)
    }
}

impl Node {
    #[inline]
    fn make(&self, state: &mut State) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Truth(odds) => Value::Boolean(state.rng.f64() < *odds),
            Self::Whole(numbers, whole) => whole.value(numbers.pick(&mut state.rng)),
            Self::Float32(min, max) => {
                let number = narrowed(between(*min, *max, state.rng.f64()));
                let is_within = f64::from(number) < *max;
                Value::Float32(if is_within { number } else { narrowed(*min) })
            }
            Self::Float64(min, max) => Value::Float64(between(*min, *max, state.rng.f64())),
            Self::Decimal(numbers, scale) => {
                Value::decimal(Decimal::new(numbers.pick(&mut state.rng), *scale))
            }
            Self::Digits(precision, scale) => digits(*precision, *scale, &mut state.rng),
            Self::Options(options) => {
                let nth = state.rng.usize(..options.len().max(1));
                options.get(nth).map_or(Value::Null, borrowed)
            }
            Self::Bytes(length) => {
                let mut bytes = vec![0; length.pick(&mut state.rng)];
                state.rng.fill(&mut bytes);
                Value::Bytes(bytes.into())
            }
            Self::Ascii(length, ends) => {
                let length = length.pick(&mut state.rng);
                ends.around(|text| ascii(text, length, &mut state.rng))
            }
            Self::Regex(regex, lengths, ends) => {
                ends.around(|text| regex.write(text, *lengths, &mut state.rng))
            }
            Self::Count { slot, whole } => match state.counts.get_mut(*slot) {
                Some(count) => count.next(*whole),
                None => Value::Null,
            },
            Self::Numbered { slot, ends } => match state.counts.get_mut(*slot) {
                Some(Count::Whole(count)) => {
                    let Ends { prefix, suffix } = ends;
                    Value::String(format!("{prefix}{}{suffix}", count.next()).into())
                }
                _ => Value::Null,
            },
            Self::Nested(nested) => nested.make(state),
        }
    }
}

impl Ends {
    fn around(&self, write: impl FnOnce(&mut String)) -> Value<'static> {
        let mut text = self.prefix.clone();
        write(&mut text);
        text.push_str(&self.suffix);
        Value::String(text.into())
    }

    fn len(&self) -> usize {
        self.prefix.len().saturating_add(self.suffix.len())
    }
}

/// Appends so many characters, nine of each random number.
fn ascii(text: &mut String, count: usize, rng: &mut fastrand::Rng) {
    text.reserve(count);
    let mut left = count;
    while left > 0 {
        let mut bits = rng.u64(..);
        for _ in 0..left.min(9) {
            let [low, ..] = bits.to_le_bytes();
            text.push(char::from(low & 0x7f));
            bits >>= 7;
        }
        left = left.saturating_sub(9);
    }
}

/// The number that far on the way from `min` to `max`, which it never reaches.
fn between(min: f64, max: f64, part: f64) -> f64 {
    let width = max - min;
    let number = if width.is_finite() {
        min + part * width
    } else {
        min * (1.0 - part) + max * part
    };
    if number < max { number } else { min }
}

/// A decimal of as many digits or fewer, of either sign.
fn digits(precision: usize, scale: i32, rng: &mut fastrand::Rng) -> Value<'static> {
    let mut text = String::with_capacity(precision + 1);
    if rng.bool() {
        text.push('-');
    }
    text.extend((0..precision).map(|_| rng.digit(10)));
    let mut decimal = Decimal::parse(&text).unwrap_or_else(|| Decimal::new(0, 0));
    decimal.scale = scale;
    Value::decimal(decimal)
}

#[cfg(test)]
mod tests;
