//! What the cases of a run come by: classes, their options, and how often each led to a record, a drop or a failure.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use super::{Case, Choice};

/// How often something was met, and what became of the cases.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Cases.
    pub cases: usize,
    /// Of them, those that gave a record.
    pub records: usize,
    /// Of them, those whose record was dropped.
    pub dropped: usize,
    /// Of them, those that failed.
    pub failed: usize,
    /// Of them, those whose settings were refused.
    pub refused: usize,
}

/// Tallies by class, and by class and option.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    tallies: BTreeMap<String, Tally>,
}

impl Coverage {
    /// Counts a case and what Java said to it.
    pub fn add(&mut self, case: &Case, java: &Value) {
        let mut met = Vec::new();
        for Choice { class, settings } in [&case.key, &case.value, &case.header] {
            met.push(class.clone());
            met.extend(settings.keys().map(|name| format!("{class} {name}")));
        }
        for (name, class) in &case.transforms {
            // `transforms.x.type`, not `transforms.x.target.type`.
            let Some(prefix) = name.strip_suffix("type") else {
                continue;
            };
            if prefix.matches('.').count() != 2 {
                continue;
            }
            met.push(class.clone());
            let options = case
                .transforms
                .keys()
                .filter_map(|other| other.strip_prefix(prefix));
            met.extend(
                options
                    .filter(|option| *option != "type")
                    .map(|option| format!("{class} {option}")),
            );
        }
        met.sort();
        met.dedup();
        for name in met {
            let tally = self.tallies.entry(name).or_default();
            tally.cases += 1;
            tally.records += usize::from(java.get("topic").is_some());
            tally.dropped += usize::from(java.get("dropped").is_some());
            tally.failed += usize::from(java.get("failed").is_some());
            tally.refused += usize::from(java.get("refused").is_some());
        }
    }

    /// How often a class was met (`a.b.Class`), or one of its options (`a.b.Class option`).
    #[must_use]
    pub fn cases(&self, name: &str) -> usize {
        self.tallies.get(name).map_or(0, |tally| tally.cases)
    }

    /// How many of the cases with this class or option gave a record.
    #[must_use]
    pub fn records(&self, name: &str) -> usize {
        self.tallies.get(name).map_or(0, |tally| tally.records)
    }

    /// A line for each class and option.
    #[must_use]
    pub fn table(&self) -> String {
        let mut table = String::from("  cases records dropped  failed refused\n");
        for (name, tally) in &self.tallies {
            let name = name
                .strip_prefix("org.apache.kafka.connect.")
                .unwrap_or(name);
            let Tally {
                cases,
                records,
                dropped,
                failed,
                refused,
            } = tally;
            let _ = writeln!(
                table,
                "{cases:7} {records:7} {dropped:7} {failed:7} {refused:7}  {name}"
            );
        }
        table
    }
}
