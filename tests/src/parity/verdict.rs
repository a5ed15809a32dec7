//! Comparing two answers. What may differ is listed here by rule, each with its line in `docs/differences.md`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use super::Case;

/// How many examples of one kind of difference are shown.
const EXAMPLES_SHOWN: usize = 3;
/// Exceptions whose messages are the JVM's own words about its classes and variables.
const JVM_EXCEPTIONS: [&str; 2] = [
    "java.lang.NullPointerException",
    "java.lang.ClassCastException",
];
/// How Java shows objects without a text of their own: by an identity, another one in each run. We show an array of bytes
/// as its bytes, a field to insert as it was configured, and a schema that was not built to its end by its type.
const IDENTITIES: [&str; 3] = [
    "[B@",
    "org.apache.kafka.connect.data.SchemaBuilder@",
    "org.apache.kafka.connect.transforms.InsertField$InsertionSpec@",
];

/// How an answer shows an escaped half of a surrogate pair inside a document, and how many digits follow.
const ESCAPED_HALF: &str = r"\\uD";
const ESCAPED_HALF_DIGITS_LEFT: usize = 3;
/// What is wrong with a name that has a byte 0xff. Jackson fills the last four bytes of names with 0xff when it compares
/// them, so that it may take the name for another one that it has met before.
const BAD_BYTE: &str = "Invalid UTF-8 start byte 0xff";

/// What is wrong with an escape such as `\u00e\u{ff65}`. In documents that are not UTF-8 Jackson looks only at the lowest
/// eight bits of a digit.
const BAD_DIGIT: &str = "expected a hex-digit for character escape sequence";
/// How a known word in UTF-8 is refused for a letter beyond ASCII behind it: the letter's first byte counts as its second.
const BAD_MIDDLE: &str = "Invalid UTF-8 middle byte 0x";
/// The exceptions whose words about a document depend on how Jackson reads it: by bytes, letters or buffers.
const JACKSON: [&str; 2] = ["com.fasterxml.jackson.", "java.io.CharConversionException"];

const OUT_OF_BOUNDS: &str = "java.lang.ArrayIndexOutOfBoundsException";
const CONFIG_EXCEPTION: &str = "org.apache.kafka.common.config.ConfigException";

/// A place where two answers differ.
#[derive(Clone, Debug)]
pub struct Difference {
    /// Where: the names of members from the outside in.
    pub place: String,
    /// What Java has there.
    pub java: Value,
    /// What we have there.
    pub ours: Value,
}

/// The places where our answer is not Java's.
#[must_use]
pub fn differences(java: &Value, ours: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare("", java, ours, &mut found);
    found
}

fn compare(place: &str, java: &Value, ours: &Value, found: &mut Vec<Difference>) {
    if java == ours || may_differ(place, java, ours) {
        return;
    }
    match (java, ours) {
        (Value::Object(left), Value::Object(right)) if left.keys().eq(right.keys()) => {
            for ((name, left), right) in left.iter().zip(right.values()) {
                if name == "message" && is_of_the_jvm(java) && is_of_the_jvm(ours) {
                    continue;
                }
                compare(&format!("{place}.{name}"), left, right, found);
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (left, right) in left.iter().zip(right) {
                compare(&format!("{place}[]"), left, right, found);
            }
        }
        _ => found.push(Difference {
            place: place.trim_start_matches('.').to_owned(),
            java: java.clone(),
            ours: ours.clone(),
        }),
    }
}

fn is_of_the_jvm(error: &Value) -> bool {
    let class = error.get("class").and_then(Value::as_str);
    class.is_some_and(|class| JVM_EXCEPTIONS.contains(&class))
}

fn may_differ(place: &str, java: &Value, ours: &Value) -> bool {
    // The common documents are compared to the word in `dead_letters`.
    if place.contains(".causes[]") && is_of_jackson(java) && is_of_jackson(ours) {
        return true;
    }
    if is_only_ours_refused(java, ours) || has_halves(place, java, ours) {
        return true;
    }
    // A rule about a setting always answers with one class of exception.
    if let (Some(java), Some(ours)) = (java.as_str(), ours.as_str())
        && let Some(words) = java.strip_prefix(OUT_OF_BOUNDS)
        && ours.strip_prefix(CONFIG_EXCEPTION) == Some(words)
    {
        return true;
    }
    let Some(java) = written(java) else {
        return false;
    };
    let Some(pieces) = around_identities(&java) else {
        return false;
    };
    written(ours).is_some_and(|ours| has_in_order(&ours, &pieces))
}

/// What an answer's leaf shows: a text, or bytes that are none, each of which becomes a letter.
fn written(shown: &Value) -> Option<Cow<'_, str>> {
    if let Some(text) = shown.as_str() {
        return Some(text.into());
    }
    let digits = shown.get("hex").and_then(Value::as_str)?;
    let pairs = digits.as_bytes().chunks(2);
    let letters = pairs.map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok());
    letters.map(|byte| byte.map(char::from)).collect()
}

