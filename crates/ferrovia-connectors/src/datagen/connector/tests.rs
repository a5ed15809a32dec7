//! Settings that are refused, and the settings of tasks.

use std::sync::Arc;

use ferrovia_pipeline::connector::ConnectorEvents;
use ferrovia_pipeline::data::Map;
use ferrovia_pipeline::source::OffsetReader;

use super::*;

#[derive(Debug)]
struct Nobody;

impl ConnectorEvents for Nobody {
    fn on_reconfiguration_wanted(&self) {}
    fn on_failure(&self, _error: ConnectError) {}
}

impl OffsetReader for Nobody {
    fn offset(&self, _partition: &Map<'_>) -> Result<Option<Map<'static>>, ConnectError> {
        Ok(None)
    }
}

fn started(settings: &[(&str, &str)]) -> Result<DatagenConnector, ConnectError> {
    let mut connector = DatagenConnector::default();
    let context = ConnectorContext::new(Arc::new(Nobody), Arc::new(Nobody));
    connector.start(&all(settings), context)?;
    Ok(connector)
}

fn all(settings: &[(&str, &str)]) -> BTreeMap<String, String> {
    let topic = [("kafka.topic", "t")];
    let settings = topic.iter().chain(settings);
    settings
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn tasks_are_as_many_as_there_may_be_and_numbered() {
    let connector = started(&[("quickstart", "users")]).unwrap();
    let tasks = connector.task_configs(3).unwrap();
    let numbers: Vec<&str> = tasks.iter().map(|task| task["task.id"].as_str()).collect();
    assert_eq!(numbers, ["0", "1", "2"]);
    assert!(tasks.iter().all(|task| task["quickstart"] == "users"));
}

#[test]
fn settings_that_cannot_be_used_are_refused() {
    let one = "Must set exactly one of schema.string, schema.filename, quickstart";
    for (settings, reason) in [
        (&[][..], one),
        (
            &[
                ("quickstart", "users"),
                ("schema.filename", "users_schema.avro"),
            ],
            one,
        ),
        (
            &[("quickstart", "user")],
            "quickstart must be one out of clickstream_codes,clickstream,",
        ),
        (
            &[("quickstart", "users"), ("schema.keyfield", "id")],
            "The schema does not contain the field provided in 'schema.keyfield'",
        ),
        (
            &[("schema.string", "{")],
            "Unable to parse the provided schema: EOF while parsing",
        ),
        (
            &[("schema.string", "\"int\"")],
            "Unable to parse the provided schema: int is not a record",
        ),
        (
            &[("schema.filename", "/nowhere/at/all")],
            "Unable to parse the provided schema: /nowhere/at/all: ",
        ),
        (
            &[("quickstart", "users"), ("max.interval", "soon")],
            "Invalid value soon for configuration max.interval",
        ),
    ] {
        let refused = started(settings).unwrap_err();
        assert!(refused.to_string().starts_with(reason), "{refused}");
        assert_eq!(
            refused.class(),
            "org.apache.kafka.common.config.ConfigException"
        );
    }
}

#[test]
fn schema_that_cannot_be_used_is_found_by_validation() {
    let definitions = DatagenConnector::default().config();
    let faults = definitions.validate(&all(&[("schema.string", "[]")]));
    let [fault] = faults.as_slice() else {
        panic!("{faults:?}")
    };
    assert_eq!(fault.name(), "schema.string");
    assert_eq!(
        fault.to_string(),
        "Unable to parse the provided schema: a union has no members"
    );
    assert_eq!(
        definitions.validate(&all(&[("schema.filename", "users_schema.avro")])),
        []
    );
}

#[test]
fn defaults_are_javas() {
    let parsed = definitions().parse(&all(&[])).unwrap();
    assert_eq!(parsed.long("max.interval").unwrap(), 500);
    assert_eq!(parsed.int("iterations").unwrap(), -1);
    assert_eq!(parsed.value("random.seed"), None);
    assert!(definitions().parse(&BTreeMap::new()).is_err());
}

#[test]
fn settings_that_do_not_go_together_are_found_before_the_start() {
    let faults = |settings: &[(&str, &str)]| {
        let faults = DatagenConnector::default().validate(&all(settings));
        faults.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let one = "Must set exactly one of schema.string, schema.filename, quickstart";
    assert_eq!(faults(&[]), [one]);
    // What is wrong by itself is told of by the definitions.
    assert!(faults(&[("quickstart", "user")]).is_empty());
    assert!(faults(&[("quickstart", "users")]).is_empty());
}
