//! Each form of a connector's file, with the outcome that Java's `ConnectStandalone` 4.2 showed.

use super::*;

fn load(content: &str) -> Result<ConnectorFile, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.json");
    std::fs::write(&file, content).unwrap();
    ConnectorFile::load(&file)
        .map_err(|error| error.to_string().replace(&file.display().to_string(), "F"))
}

fn check(content: &str, settings: &[(&str, &str)], initial_state: InitialState) {
    let loaded = load(content).unwrap();
    let expected: BTreeMap<String, String> = settings
        .iter()
        .map(|&(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    assert_eq!(loaded.settings, expected, "{content}");
    assert_eq!(loaded.name, expected["name"]);
    assert_eq!(loaded.initial_state, initial_state);
}

#[test]
fn all_three_forms_are_read() {
    use InitialState::{Paused, Running};
    check(
        "name=p\ntasks.max=2\n",
        &[("name", "p"), ("tasks.max", "2")],
        Running,
    );
    check(
        r#"{"name":"j","tasks.max":2,"b":true,"c":1.50,"d":"x\ny"} ignored"#,
        &[
            ("name", "j"),
            ("tasks.max", "2"),
            ("b", "true"),
            ("c", "1.50"),
            ("d", "x\ny"),
        ],
        Running,
    );
    check(
        r#"{"name":"j","config":{"topics":"t"},"initial_state":"paused","more":[1]}"#,
        &[("name", "j"), ("topics", "t")],
        Paused,
    );
    check(
        r#"{"name":"j","config":{"name":"j"},"initial_state":null}"#,
        &[("name", "j")],
        Running,
    );
}

#[test]
fn faults_have_javas_texts() {
    let missing = "Connector configuration at 'F' is missing the mandatory 'name' configuration";
    let mismatch =
        "Connector name configuration in 'config' doesn't match the one specified in 'name' at 'F'";
    for content in [
        "",
        "connector.class=X\n",
        r#"{"connector.class":"X"}"#,
        "[1]",
    ] {
        assert_eq!(load(content).unwrap_err(), missing, "{content}");
    }
    assert_eq!(
        load(r#"{"name":"j","config":{"name":"k"}}"#).unwrap_err(),
        mismatch
    );
    let null = load(r#"{"name":"j","a":null}"#).unwrap_err();
    assert!(
        null.ends_with("Null value can not be supplied as the configuration value."),
        "{null}"
    );
}

#[test]
fn broken_json_is_said_to_be_broken() {
    let truncated = load(r#"{"name":"j","config":{"a""#).unwrap_err();
    assert!(
        truncated.starts_with("Connector configuration at 'F' is missing"),
        "{truncated}"
    );
    assert!(truncated.contains("not valid JSON: EOF"), "{truncated}");
    let state = load(r#"{"name":"j","config":{"a":"b"},"initial_state":"bad"}"#).unwrap_err();
    assert!(state.contains("unknown initial_state 'bad'"), "{state}");
}

#[test]
fn an_absent_file_is_named() {
    let error = ConnectorFile::load(Path::new("/nonexistent.c"))
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "/nonexistent.c: No such file or directory (os error 2)"
    );
}