/// Whether ours alone is refused, for one of the things that Jackson may let pass.
fn is_only_ours_refused(java: &Value, ours: &Value) -> bool {
    let is_refused = |answer: &Value| {
        let cause = answer.pointer("/failed/causes/0").and_then(Value::as_str);
        cause.is_some_and(|cause| {
            let is_bad = [BAD_BYTE, BAD_DIGIT]
                .iter()
                .any(|what| cause.contains(what));
            is_bad || has_letter_behind_word(cause)
        })
    };
    is_refused(ours) && !is_refused(java)
}

fn is_of_jackson(cause: &Value) -> bool {
    let cause = cause.as_str().unwrap_or_default();
    JACKSON.iter().any(|class| cause.contains(class))
}

/// Whether a document was refused for what stands behind a word. In UTF-16 and UTF-32 Jackson asks whether a name in Java
/// may have it.
fn has_letter_behind_word(cause: &str) -> bool {
    let byte = cause.split_once(BAD_MIDDLE).map(|(_, byte)| byte);
    byte.is_some_and(|byte| byte.starts_with(['c', 'd', 'e', 'f']))
}

/// Whether the answers differ only by halves of surrogate pairs, and by the order of maps that have one in a key: ours are
/// U+FFFD from the start, Java's become `?` or an escape when they are written.
fn has_halves(place: &str, java: &Value, ours: &Value) -> bool {
    let (java, ours) = (java.to_string(), ours.to_string());
    let replaced = |answer: &str| answer.matches(char::REPLACEMENT_CHARACTER).count();
    // Never the whole answer at once: one half must not let the order of everything else go.
    !place.is_empty()
        && replaced(&java) < replaced(&ours)
        && letters_with_halves(&java) == letters_with_halves(&ours)
}

/// The letters of an answer, sorted, with every half of a pair as U+FFFD.
fn letters_with_halves(answer: &str) -> Vec<char> {
    let mut pieces = answer.split(ESCAPED_HALF);
    let mut letters: Vec<char> = pieces.next().unwrap_or_default().chars().collect();
    for piece in pieces {
        letters.push(char::REPLACEMENT_CHARACTER);
        letters.extend(piece.chars().skip(ESCAPED_HALF_DIGITS_LEFT));
    }
    for letter in &mut letters {
        if *letter == '?' {
            *letter = char::REPLACEMENT_CHARACTER;
        }
    }
    letters.sort_unstable();
    letters
}

/// The pieces of a text between the identities of objects; `None` where there are none.
fn around_identities(text: &str) -> Option<Vec<&str>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    loop {
        let found = IDENTITIES
            .iter()
            .filter_map(|mark| Some((rest.find(mark)?, mark.len())));
        let Some((at, length)) = found.min() else {
            break;
        };
        pieces.push(rest.get(..at)?);
        let digits = rest.get(at + length..)?;
        rest = digits.trim_start_matches(|digit: char| digit.is_ascii_hexdigit());
    }
    pieces.push(rest);
    (pieces.len() > 1).then_some(pieces)
}

fn has_in_order(text: &str, pieces: &[&str]) -> bool {
    let mut rest = text;
    for piece in pieces {
        let Some(at) = rest.find(piece) else {
            return false;
        };
        rest = rest.get(at + piece.len()..).unwrap_or_default();
    }
    true
}

/// All differences of a run, by kind.
#[derive(Clone, Debug, Default)]
pub struct Report {
    groups: BTreeMap<String, Vec<String>>,
    cases: usize,
}

impl Report {
    /// Compares the answers to one case.
    pub fn add(&mut self, case: &Case, java: &Value, ours: &Value) {
        let found = differences(java, ours);
        self.cases += usize::from(!found.is_empty());
        for difference in found {
            let kind = format!(
                "{} of {}",
                difference.place,
                concerned(case, &difference.place)
            );
            let example = format!(
                "case {}\n    java {}\n    ours {}",
                case.to_line(),
                difference.java,
                difference.ours
            );
            self.groups.entry(kind).or_default().push(example);
        }
    }

