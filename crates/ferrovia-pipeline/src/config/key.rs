//! One definition: everything that is known about a key.

use std::borrow::Cow;

use super::validator::Validator;
use super::value::{ConfigType, ConfigValue};

/// What holds when a key is absent.
#[derive(Clone, Debug, PartialEq)]
pub enum ConfigDefault {
    /// Absence is an error.
    Required,
    /// There is no value, which is Java's `null`.
    Null,
    /// This value.
    Value(ConfigValue),
}

/// How much a key matters to users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Importance {
    /// Nearly everybody sets it.
    High,
    /// Many set it.
    Medium,
    /// Few set it.
    Low,
}

/// How wide a form's field for the value should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// Not said.
    None,
    /// A number or a word.
    Short,
    /// A name.
    Medium,
    /// A list or an expression.
    Long,
}

/// The definition of one key. Made by [`required`](Self::required), [`optional`](Self::optional) or
/// [`with_default`](Self::with_default) and refined by the methods that take it by value.
///
/// # Source
/// `ConfigDef.ConfigKey`
#[derive(Clone, Debug)]
pub struct ConfigKey {
    name: Cow<'static, str>,
    kind: ConfigType,
    default: ConfigDefault,
    validator: Option<Validator>,
    importance: Importance,
    doc: Cow<'static, str>,
    group: Option<Cow<'static, str>>,
    order_in_group: i32,
    width: Width,
    display_name: Option<Cow<'static, str>>,
    dependents: Vec<String>,
}

impl ConfigKey {
    /// A key that must be set.
    pub fn required(name: impl Into<Cow<'static, str>>, kind: ConfigType) -> Self {
        Self::new(name.into(), kind, ConfigDefault::Required)
    }

    /// A key that may be absent and then has no value.
    pub fn optional(name: impl Into<Cow<'static, str>>, kind: ConfigType) -> Self {
        Self::new(name.into(), kind, ConfigDefault::Null)
    }

    /// A key with a default.
    pub fn with_default(
        name: impl Into<Cow<'static, str>>,
        kind: ConfigType,
        default: impl Into<ConfigValue>,
    ) -> Self {
        Self::new(name.into(), kind, ConfigDefault::Value(default.into()))
    }

    fn new(name: Cow<'static, str>, kind: ConfigType, default: ConfigDefault) -> Self {
        Self {
            name,
            kind,
            default,
            validator: None,
            importance: Importance::Low,
            doc: Cow::Borrowed(""),
            group: None,
            order_in_group: -1,
            width: Width::None,
            display_name: None,
            dependents: Vec::new(),
        }
    }

    /// Limits the values.
    #[must_use]
    pub fn validator(mut self, validator: Validator) -> Self {
        self.validator = Some(validator);
        self
    }

    /// How much it matters; low if never said.
    #[must_use]
    pub fn importance(mut self, importance: Importance) -> Self {
        self.importance = importance;
        self
    }

    /// What it does, for users.
    #[must_use]
    pub fn doc(mut self, doc: impl Into<Cow<'static, str>>) -> Self {
        self.doc = doc.into();
        self
    }

    /// Where a form shows it: the group, the place within it and the field's width.
    #[must_use]
    pub fn group(mut self, group: impl Into<Cow<'static, str>>, order: i32, width: Width) -> Self {
        self.group = Some(group.into());
        self.order_in_group = order;
        self.width = width;
        self
    }

    /// The width of its field in forms that show it outside of any group.
    #[must_use]
    pub fn ungrouped(mut self, width: Width) -> Self {
        self.width = width;
        self
    }

    /// What a form calls it; the key itself if never said.
    #[must_use]
    pub fn display_name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.display_name = Some(name.into());
        self
    }

    /// Keys whose allowed values depend on this one.
    #[must_use]
    pub fn dependents(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.dependents = names.into_iter().map(Into::into).collect();
        self
    }

    /// The key.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its type.
    pub fn config_type(&self) -> ConfigType {
        self.kind
    }

    /// What holds when it is absent.
    pub fn default(&self) -> &ConfigDefault {
        &self.default
    }

    /// The limit of its values.
    pub fn limit(&self) -> Option<&Validator> {
        self.validator.as_ref()
    }

    /// How much it matters.
    pub fn how_important(&self) -> Importance {
        self.importance
    }

    /// What it does.
    pub fn documentation(&self) -> &str {
        &self.doc
    }

    /// Its group in forms.
    pub fn group_name(&self) -> Option<&str> {
        self.group.as_deref()
    }

    /// Its place in the group; -1 without one.
    pub fn order_in_group(&self) -> i32 {
        self.order_in_group
    }

    /// The width of its field in forms.
    pub fn width(&self) -> Width {
        self.width
    }

    /// What forms call it.
    pub fn shown_as(&self) -> &str {
        self.display_name.as_deref().unwrap_or(&self.name)
    }

    /// Keys whose allowed values depend on this one.
    pub fn dependent_names(&self) -> &[String] {
        &self.dependents
    }
}
