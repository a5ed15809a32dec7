//! Settings of predicates.

use super::Settings;
use super::seed::Random;

/// Every predicate, below [`super::transforms::PACKAGE`].
pub const CLASSES: [&str; 3] = [
    "predicates.HasHeaderKey",
    "predicates.RecordIsTombstone",
    "predicates.TopicNameMatches",
];

/// The settings of a predicate of `class`, one of [`CLASSES`].
pub fn settings(random: &mut Random, class: &str) -> Settings {
    let mut settings = Settings::new();
    if class.ends_with("HasHeaderKey") && !random.once_in(20) {
        let name = random.mostly(&["h", "h1", "h2", "trace", "ü"], &[""]);
        settings.insert("name".to_owned(), name.to_owned());
    }
    if class.ends_with("TopicNameMatches") && !random.once_in(20) {
        let right = [
            "orders.*",
            "orders",
            ".*-1",
            "(?i)ORDERS-.",
            "[^-]+",
            "payments|orders-\\d",
            "\\w+\\b.*",
        ];
        let pattern = random.mostly(&right, &["", "("]);
        settings.insert("pattern".to_owned(), pattern.to_owned());
    }
    settings
}
