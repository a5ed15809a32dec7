//! Which differences between Kafka Connect's answers and ours are meant, each by a rule with a name and the row of
//! `docs/differences.md` that users find it by. Nothing else excuses a difference.

use crate::scenario::Exchange;

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

/// All rules.
pub const ALL: &[Excuse] = &[
    Excuse {
        name: "names that Jetty refuses",
        row: "| names with `%2F`, empty path segments, bad escapes |",
        meant: |java, ours| {
            java.answer.status == 400
                && java.answer.body == "a page of HTML"
                && [400, 404].contains(&ours.answer.status)
        },
    },
    Excuse {
        name: "methods that only Jetty knows",
        row: "| `Server` header, `OPTIONS`, TRACE |",
        meant: |java, ours| {
            ["OPTIONS", "TRACE"].contains(&java.request.method.as_str())
                && ours.answer.status == 405
        },
    },
];

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
