//! Compiles a schema to a plan.

use std::collections::BTreeMap;

use ferrovia_pipeline::data::{Schema, SchemaType, Value, logical};
use serde_json::Value as Json;

use super::count::{Count, RealCount, WholeCount};
use super::nested::Nested;
use super::options::options;
use super::properties::{Properties, real_iteration, truth_iteration, whole_iteration};
use super::regex::{CHARS_MAX, Lengths, Regex, STEPS_MAX};
use super::{Ends, Node, Numbers, Plan, Span};
use crate::datagen::avro::connect::{is_decimal, schema_of};
use crate::datagen::avro::value::Whole;
use crate::datagen::avro::{Avro, AvroField, Fault, Kind};

/// How many values and characters a record may have.
const UNITS_MAX: usize = 1 << 20;
/// What the JSON of all options may take, each as often as its schema is used.
const OPTIONS_BYTES_MAX: usize = 64 << 20;
/// The most digits of a decimal.
const PRECISION_MAX: i64 = 1_000;
/// The most digits of a decimal whose digits fit into a long.
const PRECISION_OF_LONG: u32 = 18;

const INTS: (i64, i64) = (i32::MIN as i64, i32::MAX as i64);
const LONGS: (i64, i64) = (i64::MIN, i64::MAX);

pub(super) fn compile(avro: &Avro, made: i64) -> Result<Plan, Fault> {
    if !matches!(avro.kind, Kind::Record(_)) {
        return Err(Fault::new(format!("{} is not a record", avro.kind_name())));
    }
    let schema = schema_of(avro)?;
    let mut compiler = Compiler {
        made,
        counts: Vec::new(),
        slots: BTreeMap::new(),
        option_bytes: OPTIONS_BYTES_MAX,
    };
    let name = avro.member_name();
    let root = compiler
        .node(avro, &schema)
        .map_err(|fault| fault.within(name))?;
    let units_max = root.units();
    if units_max > UNITS_MAX {
        return Err(Fault::new(format!(
            "a record may have more than {UNITS_MAX} values and characters"
        )));
    }
    Ok(Plan {
        schema,
        units_max,
        root,
        counts: compiler.counts,
    })
}

struct Compiler {
    made: i64,
    counts: Vec<Count>,
    /// Counts by the schemas that they belong to: a named one that is used twice counts on.
    slots: BTreeMap<usize, usize>,
    option_bytes: usize,
}

impl Compiler {
    fn node(&mut self, avro: &Avro, schema: &Schema) -> Result<Node, Fault> {
        if let Some(member) = avro.beside_null() {
            return Ok(Node::Nested(Nested::Optional(Box::new(
                self.node(member, schema)?,
            ))));
        }
        let properties = Properties::of(avro)?;
        if let Some(json) = properties.alone("options")? {
            let values = options(avro, schema, json, &mut self.option_bytes)?;
            return Ok(Node::Options(values));
        }
        if let Some(json) = properties.alone("iteration")? {
            return self.count(avro, schema, json);
        }
        Ok(match &avro.kind {
            Kind::Null => Node::Null,
            Kind::Boolean => Node::Truth(properties.odds()?),
            Kind::Int => whole(schema, properties, INTS)?,
            Kind::Long => whole(schema, properties, LONGS)?,
            Kind::Float => {
                let (min, max) = properties
                    .real_range(f32::MAX.into())?
                    .unwrap_or((0.0, 1.0));
                Node::Float32(min, max)
            }
            Kind::Double => {
                let (min, max) = properties.real_range(f64::MAX)?.unwrap_or((0.0, 1.0));
                Node::Float64(min, max)
            }
            Kind::String => text(properties)?,
            Kind::Enum(symbols) => {
                let symbols = symbols.iter().cloned();
                Node::Options(symbols.map(|symbol| Value::String(symbol.into())).collect())
            }
            Kind::Bytes | Kind::Fixed(_) if schema.name() == Some(logical::DECIMAL) => {
                decimal(avro, schema, properties)?
            }
            Kind::Bytes => Node::Bytes(properties.length()?),
            Kind::Fixed(size) => Node::Bytes(Span {
                min: *size,
                max: size.saturating_add(1),
            }),
            Kind::Array(items) => {
                let items = self.inner(items, schema, "items")?;
                Node::Nested(Nested::Array(properties.length()?, items))
            }
            Kind::Map(values) => self.map(values, schema, properties)?,
            Kind::Record(fields) => self.record(fields, schema)?,
            Kind::Union(members) => {
                let others = members.iter().filter(|member| !member.is_null());
                let nodes = others
                    .zip(schema.fields())
                    .map(|(member, place)| self.node(member, &place.schema));
                Node::Nested(Nested::Union {
                    schema: schema.clone(),
                    members: nodes.collect::<Result<_, _>>()?,
                    has_null: members.iter().any(|member| member.is_null()),
                })
            }
        })
    }

