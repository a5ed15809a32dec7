//! Types of settings and their values.

use std::fmt;

/// What a setting's text is read as.
///
/// # Source
/// `ConfigDef.Type`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigType {
    /// `true` or `false` in any case.
    Boolean,
    /// Text without the white space around it.
    String,
    /// A signed 32-bit number.
    Int,
    /// A signed 16-bit number.
    Short,
    /// A signed 64-bit number.
    Long,
    /// A floating-point number.
    Double,
    /// Comma-separated texts.
    List,
    /// A class name or an alias of one.
    Class,
    /// A secret: never shown.
    Password,
}

impl fmt::Display for ConfigType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Boolean => "BOOLEAN",
            Self::String => "STRING",
            Self::Int => "INT",
            Self::Short => "SHORT",
            Self::Long => "LONG",
            Self::Double => "DOUBLE",
            Self::List => "LIST",
            Self::Class => "CLASS",
            Self::Password => "PASSWORD",
        })
    }
}

impl ConfigType {
    /// The type that Java writes so.
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [
            Self::Boolean,
            Self::String,
            Self::Int,
            Self::Short,
            Self::Long,
            Self::Double,
            Self::List,
            Self::Class,
            Self::Password,
        ];
        all.into_iter().find(|kind| kind.to_string() == name)
    }
}

/// A typed setting.
#[derive(Clone, Debug, PartialEq)]
pub enum ConfigValue {
    /// See [`ConfigType::Boolean`].
    Boolean(bool),
    /// See [`ConfigType::String`].
    String(String),
    /// See [`ConfigType::Int`].
    Int(i32),
    /// See [`ConfigType::Short`].
    Short(i16),
    /// See [`ConfigType::Long`].
    Long(i64),
    /// See [`ConfigType::Double`].
    Double(f64),
    /// See [`ConfigType::List`].
    List(Vec<String>),
    /// See [`ConfigType::Class`].
    Class(String),
    /// See [`ConfigType::Password`].
    Password(Password),
}

impl fmt::Display for ConfigValue {
    /// As Java prints the value in messages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => value.fmt(f),
            Self::String(value) | Self::Class(value) => f.write_str(value),
            Self::Int(value) => value.fmt(f),
            Self::Short(value) => value.fmt(f),
            Self::Long(value) => value.fmt(f),
            Self::Double(value) => write!(f, "{value:?}"),
            Self::List(values) => write!(f, "[{}]", values.join(", ")),
            Self::Password(value) => value.fmt(f),
        }
    }
}

impl From<bool> for ConfigValue {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<&str> for ConfigValue {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

impl From<i32> for ConfigValue {
    fn from(value: i32) -> Self {
        Self::Int(value)
    }
}

impl From<i16> for ConfigValue {
    fn from(value: i16) -> Self {
        Self::Short(value)
    }
}

impl From<i64> for ConfigValue {
    fn from(value: i64) -> Self {
        Self::Long(value)
    }
}

impl From<f64> for ConfigValue {
    fn from(value: f64) -> Self {
        Self::Double(value)
    }
}

impl<const N: usize> From<[&str; N]> for ConfigValue {
    fn from(values: [&str; N]) -> Self {
        Self::List(values.into_iter().map(str::to_owned).collect())
    }
}

/// A secret. It prints as `[hidden]`; [`expose`](Self::expose) is the one way to its text.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// What is shown in place of a secret.
    pub const HIDDEN: &'static str = "[hidden]";

    /// Keeps `text` from being shown.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for whoever must present it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::HIDDEN)
    }
}

impl fmt::Display for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::HIDDEN)
    }
}
