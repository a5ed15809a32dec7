//! Paths to fields, plain or nested.
//!
//! # Source
//! KIP-821; `org.apache.kafka.connect.transforms.field.{FieldSyntaxVersion, SingleFieldPath}`

use crate::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedConfig, Validator};
use crate::data::{Field, Map, Schema, Struct, Value};
use crate::error::ConnectError;
use crate::transform::requirements::{field_of, require_map, require_struct};

const SYNTAX_VERSION: &str = "field.syntax.version";
const NESTED: &str = "nested field access";

/// The names that lead to a field, the outermost first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FieldPath {
    parents: Vec<String>,
    /// Absent in a nested path of no text, which Java refuses when it is first followed.
    last: Option<String>,
}

impl FieldPath {
    /// The path that the setting `field` names in the syntax that `field.syntax.version` says.
    pub(super) fn from_config(config: &ParsedConfig) -> Result<Self, ConnectError> {
        let text = config.string("field")?;
        let version = config.string(SYNTAX_VERSION)?;
        if version.eq_ignore_ascii_case("V2") {
            Self::nested(text)
        } else {
            Ok(Self {
                parents: Vec::new(),
                last: Some(text.to_owned()),
            })
        }
    }

    /// A path whose steps are parted by dots; backticks around a step keep the dots within it.
    fn nested(text: &str) -> Result<Self, ConnectError> {
        let mut steps = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            rest = if let Some(quoted) = rest.strip_prefix('`') {
                let (step, behind) = quoted_step(quoted).ok_or_else(|| {
                    let at = text.encode_utf16().count() - rest.encode_utf16().count();
                    incomplete(text, at)
                })?;
                steps.push(step);
                behind
            } else if let Some((step, behind)) = rest.split_once('.') {
                steps.push(step.to_owned());
                behind
            } else {
                steps.push(rest.to_owned());
                ""
            };
        }
        if text.ends_with('.') {
            steps.push(String::new());
        }
        let last = steps.pop();
        Ok(Self {
            parents: steps,
            last,
        })
    }

    fn last(&self) -> Result<&str, ConnectError> {
        self.last.as_deref().ok_or_else(|| {
            let class = "java.lang.IllegalArgumentException";
            ConnectError::java(class, "fromIndex(0) > toIndex(-1)")
        })
    }

    /// The field of a schema that the path leads to, if there is one.
    pub(super) fn field_in<'s>(
        &self,
        schema: &'s Schema,
    ) -> Result<Option<&'s Field>, ConnectError> {
        let last = self.last()?;
        let mut current = schema;
        for step in &self.parents {
            match field_of(current, step)? {
                Some(field) => current = &field.schema,
                None => return Ok(None),
            }
        }
        field_of(current, last)
    }

    /// The value in a struct that the path leads to; null if it leads nowhere.
    pub(super) fn value_in<'a>(
        &self,
        structure: &Struct<'a>,
        with_default: bool,
    ) -> Result<Value<'a>, ConnectError> {
        let last = self.last()?;
        let mut current = structure;
        for step in &self.parents {
            if current.schema().field(step).is_none() {
                return Ok(Value::Null);
            }
            match current.get(step)? {
                Value::Null => return Ok(Value::Null),
                value => current = require_struct(value, NESTED)?,
            }
        }
        if current.schema().field(last).is_none() {
            return Ok(Value::Null);
        }
        let value = if with_default {
            current.get(last)?
        } else {
            current.get_without_default(last)?
        };
        Ok(value.clone())
    }

    /// The value in a map that the path leads to, taken out of it; null if it leads nowhere.
    pub(super) fn take_from<'a>(&self, mut map: Map<'a>) -> Result<Value<'a>, ConnectError> {
        let last = self.last()?;
        for step in &self.parents {
            match map.remove(step) {
                None | Some(Value::Null) => return Ok(Value::Null),
                Some(Value::Map(inner)) => map = inner,
                Some(other) => {
                    require_map(&other, NESTED)?;
                }
            }
        }
        Ok(map.remove(last).unwrap_or(Value::Null))
    }
}

/// The step at the start of a text that stands behind a backtick, and what stands behind its end. The backtick that ends
/// it stands before a dot or at the end of the text, and not behind a backslash.
fn quoted_step(text: &str) -> Option<(String, &str)> {
    let mut step = String::new();
    let mut start = 0;
    for (at, _) in text.match_indices('`') {
        let is_escaped = text.get(..at).is_none_or(|before| before.ends_with('\\'));
        let behind = text.get(at + 1..)?;
        let piece = text.get(start..at).unwrap_or_default();
        match (behind.strip_prefix('.'), is_escaped) {
            (None, true) if behind.is_empty() => return None,
            (None, false) if behind.is_empty() => {
                step.push_str(piece);
                return Some((step, ""));
            }
            (None, _) => {}
            (Some(_), true) => {
                step.push_str(piece.strip_suffix('\\').unwrap_or(piece));
                step.push('`');
                start = at + 1;
            }
            (Some(rest), false) => {
                step.push_str(piece);
                return Some((step, rest));
            }
        }
    }
    None
}

fn incomplete(path: &str, position: usize) -> ConnectError {
    ConnectError::config(format!(
        "Incomplete backtick pair in path: [{path}], consider adding a backslash before backtick at position \
         {position} to escape it"
    ))
}

/// Adds the setting that says how paths are written.
pub(super) fn with_syntax_version(definitions: ConfigDef) -> ConfigDef {
    definitions.define(
        ConfigKey::with_default(SYNTAX_VERSION, ConfigType::String, "V1")
            .validator(Validator::OneOfIgnoringCase(&["V1", "V2"]))
            .importance(Importance::High)
            .doc(
                "Defines the version of the syntax to access fields. If set to <code>V1</code>, then the field paths are \
                 limited to access the elements at the root level of the struct or map. If set to <code>V2</code>, the \
                 syntax will support accessing nested elements. To access nested elements, dotted notation is used. If \
                 dots are already included in the field name, then backtick pairs can be used to wrap field names \
                 containing dots. E.g. to access the subfield <code>baz</code> from a field named \"foo.bar\" in a \
                 struct/map the following format can be used to access its elements: \"<code>foo.bar</code>.baz\".",
            ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(text: &str) -> Result<Vec<String>, String> {
        let path = FieldPath::nested(text).map_err(|error| error.to_string())?;
        let mut steps = path.parents;
        steps.extend(path.last);
        Ok(steps)
    }

    #[test]
    fn steps_are_javas() {
        let cases: [(&str, &[&str]); 13] = [
            ("", &[]),
            ("a", &["a"]),
            ("a.b", &["a", "b"]),
            ("a.", &["a", ""]),
            (".", &["", ""]),
            (".a", &["", "a"]),
            ("a..b", &["a", "", "b"]),
            ("`a.b`.c", &["a.b", "c"]),
            ("a.`b.c`", &["a", "b.c"]),
            ("`a`b`", &["a`b"]),
            ("`a\\`.b`.c", &["a`.b", "c"]),
            ("a`b.c", &["a`b", "c"]),
            ("``", &[""]),
        ];
        for (text, expected) in cases {
            assert_eq!(steps(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn lone_backtick_is_refused_with_its_position() {
        for (text, position) in [("`a", 0), ("a.`b", 2), ("`a\\`", 0), ("é.`b", 2)] {
            let error = steps(text).unwrap_err();
            assert!(
                error.contains(&format!("at position {position} ")),
                "{error}"
            );
        }
    }
}
