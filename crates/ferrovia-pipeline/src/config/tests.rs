//! Answers recorded from Java's `ConfigDef` 4.2: for each type and limit, the value or the text of the exception.

use std::collections::BTreeMap;

use super::{ConfigDef, ConfigError, ConfigKey, ConfigType, ConfigValue, Password, Validator};

fn check(key: ConfigKey, text: &str, expected: Result<ConfigValue, &str>) {
    let name = key.name().to_owned();
    let settings = BTreeMap::from([(name.clone(), text.to_owned())]);
    let parsed = ConfigDef::new().define(key).parse(&settings);
    match (parsed, expected) {
        (Ok(parsed), Ok(value)) => assert_eq!(parsed.value(&name), Some(&value), "{text:?}"),
        (Err(error), Err(message)) => assert_eq!(error.to_string(), message, "{text:?}"),
        (parsed, expected) => panic!("{text:?}: {parsed:?} is not {expected:?}"),
    }
}

fn list(items: &[&str]) -> ConfigValue {
    ConfigValue::List(items.iter().map(|&item| item.to_owned()).collect())
}

#[test]
fn every_type_is_read_as_java_reads_it() {
    use ConfigType as T;
    use ConfigValue as V;
    let not = |text: &str, kind: &str| {
        format!("Invalid value {text} for configuration k: Not a number of type {kind}")
    };
    let cases: Vec<(T, &str, Result<V, String>)> =
        vec![
        (T::Boolean, " TRUE ", Ok(V::Boolean(true))),
        (T::Boolean, "false", Ok(V::Boolean(false))),
        (
            T::Boolean,
            "yes",
            Err("Invalid value yes for configuration k: Expected value to be either true or false"
                .into()),
        ),
        (T::String, "  a b\t", Ok(V::String("a b".into()))),
        (T::String, "\u{a0}a", Ok(V::String("\u{a0}a".into()))),
        (T::Int, " +7", Ok(V::Int(7))),
        (T::Int, "-2147483648", Ok(V::Int(i32::MIN))),
        (T::Int, "2147483648", Err(not("2147483648", "INT"))),
        (T::Int, "1.0", Err(not("1.0", "INT"))),
        (T::Int, "", Err(not("", "INT"))),
        (T::Int, " x", Err(not(" x", "INT"))),
        (T::Short, "32767", Ok(V::Short(32767))),
        (T::Short, "32768", Err(not("32768", "SHORT"))),
        (T::Long, "9223372036854775807", Ok(V::Long(i64::MAX))),
        (T::Long, "9223372036854775808", Err(not("9223372036854775808", "LONG"))),
        (T::Long, "1_000", Err(not("1_000", "LONG"))),
        (T::Double, "1e3", Ok(V::Double(1000.0))),
        (T::Double, "1.5f", Ok(V::Double(1.5))),
        (T::Double, ".5D", Ok(V::Double(0.5))),
        (T::Double, "-Infinity", Ok(V::Double(f64::NEG_INFINITY))),
        (T::Double, "inf", Err(not("inf", "DOUBLE"))),
        (T::Double, "nan", Err(not("nan", "DOUBLE"))),
        (T::List, "", Ok(list(&[]))),
        (T::List, " a ,b\t,  c ", Ok(list(&["a", "b", "c"]))),
        (T::List, "a,,b", Ok(list(&["a", "", "b"]))),
        (T::List, ",", Ok(list(&["", ""]))),
        (T::Class, " org.x.Y ", Ok(V::Class("org.x.Y".into()))),
        (T::Password, " s3cret ", Ok(V::Password(Password::new("s3cret")))),
    ];
    for (kind, text, expected) in cases {
        let key = ConfigKey::required("k", kind);
        match expected {
            Ok(value) => check(key, text, Ok(value)),
            Err(message) => check(key, text, Err(&message)),
        }
    }
}

