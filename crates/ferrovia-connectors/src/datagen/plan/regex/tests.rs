//! Texts of expressions: they match, they have the lengths that are wanted, and what cannot be used is refused.

use ferrovia_pipeline::pattern::JavaPattern;
use proptest::prelude::*;

use super::*;

const USUAL: Lengths = Lengths { min: 8, max: 15 };

fn texts(expression: &str, wanted: Lengths) -> Vec<String> {
    let regex = Regex::parse(expression).unwrap();
    let mut rng = fastrand::Rng::with_seed(7);
    let one = |_| {
        let mut text = String::new();
        regex.write(&mut text, wanted, &mut rng);
        text
    };
    (0..300).map(one).collect()
}

#[test]
fn texts_match_their_expression_and_are_as_long_as_is_wanted() {
    for (expression, lengths) in [
        ("User_[1-9]", 6..=6),
        ("City_[1-9]{0,2}", 7..=7),
        ("[a-z]*", 8..=15),
        ("[^a-z]+x", 8..=15),
        (r"\[[0-9][0-9],[0-9][0-9]\]", 7..=7),
        (r"[A-Z]{2}\d{6}[A-Z]", 9..=9),
        (r"https://www[.]acme[.]com/product/[a-z]{5}", 34..=34),
        ("(cat|dog|[a-f]{9})", 9..=9),
        ("(ab|c){2,20}(?:-[0-9]+)?", 8..=15),
        (r"\w+@\w+\.com", 8..=15),
        ("^a.{3,}$", 8..=15),
        (r"[\]\-a]{8}", 8..=8),
        ("é{3}[α-ω]{5}", 8..=8),
        ("(a|b|)(x{2}|y{30})", 2..=3),
        ("([a-z]{5,7}){1,9}", 8..=15),
    ] {
        let whole = JavaPattern::new(&format!("^(?:{expression})$")).unwrap();
        for text in texts(expression, USUAL) {
            assert!(whole.matches(&text), "{expression}: {text:?}");
            let length = text.chars().count();
            assert!(lengths.contains(&length), "{expression}: {text:?}");
        }
    }
}

#[test]
fn few_texts_are_listed() {
    let list = |expression, wanted| Regex::parse(expression).unwrap().list(wanted, 0);
    let users = list("User_[1-3]", USUAL).unwrap();
    assert_eq!(users, ["User_1", "User_2", "User_3"]);
    assert_eq!(list("Item_[1-9][0-9]{0,2}", USUAL).unwrap().len(), 900);
    let short = Lengths { min: 0, max: 1 };
    assert_eq!(list("(a|bc){0,2}", short).unwrap(), ["", "a"]);
    assert_eq!(list("[a-z]{3}", USUAL), None);
    assert_eq!(list("a*", USUAL), None);
}

#[test]
fn few_texts_are_not_listed_where_they_are_long() {
    let behind = |expression: &str, bytes| Regex::parse(expression).unwrap().list(USUAL, bytes);
    let list = |expression: &str| behind(expression, 0);
    assert_eq!(list("[0-9]x{1000}").unwrap().len(), 10);
    assert_eq!(behind("[0-9]x", 6000).unwrap().len(), 10);
    assert_eq!(behind("[0-9]x", 7000), None, "with what stands beside them");
    assert_eq!(list("[0-9]{2}x{1000}"), None, "joined");
    let long = format!("({}y)", "x{1000}|".repeat(100));
    assert_eq!(list(&long), None, "one or another");
    assert_eq!(list("(x{1000}){1,12}"), None, "one after another");
}

#[test]
fn steps_grow_with_the_text_and_with_what_is_empty() {
    let long = Lengths {
        min: 0,
        max: CHARS_MAX,
    };
    for (expression, wanted, most) in [
        ("[a-z]{8}", USUAL, 32),
        ("((){65536}){2}", USUAL, 200_000),
        (r"[a-z]*@(x|[0-9]+)*\.com", long, STEPS_MAX),
        ("(a*b*c?)*", long, STEPS_MAX),
        ("((a{0,100})b)*", long, STEPS_MAX),
        ("((a*)*)*", USUAL, 10_000),
    ] {
        let steps = Regex::parse(expression).unwrap().steps_max(wanted);
        assert!(steps <= most, "{expression}: {steps}");
    }
    for expression in [
        "((){65536}){65536}",
        "((a?){65536}){65536}",
        "((){65536}a){100}",
    ] {
        let regex = Regex::parse(expression).unwrap();
        assert!(regex.steps_max(long) > STEPS_MAX, "{expression}");
    }
}

#[test]
fn what_cannot_be_used_is_refused() {
    for (expression, reason) in [
        ("(a", "a group is not closed"),
        ("a)", "a ) closes no group"),
        ("[a", "a [ is not closed"),
        ("[z-a]", "a class has a range that is not in order"),
        ("[a-z&&[b]]", "&& in classes is not supported"),
        ("*", "there is nothing to repeat before *"),
        ("a{3,1}", "{3,1} says no numbers up to 65536 in order"),
        ("a{", "a { is not closed"),
        (
            "(?=a)",
            "groups that begin with (? are not supported, but for (?:",
        ),
        (r"(a)\1", r"\1 is not supported"),
        (r"\bx", r"\b is not supported"),
        ("a^b", "^ is supported at either end only"),
        ("a\\", "it ends with a backslash"),
        ("(a{60000}){2}", "its texts have more than 65536 characters"),
    ] {
        assert_eq!(
            Regex::parse(expression).unwrap_err(),
            reason,
            "{expression}"
        );
    }
}

proptest! {
    #[test]
    fn any_expression_is_refused_or_makes_texts_within_bounds(expression in r"[ab\[\]()|*+?{}0-9,\\^$.-]{0,16}") {
        if let Ok(regex) = Regex::parse(&expression) {
            let mut text = String::new();
            regex.write(&mut text, USUAL, &mut fastrand::Rng::with_seed(1));
            prop_assert!(text.chars().count() <= regex.chars_max(USUAL), "{expression}: {text}");
            let _ = regex.list(USUAL, 0);
        }
    }
}
