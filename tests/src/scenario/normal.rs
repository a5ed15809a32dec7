//! An answer without what no two runs can agree on: ports, folders, times, stacks, the order of hash maps.

use std::cmp::Ordering;
use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::http::{Answer, Request};

/// The header lines that are compared.
const HEADERS: [&str; 4] = ["content-type", "location", "allow", "www-authenticate"];
/// Members whose value is a hash map in Kafka Connect, so that the order of their members says nothing.
const UNORDERED: [&str; 4] = ["config", "properties", "partition", "offset"];
/// Arrays that are sets or unordered lists in Kafka Connect.
const SETS: [&str; 2] = ["topics", "offsets"];

/// What one side's answers have that the other side's cannot have.
#[derive(Debug, Clone, Default)]
pub struct Masks {
    /// The REST ports of the side's workers.
    pub ports: Vec<u16>,
    /// The folder that `{folder}` stands for.
    pub folder: PathBuf,
}

impl Masks {
    /// The request as this side gets it.
    #[must_use]
    pub fn filled(&self, request: &Request) -> Request {
        let mut request = request.clone();
        let folder = self.folder.display().to_string();
        request.body = request.body.map(|body| body.replace("{folder}", &folder));
        request
    }

    fn apply(&self, text: &str) -> String {
        let mut text = text.replace(&self.folder.display().to_string(), "{folder}");
        for port in &self.ports {
            text = text.replace(&format!("127.0.0.1:{port}"), "HOST:PORT");
        }
        without_instants(&text)
    }
}

/// The comparable part of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Normal {
    /// The status code.
    pub status: u16,
    /// Those of the header lines that are compared.
    pub headers: Vec<(String, String)>,
    /// The body: JSON with one line for each value, or the text as it is.
    pub body: String,
}

impl Normal {
    /// The comparable part of the answer to `request`.
    #[must_use]
    pub fn new(request: &Request, answer: &Answer, masks: &Masks) -> Self {
        let header = |name: &&str| {
            let value = masks.apply(answer.header(name)?);
            Some(((*name).to_owned(), value))
        };
        Self {
            status: answer.status,
            headers: HEADERS.iter().filter_map(header).collect(),
            body: body(request, answer, masks),
        }
    }

    /// All of it as lines.
    #[must_use]
    pub fn text(&self) -> String {
        let headers = self.headers.iter();
        let headers: String = headers
            .map(|(name, value)| format!("{name}: {value}\n"))
            .collect();
        format!("status {}\n{headers}{}", self.status, self.body)
    }
}

fn body(request: &Request, answer: &Answer, masks: &Masks) -> String {
    let text = masks.apply(&answer.body);
    if text.starts_with('<') {
        return "a page of HTML".to_owned();
    }
    let Ok(mut value) = serde_json::from_str::<Value>(&text) else {
        return text;
    };
    let path = request.path.split('?').next().unwrap_or_default();
    let path = path.trim_end_matches('/');
    let whole = path == "/connectors" || request.method == "GET" && path.ends_with("/config");
    if whole {
        sort(&mut value);
    }
    // Plans of restarts list their tasks in the order of a hash map.
    if path.ends_with("/restart")
        && let Some(tasks) = value.get_mut("tasks")
    {
        sort(tasks);
    }
    mask("", &mut value);
    serde_json::to_string_pretty(&value).unwrap_or(text)
}

/// Sorts members of an object by name, elements of an array by their text.
fn sort(value: &mut Value) {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<_> = std::mem::take(members).into_iter().collect();
            sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
            *members = sorted.into_iter().collect::<Map<_, _>>();
        }
        Value::Array(elements) => elements.sort_by(by_name_or_text),
        _ => {}
    }
}

fn by_name_or_text(a: &Value, b: &Value) -> Ordering {
    a.to_string().cmp(&b.to_string())
}

fn mask(name: &str, value: &mut Value) {
    match name {
        "commit" | "kafka_cluster_id" | "documentation" if value.is_string() => {
            *value = format!("({name})").into();
        }
        "last_modified" if value.is_number() => *value = "(last_modified)".into(),
        _ => {}
    }
    match value {
        Value::Object(members) => {
            for (name, value) in members.iter_mut() {
                mask(name, value);
            }
        }
        Value::Array(elements) => {
            for element in elements.iter_mut() {
                mask("", element);
            }
        }
        // Causes are the JVM's; what failed is in the first line.
        Value::String(text) if name == "trace" => {
            *text = text.lines().next().unwrap_or_default().to_owned();
        }
        Value::String(text) if name == "message" => *text = without_stack(text),
        _ => {}
    }
    if UNORDERED.contains(&name) || SETS.contains(&name) {
        sort(value);
    }
}

/// The lines of a text that are not calls of a stack.
fn without_stack(text: &str) -> String {
    let is_call = |line: &str| line.starts_with("\tat ") || line.starts_with("\t... ");
    let lines: Vec<&str> = text.lines().filter(|line| !is_call(line)).collect();
    lines.join("\n").trim_end().to_owned()
}

/// Times as `2026-01-31T12:00:00.123Z` become `(instant)`.
fn without_instants(text: &str) -> String {
    let words = text.split_inclusive([' ', '"', ',']);
    let instant = |word: &str| {
        let bytes = word.as_bytes();
        let at = |place: usize, wanted: u8| bytes.get(place) == Some(&wanted);
        at(4, b'-') && at(7, b'-') && at(10, b'T') && at(13, b':') && word.contains('Z')
    };
    words
        .map(|word| match word.split_once('Z') {
            Some((_, rest)) if instant(word) => format!("(instant){rest}"),
            _ => word.to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(path: &str, body: &str) -> String {
        let masks = Masks {
            ports: vec![4711],
            folder: "/f".into(),
        };
        let answer = Answer {
            status: 200,
            headers: Vec::new(),
            body: body.to_owned(),
        };
        Normal::new(&Request::get(path), &answer, &masks)
            .body
            .replace([' ', '\n'], "")
    }

    #[test]
    fn order_counts_unless_it_is_a_hash_maps() {
        let both = |path: &str, a: &str, b: &str| normal(path, a) == normal(path, b);
        assert!(!both("/x", r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#));
        assert!(both(
            "/x",
            r#"{"config":{"a":1,"b":2}}"#,
            r#"{"config":{"b":2,"a":1}}"#
        ));
        assert!(both(
            "/connectors/n/config",
            r#"{"a":1,"b":2}"#,
            r#"{"b":2,"a":1}"#
        ));
        assert!(both("/connectors", r#"["a","b"]"#, r#"["b","a"]"#));
        assert!(!both("/x", "[1,2]", "[2,1]"));
    }

    #[test]
    fn ports_folders_times_and_stacks_are_masked() {
        let got = normal(
            "/x",
            r#"{"message":"at 2026-01-31T12:00:00.123Z.\n\tat a.B\nCaused","worker_id":"127.0.0.1:4711","file":"/f/x"}"#,
        );
        let wanted =
            r#"{"message":"at(instant).\nCaused","worker_id":"HOST:PORT","file":"{folder}/x"}"#;
        assert_eq!(got, wanted);
    }
}