#[test]
fn limits_are_explained_in_javas_words() {
    let int = |validator| ConfigKey::required("k", ConfigType::Int).validator(validator);
    let string = |validator| ConfigKey::required("k", ConfigType::String).validator(validator);
    let listed = |validator| ConfigKey::required("k", ConfigType::List).validator(validator);
    let invalid =
        |value: &str, why: &str| format!("Invalid value {value} for configuration k: {why}");
    let no_empty = Validator::List {
        allow_empty: false,
        allow_null: false,
    };
    let cases = [
        (
            int(Validator::AtLeast(1)),
            "0",
            invalid("0", "Value must be at least 1"),
        ),
        (
            int(Validator::Between(1, 3)),
            "4",
            invalid("4", "Value must be no more than 3"),
        ),
        (
            string(Validator::OneOf(&["none", "all"])),
            "ALL",
            invalid("ALL", "String must be one of: none, all"),
        ),
        (
            string(Validator::OneOfIgnoringCase(&["poll", "interval"])),
            "x",
            invalid(
                "x",
                "String must be one of (case insensitive): POLL, INTERVAL",
            ),
        ),
        (
            string(Validator::NonEmpty),
            "  ",
            invalid("", "String must be non-empty"),
        ),
        (
            string(Validator::NonEmptyWithoutControlCharacters),
            "",
            invalid("", "String may not be empty"),
        ),
        (
            string(Validator::NonEmptyWithoutControlCharacters),
            "a\u{7}b\u{8}c",
            invalid(
                "a\u{7}b\u{8}c",
                "String may not contain control sequences but had the following ASCII chars: 7, 8",
            ),
        ),
        (
            listed(no_empty),
            "",
            "Configuration 'k' must not be empty. Valid values include: any non-empty value".into(),
        ),
        (
            listed(no_empty),
            "a,,b",
            "Configuration 'k' values must not be empty.".into(),
        ),
        (
            listed(Validator::UniqueAliases),
            "a, b, a",
            invalid("[a, b, a]", "Duplicate alias provided."),
        ),
    ];
    for (key, text, message) in cases {
        check(key, text, Err(&message));
    }
}

#[test]
fn items_that_come_twice_count_once() {
    let key = ConfigKey::required("k", ConfigType::List).validator(Validator::List {
        allow_empty: true,
        allow_null: false,
    });
    check(key, "b,a,b", Ok(list(&["b", "a"])));
}

#[test]
fn the_first_fault_in_order_of_definition_is_reported() {
    let definitions = ConfigDef::new()
        .define(ConfigKey::required("z", ConfigType::Int))
        .define(ConfigKey::required("a", ConfigType::Int));
    let error = definitions.parse(&BTreeMap::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Missing required configuration \"z\" which has no default value."
    );
    assert_eq!(definitions.validate(&BTreeMap::new()).len(), 2);
}

#[test]
fn an_unreadable_number_is_also_checked_as_absent() {
    let key =
        ConfigKey::with_default("tasks.max", ConfigType::Int, 1).validator(Validator::AtLeast(1));
    let settings = BTreeMap::from([("tasks.max".to_owned(), "x".to_owned())]);
    let faults = ConfigDef::new().define(key).validate(&settings);
    let texts: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "Invalid value x for configuration tasks.max: Not a number of type INT",
            "Invalid value null for configuration tasks.max: Value must be non-null",
        ]
    );
}

#[test]
fn a_secret_is_never_shown() {
    let key =
        ConfigKey::required("k", ConfigType::Password).validator(Validator::Rule(|name, value| {
            let shown = value.map(ToString::to_string).unwrap_or_default();
            Err(ConfigError::invalid(name, shown, "no"))
        }));
    let settings = BTreeMap::from([("k".to_owned(), "s3cret".to_owned())]);
    let definitions = ConfigDef::new().define(key);
    let error = definitions.parse(&settings).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Invalid value [hidden] for configuration k: no"
    );

    let open = ConfigDef::new().define(ConfigKey::required("k", ConfigType::Password));
    let parsed = open.parse(&settings).unwrap();
    assert!(!format!("{parsed:?}").contains("s3cret"));
    assert_eq!(parsed.password("k").map(Password::expose), Some("s3cret"));
}

#[test]
fn absent_values_and_unknown_keys_are_told_apart() {
    let definitions = ConfigDef::new()
        .define(ConfigKey::optional("opt", ConfigType::Int))
        .define(ConfigKey::with_default("def", ConfigType::Long, 5_i64));
    let parsed = definitions.parse(&BTreeMap::new()).unwrap();
    assert_eq!(parsed.optional_int("opt"), None);
    assert_eq!(parsed.long("def"), Ok(5));
    assert_eq!(
        parsed.long("gone").unwrap_err().to_string(),
        "Unknown configuration 'gone'"
    );
}
