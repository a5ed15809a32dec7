//! `arg.properties`: what a schema says of how its values are made.

use serde_json::{Map as Object, Value as Json};

use super::count::Iteration;
use super::regex::CHARS_MAX;
use super::{Ends, Span};
use crate::datagen::avro::{Avro, Fault};

/// The lengths of texts, arrays and maps where nothing is said.
const LENGTH_DEFAULT: Span = Span { min: 8, max: 16 };
/// Properties that make no sense beside options or an iteration.
const EXCLUDED: [&str; 5] = ["length", "regex", "iteration", "options", "range"];

/// The properties of one schema.
#[derive(Clone, Copy, Debug)]
pub(super) struct Properties<'a>(Option<&'a Object<String, Json>>);

impl<'a> Properties<'a> {
    pub(super) fn of(avro: &'a Avro) -> Result<Self, Fault> {
        match avro.properties.get("arg.properties") {
            None => Ok(Self(None)),
            Some(Json::Object(object)) => Ok(Self(Some(object))),
            Some(_) => Err(Fault::new("arg.properties is not an object")),
        }
    }

    pub(super) fn get(self, key: &str) -> Option<&'a Json> {
        self.0?.get(key)
    }

    /// What the keys of a map are made by.
    pub(super) fn keys(self) -> Result<Option<Self>, Fault> {
        match self.get("keys") {
            None => Ok(None),
            Some(Json::Object(object)) => Ok(Some(Self(Some(object)))),
            Some(_) => Err(Fault::new("keys is not an object")),
        }
    }

    /// This property, which must stand without the others that decide on values.
    pub(super) fn alone(self, key: &str) -> Result<Option<&'a Json>, Fault> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let mut others = EXCLUDED.iter().filter(|other| **other != key);
        match others.find(|other| self.get(other).is_some()) {
            Some(other) => Err(Fault::new(format!("{other} stands beside {key}"))),
            None => Ok(Some(value)),
        }
    }

    pub(super) fn length(self) -> Result<Span, Fault> {
        let refused = |what: &str| Fault::new(format!("length {what}"));
        let length = match self.get("length") {
            None => return Ok(LENGTH_DEFAULT),
            Some(Json::Object(object)) => {
                let min = size(object, "min").map_err(refused)?;
                let max = size(object, "max").map_err(refused)?;
                if min.is_none() && max.is_none() {
                    return Err(refused("has neither min nor max"));
                }
                Span {
                    min: min.unwrap_or(0),
                    max: max.unwrap_or(CHARS_MAX),
                }
            }
            Some(json) => {
                let exact = json.as_u64().and_then(|exact| usize::try_from(exact).ok());
                let exact = exact.ok_or_else(|| refused("is not a number from 0 on"))?;
                let max = exact.saturating_add(1);
                Span { min: exact, max }
            }
        };
        if length.min >= length.max {
            return Err(refused("has a max that is not above its min"));
        }
        if length.max > CHARS_MAX + 1 {
            return Err(refused(&format!("is more than {CHARS_MAX}")));
        }
        Ok(length)
    }

    pub(super) fn ends(self) -> Result<Ends, Fault> {
        let text = |key: &str| match self.get(key) {
            None => Ok(String::new()),
            Some(Json::String(text)) => Ok(text.clone()),
            Some(_) => Err(Fault::new(format!("{key} is not a text"))),
        };
        Ok(Ends {
            prefix: text("prefix")?,
            suffix: text("suffix")?,
        })
    }

    /// Whole numbers from the first up to the second, which is not one of them.
    pub(super) fn whole_range(self, limits: (i64, i64)) -> Result<Option<(i64, i64)>, Fault> {
        let Some(object) = self.object("range")? else {
            return Ok(None);
        };
        let min = whole(object, "range", "min", limits)?.unwrap_or(limits.0);
        let max = whole(object, "range", "max", limits)?.unwrap_or(limits.1);
        ordered(min, max).map(Some)
    }

    /// Numbers from the first up to the second, which is not one of them.
    pub(super) fn real_range(self, highest: f64) -> Result<Option<(f64, f64)>, Fault> {
        let Some(object) = self.object("range")? else {
            return Ok(None);
        };
        let min = real(object, "range", "min", highest)?.unwrap_or(-highest);
        let max = real(object, "range", "max", highest)?.unwrap_or(highest);
        ordered(min, max).map(Some)
    }

    pub(super) fn odds(self) -> Result<f64, Fault> {
        match self.get("odds") {
            None => Ok(0.5),
            Some(json) => match json.as_f64() {
                Some(odds) if (0.0..=1.0).contains(&odds) => Ok(odds),
                _ => Err(Fault::new(format!("odds {json} are not within 0 and 1"))),
            },
        }
    }

    fn object(self, key: &str) -> Result<Option<&'a Object<String, Json>>, Fault> {
        match self.get(key) {
            None => Ok(None),
            Some(Json::Object(object)) => Ok(Some(object)),
            Some(_) => Err(Fault::new(format!("{key} is not an object"))),
        }
    }
}

