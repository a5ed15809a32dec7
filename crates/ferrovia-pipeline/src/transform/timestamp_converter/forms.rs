//! The forms that a point in time can have, and the way from one to another.

use crate::data::logical::{self, DAY_MS};
use crate::data::time::DateFormat;
use crate::data::{Schema, SchemaBuilder, SchemaType, Value};
use crate::error::ConnectError;

/// A form of points in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Unix,
    Date,
    Time,
    Timestamp,
}

/// What the numbers count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Precision {
    Seconds,
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

/// From any form to the target.
#[derive(Debug)]
pub(super) struct Conversion {
    pub(super) target: Form,
    pub(super) format: Option<DateFormat>,
    pub(super) precision: Precision,
}

impl Form {
    /// The form of a setting that has been checked.
    pub(super) fn of(setting: &str) -> Self {
        match setting {
            "string" => Self::Text,
            "unix" => Self::Unix,
            "Date" => Self::Date,
            "Time" => Self::Time,
            _ => Self::Timestamp,
        }
    }

    pub(super) fn of_schema(schema: &Schema) -> Result<Self, ConnectError> {
        match (schema.name(), schema.schema_type()) {
            (Some(logical::TIMESTAMP), _) => Ok(Self::Timestamp),
            (Some(logical::DATE), _) => Ok(Self::Date),
            (Some(logical::TIME), _) => Ok(Self::Time),
            (_, SchemaType::String) => Ok(Self::Text),
            (_, SchemaType::Int64) => Ok(Self::Unix),
            _ => Err(ConnectError::failed(format!(
                "Schema {schema} does not correspond to a known timestamp type format"
            ))),
        }
    }

    fn of_value(value: &Value<'_>) -> Result<Self, ConnectError> {
        match value {
            Value::Date(_) => Ok(Self::Timestamp),
            Value::Int64(_) => Ok(Self::Unix),
            Value::String(_) => Ok(Self::Text),
            other => Err(ConnectError::data(format!(
                "TimestampConverter does not support class {} objects as timestamps",
                other.java_class()
            ))),
        }
    }

    /// The schema of values of this form.
    pub(super) fn schema(self, is_optional: bool) -> Schema {
        let builder = match self {
            Self::Text => SchemaBuilder::primitive(SchemaType::String),
            Self::Unix => SchemaBuilder::primitive(SchemaType::Int64),
            Self::Date => logical::date(),
            Self::Time => logical::time(),
            Self::Timestamp => logical::timestamp(),
        };
        builder.set_optional(is_optional).build()
    }
}

impl Precision {
    /// The precision of a setting that has been checked.
    pub(super) fn of(setting: &str) -> Self {
        match setting {
            "seconds" => Self::Seconds,
            "microseconds" => Self::Microseconds,
            "nanoseconds" => Self::Nanoseconds,
            _ => Self::Milliseconds,
        }
    }

    /// Rounded towards zero, and stopped at the limits, as Java's `TimeUnit` does.
    fn to_millis(self, number: i64) -> i64 {
        match self {
            Self::Seconds => number.saturating_mul(1_000),
            Self::Milliseconds => number,
            Self::Microseconds => number / 1_000,
            Self::Nanoseconds => number / 1_000_000,
        }
    }

    fn of_millis(self, millis: i64) -> i64 {
        match self {
            Self::Seconds => millis / 1_000,
            Self::Milliseconds => millis,
            Self::Microseconds => millis.saturating_mul(1_000),
            Self::Nanoseconds => millis.saturating_mul(1_000_000),
        }
    }
}

impl Conversion {
    /// The value in the target's form. Without a form the value speaks for itself.
    pub(super) fn convert<'a>(
        &self,
        value: &Value<'_>,
        form: Option<Form>,
    ) -> Result<Value<'a>, ConnectError> {
        if value.is_null() {
            return Ok(Value::Null);
        }
        let form = form.map_or_else(|| Form::of_value(value), Ok)?;
        let millis = self.millis(value, form)?;
        Ok(match self.target {
            Form::Text => {
                let format = self.format.as_ref();
                Value::String(
                    format
                        .map_or_else(String::new, |it| it.format(millis))
                        .into(),
                )
            }
            Form::Unix => Value::Int64(self.precision.of_millis(millis)),
            Form::Date => Value::Date(millis.wrapping_sub(millis.rem_euclid(DAY_MS))),
            Form::Time => Value::Date(millis.rem_euclid(DAY_MS)),
            Form::Timestamp => Value::Date(millis),
        })
    }

    fn millis(&self, value: &Value<'_>, form: Form) -> Result<i64, ConnectError> {
        let (called, class) = match (form, value) {
            (Form::Text, Value::String(text)) => return self.parse(text),
            (Form::Unix, Value::Int64(number)) => return Ok(self.precision.to_millis(*number)),
            (Form::Date | Form::Time | Form::Timestamp, Value::Date(millis)) => return Ok(*millis),
            (Form::Text, _) => ("string timestamp", "String"),
            (Form::Unix, _) => ("Unix timestamp", "Long"),
            (Form::Date, _) => ("Date", "java.util.Date"),
            (Form::Time, _) => ("Time", "java.util.Date"),
            (Form::Timestamp, _) => ("Timestamp", "java.util.Date"),
        };
        Err(ConnectError::data(format!(
            "Expected {called} to be a {class}, but found class {}",
            value.java_class()
        )))
    }

    fn parse(&self, text: &str) -> Result<i64, ConnectError> {
        let Some(format) = &self.format else {
            return Err(ConnectError::java(
                "java.lang.NullPointerException",
                "Cannot invoke \"java.text.SimpleDateFormat.parse(String)\" because \"config.format\" is null",
            ));
        };
        format.parse(text).ok_or_else(|| {
            let message = format!(
                "Could not parse timestamp: value ({text}) does not match pattern ({})",
                format.pattern()
            );
            let cause = format!("Unparseable date: \"{text}\"");
            ConnectError::data_by(
                message,
                ConnectError::java("java.text.ParseException", cause),
            )
        })
    }
}
