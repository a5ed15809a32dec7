//! Which differences between Kafka Connect's answers and ours are meant, each by a rule with a name and the row of
//! `docs/differences.md` that users find it by. Nothing else excuses a difference.

use serde_json::Value;

use crate::scenario::Exchange;

/// The largest body that our workers take from users.
const BODY_BYTES_MAX: usize = 1 << 20;

/// A difference that is meant.
#[derive(Debug, Clone, Copy)]
pub struct Excuse {
    /// The rule's name.
    pub name: &'static str,
    /// The beginning of its row in `docs/differences.md`.
    pub row: &'static str,
    /// Whether Java's exchange and ours differ by this rule, and by it alone.
    meant: fn(&Exchange, &Exchange) -> bool,
}

impl Excuse {
    /// Whether Java's exchange and ours differ by this rule, and by it alone.
    #[must_use]
    pub fn covers(&self, java: &Exchange, ours: &Exchange) -> bool {
        (self.meant)(java, ours)
    }
}

/// All rules; the first that covers a difference counts.
pub const ALL: &[Excuse] = &[
    Excuse {
        name: "405 says what is allowed",
        row: "| 405 |",
        meant: |java, ours| {
            let mut ours = ours.answer.clone();
            ours.headers.retain(|(name, _)| name != "allow");
            java.answer.status == 405 && java.answer == ours
        },
    },
    Excuse {
        name: "names with slashes",
        row: "| names with `%2F`, `%25` or `%5C` in addresses |",
        meant: |java, ours| {
            let mut escapes = ["%2F", "%25", "%5C"].iter();
            let has_one = escapes.any(|escape| java.request.path.contains(escape));
            is_jettys(java) && has_one && ours.answer.status != 400
        },
    },
    Excuse {
        name: "restarts of what does not exist",
        row: "| restarts of what does not exist, standalone |",
        meant: |java, ours| {
            let is_restart = java.request.path.starts_with("/connectors/none/")
                && java.request.path.contains("/restart");
            is_restart && java.answer.status == 500 && ours.answer.status == 404
        },
    },
    Excuse {
        name: "restarts of tasks that are gone",
        row: "| restarts of tasks that a connector has no more, distributed |",
        meant: |java, ours| {
            let is_restart = java.request.path.ends_with("/tasks/0/restart");
            let is_gone = ours.answer.body.contains("Unknown task: ");
            is_restart && is_gone && java.answer.status == 409 && ours.answer.status == 404
        },
    },
    Excuse {
        name: "addresses that Jetty refuses",
        row: "| empty parts of an address, bad escapes, escaped control characters |",
        meant: |java, ours| {
            is_jettys(java) && ours.answer.status == 400 && ours.answer.body.starts_with('{')
        },
    },
    Excuse {
        name: "matrix parameters",
        row: "| matrix parameters ",
        meant: |java, ours| java.request.path.contains(';') && ours.answer.status == 404,
    },
    Excuse {
        name: "other plugins",
        row: "## Not there yet",
        meant: are_fewer_plugins,
    },
    Excuse {
        name: "other plugins in a message",
        row: "## Not there yet",
        meant: differ_in_plugins,
    },
    Excuse {
        name: "bodies that are too large",
        row: "| sizes of requests to REST |",
        meant: |java, ours| {
            let size = java.request.body.as_ref().map_or(0, String::len);
            size > BODY_BYTES_MAX && ours.answer.status == 413
        },
    },
    Excuse {
        name: "words of the JSON parser",
        row: "| words for JSON that is not well formed |",
        meant: |java, ours| {
            let is_broken = |body: &str| serde_json::from_str::<Value>(body).is_err();
            java.answer.status == ours.answer.status
                && java.answer.headers == ours.answer.headers
                && java.request.body.as_deref().is_some_and(is_broken)
        },
    },
];

/// Whether ours lists Kafka's own plugins as Java does, among others, but not all of them.
fn are_fewer_plugins(java: &Exchange, ours: &Exchange) -> bool {
    let listed = |of: &Exchange| serde_json::from_str::<Vec<Value>>(&of.answer.body).ok();
    let is_kafkas = |plugin: &Value| {
        let class = plugin.get("class").and_then(Value::as_str);
        class.is_some_and(|class| class.starts_with("org.apache.kafka."))
    };
    let (Some(java_lists), Some(mut ours_lists)) = (listed(java), listed(ours)) else {
        return false;
    };
    ours_lists.retain(is_kafkas);
    let mut rest = java_lists.iter();
    let in_order = ours_lists
        .iter()
        .all(|plugin| rest.any(|other| other == plugin));
    let path = java.request.path.split('?').next().unwrap_or_default();
    path.trim_end_matches('/') == "/connector-plugins"
        && java.answer.headers == ours.answer.headers
        && !ours_lists.is_empty()
        && in_order
}

/// Whether the answers are equal up to the list of all connectors that there are.
fn differ_in_plugins(java: &Exchange, ours: &Exchange) -> bool {
    let before = |of: &Exchange| {
        let text = of.answer.text();
        let (before, _) = text.split_once("available connectors are: PluginDesc{")?;
        Some(before.to_owned())
    };
    before(java).is_some() && before(java) == before(ours)
}

/// Whether Jetty answered before Kafka Connect saw the request.
fn is_jettys(java: &Exchange) -> bool {
    java.answer.status == 400 && java.answer.body == "a page of HTML"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grounds::root;

    #[test]
    fn every_rule_has_its_row_in_the_documentation() {
        let page = std::fs::read_to_string(root().join("docs/differences.md")).unwrap();
        for excuse in ALL {
            let found = page.lines().any(|line| line.starts_with(excuse.row));
            assert!(found, "{}: no row {}", excuse.name, excuse.row);
        }
    }
}
