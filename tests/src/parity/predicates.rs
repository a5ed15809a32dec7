//! Settings of predicates.

use super::Settings;
use super::seed::Random;
use super::transforms::header_name;

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
        let name = if random.once_in(20) {
            String::new()
        } else {
            header_name(random)
        };
        settings.insert("name".to_owned(), name);
    }
    if class.ends_with("TopicNameMatches") && !random.once_in(20) {
        let pattern = *random.pick(&[
            "orders.*",
            "orders",
            ".*-1",
            "(?i)ORDERS-.",
            "[^-]+",
            "payments|orders-\\d",
            "",
            "(",
            "\\w+\\b.*",
        ]);
        settings.insert("pattern".to_owned(), pattern.to_owned());
    }
    settings
}