/// An iteration over whole numbers within limits.
pub(super) fn whole_iteration(json: &Json, limits: (i64, i64)) -> Result<Iteration<i64>, Fault> {
    iteration(json, |object, key| whole(object, "iteration", key, limits))
}

/// An iteration over numbers up to that size.
pub(super) fn real_iteration(json: &Json, highest: f64) -> Result<Iteration<f64>, Fault> {
    iteration(json, |object, key| real(object, "iteration", key, highest))
}

/// Where an iteration over truth values starts.
pub(super) fn truth_iteration(json: &Json) -> Result<bool, Fault> {
    let object = iteration_object(json)?;
    if ["restart", "step"]
        .iter()
        .any(|key| object.contains_key(*key))
    {
        return Err(Fault::new("iteration of a boolean has a restart or a step"));
    }
    let start = object.get("start").and_then(Json::as_bool);
    start.ok_or_else(|| Fault::new("start of iteration is not true or false"))
}

fn iteration<T>(
    json: &Json,
    number: impl Fn(&Object<String, Json>, &str) -> Result<Option<T>, Fault>,
) -> Result<Iteration<T>, Fault> {
    let object = iteration_object(json)?;
    let start = number(object, "start")?;
    Ok(Iteration {
        start: start.ok_or_else(|| Fault::new("iteration has no start"))?,
        restart: number(object, "restart")?,
        step: number(object, "step")?,
        initial: number(object, "initial")?,
    })
}

fn iteration_object(json: &Json) -> Result<&Object<String, Json>, Fault> {
    let object = json.as_object();
    object.ok_or_else(|| Fault::new("iteration is not an object"))
}

fn size(object: &Object<String, Json>, key: &str) -> Result<Option<usize>, &'static str> {
    let Some(json) = object.get(key) else {
        return Ok(None);
    };
    let size = json.as_u64().and_then(|size| usize::try_from(size).ok());
    size.map(Some)
        .ok_or("has a bound that is not a number from 0 on")
}

fn whole(
    object: &Object<String, Json>,
    property: &str,
    key: &str,
    (lowest, highest): (i64, i64),
) -> Result<Option<i64>, Fault> {
    let Some(json) = object.get(key) else {
        return Ok(None);
    };
    match json.as_i64() {
        Some(number) if (lowest..=highest).contains(&number) => Ok(Some(number)),
        _ => Err(Fault::new(format!(
            "{key} of {property} is not a whole number from {lowest} to {highest}"
        ))),
    }
}

fn real(
    object: &Object<String, Json>,
    property: &str,
    key: &str,
    highest: f64,
) -> Result<Option<f64>, Fault> {
    let Some(json) = object.get(key) else {
        return Ok(None);
    };
    match json.as_f64() {
        Some(number) if number.abs() <= highest => Ok(Some(number)),
        _ => Err(Fault::new(format!(
            "{key} of {property} is not a number up to {highest:e}"
        ))),
    }
}

fn ordered<T: PartialOrd>(min: T, max: T) -> Result<(T, T), Fault> {
    if min < max {
        return Ok((min, max));
    }
    Err(Fault::new("min of range is not below its max"))
}
