//! Java's expressions, matched and refused.

use super::*;

use proptest::prelude::*;

#[test]
fn expression_that_takes_too_long_matches_nothing() {
    let pattern = JavaPattern::new("(?=(a+)+b)a*").unwrap();
    assert!(!pattern.matches(&"a".repeat(60)));
    assert_eq!(
        pattern.replace_first(&"a".repeat(60), "x").unwrap(),
        "a".repeat(60)
    );
}

#[test]
fn classes_too_deep_in_one_another_are_refused() {
    let error = JavaPattern::new(&"[".repeat(10_000)).unwrap_err();
    assert!(
        error.to_string().starts_with("Unsupported expression: "),
        "{error}"
    );
}

#[test]
fn groups_too_deep_in_one_another_do_no_harm() {
    let deep = format!("{}a{}", "(".repeat(5_000), ")".repeat(5_000));
    assert!(JavaPattern::new(&deep).is_err());
}

#[test]
fn unsupported_constructs_are_named() {
    for (pattern, name) in [
        ("\\X", "\\X"),
        ("\\p{InGreek}", "blocks"),
        ("(?U)a", "flag U"),
    ] {
        let error = JavaPattern::new(pattern).unwrap_err().to_string();
        assert!(
            error.starts_with("Unsupported expression: ") && error.contains(name),
            "{error}"
        );
    }
}

proptest! {
    #[test]
    fn no_expression_does_harm(pattern in "[a-c()\\[\\]{}?*+|^$.\\\\&<>=!:,0-9iQEpkxuDdwZ-]{0,24}", text in "[a-c.]{0,8}") {
        if let Ok(compiled) = JavaPattern::new(&pattern) {
            let _ = compiled.matches(&text);
            let _ = compiled.replace_first(&text, "$0");
        }
    }

    #[test]
    fn quoted_text_matches_itself_alone(text in "[ -~é]{1,16}", other in "[ -~é]{1,16}") {
        prop_assume!(!text.contains("\\E"));
        let pattern = JavaPattern::new(&format!("\\Q{text}\\E")).unwrap();
        prop_assert!(pattern.matches(&text));
        prop_assert_eq!(pattern.matches(&other), text == other);
        prop_assert_eq!(pattern.replace_first(&text, "$0$0").unwrap(), text.repeat(2));
    }
}