    /// What makes the values in an array or a map.
    fn inner(&mut self, avro: &Avro, outer: &Schema, name: &str) -> Result<Box<Node>, Fault> {
        let schema = outer.value_schema().cloned();
        let schema = schema.ok_or_else(|| Fault::new(format!("{outer} has no {name}")))?;
        let node = self
            .node(avro, &schema)
            .map_err(|fault| fault.within(name))?;
        Ok(Box::new(node))
    }

    fn map(
        &mut self,
        values: &Avro,
        schema: &Schema,
        properties: Properties<'_>,
    ) -> Result<Node, Fault> {
        let keys = match properties.keys()? {
            None => Node::Ascii(Span { min: 1, max: 2 }, Ends::default()),
            Some(keys) => match keys.alone("options")? {
                Some(json) => {
                    let schema = Schema::of(SchemaType::String);
                    let left = &mut self.option_bytes;
                    Node::Options(options(&Avro::text(), &schema, json, left)?)
                }
                None => text(keys).map_err(|fault| fault.within("keys"))?,
            },
        };
        Ok(Node::Nested(Nested::Map {
            length: properties.length()?,
            keys: Box::new(keys),
            values: self.inner(values, schema, "values")?,
        }))
    }

    fn record(&mut self, fields: &[AvroField], schema: &Schema) -> Result<Node, Fault> {
        let mut nodes = Vec::with_capacity(fields.len());
        for (field, place) in fields.iter().zip(schema.fields()) {
            let node = self.node(&field.schema, &place.schema);
            nodes.push(node.map_err(|fault| fault.within(&field.name))?);
        }
        Ok(Node::Nested(Nested::Record(schema.clone(), nodes)))
    }

    fn count(&mut self, avro: &Avro, schema: &Schema, json: &Json) -> Result<Node, Fault> {
        let made = self.made;
        let whole = |limits| WholeCount::new(&whole_iteration(json, limits)?, limits, made);
        let real = |highest| RealCount::new(&real_iteration(json, highest)?, highest, made);
        let count = match avro.kind {
            Kind::Boolean => Count::Truth(truth_iteration(json)? ^ (made % 2 == 1)),
            Kind::Int | Kind::String => Count::Whole(whole(INTS)?),
            Kind::Long => Count::Whole(whole(LONGS)?),
            Kind::Float => Count::Half(real(f32::MAX.into())?),
            Kind::Double => Count::Real(real(f64::MAX)?),
            _ => {
                let kind = avro.kind_name();
                return Err(Fault::new(format!("iteration of {kind} is not supported")));
            }
        };
        let slot = *self.slots.entry(avro.id).or_insert_with(|| {
            self.counts.push(count);
            self.counts.len() - 1
        });
        Ok(match avro.kind {
            Kind::String => Node::Numbered {
                slot,
                ends: Properties::of(avro)?.ends()?,
            },
            _ => Node::Count {
                slot,
                whole: Whole::of(schema),
            },
        })
    }
}

fn whole(schema: &Schema, properties: Properties<'_>, limits: (i64, i64)) -> Result<Node, Fault> {
    let kind = Whole::of(schema);
    let numbers = match (properties.whole_range(limits)?, kind) {
        (Some((min, max)), _) => Numbers::between(min, max),
        // A day is all that a time can be of.
        (None, Whole::Time) => Numbers::between(0, logical::DAY_MS),
        // One more than the range from the lowest to the highest: all there are.
        (None, _) => Numbers::between(limits.0, limits.1.wrapping_add(1)),
    };
    Ok(Node::Whole(numbers, kind))
}