    /// How many cases differ.
    #[must_use]
    pub fn cases(&self) -> usize {
        self.cases
    }

    /// Every kind of difference with its shortest examples.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (kind, examples) in &self.groups {
            let _ = writeln!(text, "{} × {kind}", examples.len());
            let mut shortest: Vec<&String> = examples.iter().collect();
            shortest.sort_by_key(|example| example.len());
            for example in shortest.into_iter().take(EXAMPLES_SHOWN) {
                let _ = writeln!(text, "  {example}");
            }
        }
        text
    }
}

/// The classes whose work a difference at this place most likely is.
fn concerned(case: &Case, place: &str) -> String {
    let transforms: Vec<&str> = case
        .transforms
        .iter()
        .filter(|(name, _)| name.ends_with(".type") && name.matches('.').count() == 2)
        .map(|(_, class)| simple(class))
        .collect();
    if !transforms.is_empty() {
        return transforms.join(" and ");
    }
    let converter = if place.starts_with("key") {
        &case.key
    } else if place.starts_with("headers") {
        &case.header
    } else {
        &case.value
    };
    simple(&converter.class).to_owned()
}

fn simple(class: &str) -> &str {
    class.rsplit('.').next().unwrap_or(class)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn other_values_members_and_lengths_are_differences() {
        let java = json!({"key": {"text": "1"}, "headers": [1, 2]});
        for ours in [
            json!({"key": {"text": "2"}, "headers": [1, 2]}),
            json!({"key": {"text": "1"}, "headers": [1]}),
            json!({"dropped": true}),
        ] {
            assert_eq!(differences(&java, &ours).len(), 1, "{ours}");
        }
        assert!(differences(&java, &java).is_empty());
    }

    #[test]
    fn only_the_jvms_own_messages_may_differ() {
        let failed =
            |class: &str, message: &str| json!({"failed": {"class": class, "message": message}});
        let jvm = "java.lang.NullPointerException";
        assert!(differences(&failed(jvm, "a"), &failed(jvm, "b")).is_empty());
        let data = "org.apache.kafka.connect.errors.DataException";
        assert_eq!(differences(&failed(data, "a"), &failed(data, "b")).len(), 1);
        assert_eq!(differences(&failed(jvm, "a"), &failed(data, "b")).len(), 2);
    }

    #[test]
    fn only_identities_of_objects_may_differ_in_a_text() {
        let java = json!("Struct{a=[B@1f2e,b=1}");
        assert!(differences(&java, &json!("Struct{a=xyz,b=1}")).is_empty());
        assert_eq!(differences(&java, &json!("Struct{a=xyz,b=2}")).len(), 1);
        assert_eq!(differences(&json!("B@12"), &json!("B@13")).len(), 1);
    }

    #[test]
    fn halves_of_pairs_may_be_shown_in_their_three_ways() {
        let side = |text: &str, own: &str| json!({"value": {"text": text, "own": own}});
        let ours = side("{a\u{fffd}=1, b=?}", "{\"a\u{fffd}\":1}");
        let found = |text, own| differences(&side(text, own), &ours).len();
        assert_eq!(found("{b=?, a?=1}", r#"{"a\uD83D":1}"#), 0);
        assert_eq!(found("{b=?, a?=2}", r#"{"a\uD83D":1}"#), 1);
        assert_eq!(found("{b=?, a?=1}", r#"{"a":1}"#), 1);
    }

    #[test]
    fn only_bad_bytes_in_names_and_letters_behind_words_may_be_refused() {
        let java = json!({"topic": "t"});
        let refused =
            |message: &str, cause: &str| json!({"failed": {"message": message, "causes": [cause]}});
        let bad = format!("{BAD_BYTE}\n at");
        assert!(differences(&java, &refused("a", &bad)).is_empty());
        let word = "Invalid UTF-8 middle byte 0xe2";
        assert!(differences(&java, &refused("a", word)).is_empty());
        let word = "Invalid UTF-8 middle byte 0x22";
        assert_eq!(differences(&java, &refused("a", word)).len(), 1);
        let found = differences(&refused("b", &bad), &refused("a", &bad));
        assert_eq!(found.len(), 1);
    }
}