fn text(properties: Properties<'_>) -> Result<Node, Fault> {
    let (length, ends) = (properties.length()?, properties.ends()?);
    let expression = match properties.get("regex") {
        None => return Ok(Node::Ascii(length, ends)),
        Some(Json::String(expression)) => expression,
        Some(_) => return Err(Fault::new("regex is not a text")),
    };
    let refused = |reason| Fault::new(format!("regex {expression} cannot be used: {reason}"));
    let regex = Regex::parse(expression).map_err(refused)?;
    let wanted = Lengths {
        min: length.min,
        max: length.max - 1,
    };
    if regex.steps_max(wanted) > STEPS_MAX {
        return Err(refused(format!(
            "a text may take more than {STEPS_MAX} steps"
        )));
    }
    Ok(match regex.list(wanted, ends.len()) {
        Some(texts) => {
            let Ends { prefix, suffix } = ends;
            let texts = texts
                .into_iter()
                .map(|text| format!("{prefix}{text}{suffix}"));
            Node::Options(texts.map(|text| Value::String(text.into())).collect())
        }
        None => Node::Regex(regex, wanted, ends),
    })
}

fn decimal(avro: &Avro, schema: &Schema, properties: Properties<'_>) -> Result<Node, Fault> {
    let scale = logical::scale_of(schema)?;
    let precision = match avro.properties.get("precision").and_then(Json::as_i64) {
        Some(precision) if (1..=PRECISION_MAX).contains(&precision) => precision,
        None if !is_decimal(avro) => i64::from(PRECISION_OF_LONG),
        _ => {
            return Err(Fault::new(format!(
                "precision of decimal is not a number from 1 to {PRECISION_MAX}"
            )));
        }
    };
    if scale < 0 || i64::from(scale) > precision {
        return Err(Fault::new(
            "scale of decimal is not from 0 to its precision",
        ));
    }
    let small = u32::try_from(precision)
        .ok()
        .filter(|small| *small <= PRECISION_OF_LONG);
    let Some(small) = small else {
        if properties.get("range").is_some() {
            return Err(Fault::new(format!(
                "range of decimals with more than {PRECISION_OF_LONG} digits is not supported"
            )));
        }
        return Ok(Node::Digits(usize::try_from(precision).unwrap_or(0), scale));
    };
    let end = 10_i64.pow(small);
    let numbers = match properties.real_range(f64::MAX)? {
        None => Numbers::between(1 - end, end),
        Some((min, max)) => {
            let (min, max) = (units(min, scale, end), units(max, scale, end));
            Numbers::between(min, max.max(min + 1))
        }
    };
    Ok(Node::Decimal(numbers, scale))
}

/// A number in units of its last decimal place, of fewer digits than `end` has.
fn units(number: f64, scale: i32, end: i64) -> i64 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a cast keeps within what a long can be, and the clamp within fewer digits"
    )]
    let units = (number * 10_f64.powi(scale)).round() as i64;
    units.clamp(1 - end, end)
}

impl Node {
    /// How many values and characters it may make at most, or steps where it takes more of these.
    pub(super) fn units(&self) -> usize {
        let of_text = |text: usize, ends: &Ends| text.saturating_add(ends.len()).saturating_add(1);
        match self {
            Self::Null
            | Self::Truth(_)
            | Self::Whole(..)
            | Self::Float32(..)
            | Self::Float64(..)
            | Self::Decimal(..)
            | Self::Count { .. } => 1,
            Self::Digits(digits, _) => *digits,
            Self::Options(values) => values.iter().map(units_of).max().unwrap_or(1),
            Self::Numbered { ends, .. } => of_text(20, ends),
            Self::Bytes(length) => length.longest().max(1),
            Self::Ascii(length, ends) => of_text(length.longest(), ends),
            Self::Regex(regex, lengths, ends) => {
                // A step takes as long as a character, whether it makes one or not.
                let steps = regex.steps_max(*lengths);
                of_text(regex.chars_max(*lengths).max(steps), ends)
            }
            Self::Nested(nested) => nested.units(),
        }
    }
}

/// How many values an option has; its texts are borrowed.
fn units_of(value: &Value<'_>) -> usize {
    match value {
        Value::Array(items) => items.iter().map(units_of).sum::<usize>() + 1,
        Value::Map(map) => {
            map.iter_unordered()
                .map(|(_, value)| units_of(value) + 1)
                .sum::<usize>()
                + 1
        }
        Value::Struct(record) => record.values().iter().map(units_of).sum::<usize>() + 1,
        _ => 1,
    }
}

const _: () = assert!(CHARS_MAX < UNITS_MAX, "a text is less than a record");
