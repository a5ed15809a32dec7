//! Whole answers, compared with those that Java's workers of 4.2 gave to the same settings: a worker that is alone unless
//! the case names one of a cluster, with or without exactly-once support.
//!
//! The golden file holds what Java said, without the documentation of keys, which has words of its own here. Answers
//! share their definitions, values and lists of proposals by number.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::config::worker::ClientKind;
use crate::herder::testing::{self, file, validator};

const GOLDEN: &str = include_str!("golden.json");
/// Cases that must have been compared, so that none is left out unseen.
const COMPARED_MIN: usize = 190;

/// The worker that Java's answers came from.
fn worker(policy: &str) -> ConnectorValidator {
    validator(&[
        ("connector.client.config.override.policy", policy),
        (
            "connector.client.config.override.allowlist",
            "max.poll.records, auto.offset.reset,acks",
        ),
    ])
}

/// The worker that Java's answer to this case came from.
fn worker_of(case: &Value) -> ConnectorValidator {
    let alone = worker(case["policy"].as_str().unwrap());
    let gives_exactly_once = match case["worker"].as_str() {
        Some("cluster") => false,
        Some("cluster exactly once") => true,
        _ => return alone,
    };
    alone.in_cluster(InCluster {
        group: "workers".to_owned(),
        gives_exactly_once,
    })
}

/// The golden answers, and what this worker has of Java's plugins.
struct Golden {
    file: Value,
    classes: BTreeSet<&'static str>,
}

impl Golden {
    fn load() -> Self {
        let classes = worker("All")
            .plugins()
            .all()
            .iter()
            .map(|plugin| plugin.class)
            .collect();
        Self {
            file: serde_json::from_str(GOLDEN).unwrap(),
            classes,
        }
    }

    fn entry(&self, table: &str, number: &Value) -> Value {
        let at = number.as_u64().and_then(|at| usize::try_from(at).ok());
        at.map_or(Value::Null, |at| self.file[table][at].clone())
    }

    /// Proposals name classes and versions; those of plugins that are not here are taken out.
    fn value(&self, number: &Value) -> Value {
        let mut value = self.entry("values", number);
        if let Value::Object(fields) = &mut value {
            let proposals = self.entry("recommended", &fields["recommended_values"]);
            let is_here = |text: &str| !text.starts_with("org.") || self.classes.contains(text);
            let here = proposals.as_array().unwrap().iter();
            fields["recommended_values"] = here
                .filter(|each| is_here(each.as_str().unwrap()))
                .cloned()
                .collect();
        }
        value
    }

    fn answer(&self, case: &Value) -> Value {
        let answer = &case["answer"];
        let configs = answer["configs"].as_array().unwrap().iter();
        let configs: Vec<Value> = configs
            .map(|pair| json!([self.entry("definitions", &pair[0]), self.value(&pair[1])]))
            .collect();
        json!([
            answer["name"],
            answer["error_count"],
            answer["groups"],
            configs
        ])
    }

    /// Whether a case needs a plugin that is not here.
    fn is_foreign(&self, case: &Value) -> bool {
        let config = case["config"].as_object().unwrap();
        config.iter().any(|(key, value)| {
            let Some(name) = value.as_str().filter(|_| key.ends_with("converter")) else {
                return false;
            };
            let java = [
                "Json", "Boolean", "Short", "Integer", "Long", "Float", "Double",
            ];
            let simple = name.rsplit('.').next().unwrap();
            let is_java = java.contains(&simple.strip_suffix("Converter").unwrap_or(simple));
            is_java && !self.classes.iter().any(|class| class.contains(simple))
        })
    }
}

/// Our answer in the golden file's form.
fn shown(infos: &ConfigInfos) -> Value {
    let definition = |key: &KeyInfo| {
        json!({
            "name": key.name, "type": key.kind.to_string(), "required": key.is_required,
            "default_value": key.default_value, "importance": key.importance, "group": key.group,
            "order_in_group": key.order_in_group, "width": key.width,
            "display_name": key.display_name, "dependents": key.dependents,
        })
    };
    let value = |value: &ValueInfo| {
        json!({
            "name": value.name, "value": value.value, "recommended_values": value.recommended_values,
            "errors": value.errors, "visible": value.is_visible,
        })
    };
    let configs = infos.configs.iter().map(|info| {
        json!([
            info.definition.as_ref().map(definition),
            info.value.as_ref().map(value)
        ])
    });
    let configs: Vec<Value> = configs.collect();
    json!([infos.name, infos.error_count, infos.groups, configs])
}

fn given(case: &Value) -> GivenSettings {
    let config = case["config"].as_object().unwrap();
    config
        .iter()
        .map(|(key, value)| (key.clone(), value.as_str().map(str::to_owned)))
        .collect()
}

/// The differences, key by key, so that a failure can be read.
fn difference(ours: &Value, java: &Value) -> Option<String> {
    for at in 0..3 {
        if ours[at] != java[at] {
            return Some(format!("ours {} java {}", ours[at], java[at]));
        }
    }
    let (ours, java) = (ours[3].as_array()?, java[3].as_array()?);
    for (mine, theirs) in ours.iter().zip(java) {
        for part in 0..2 {
            if mine[part] != theirs[part] {
                return Some(format!("\n  ours {}\n  java {}", mine[part], theirs[part]));
            }
        }
    }
    (ours.len() != java.len()).then(|| format!("{} keys, java {}", ours.len(), java.len()))
}

#[test]
fn answers_equal_javas() {
    let golden = Golden::load();
    let (mut compared, mut wrong) = (0, Vec::new());
    for case in golden.file["cases"].as_array().unwrap() {
        if golden.is_foreign(case) || case["status"] != 200 {
            continue;
        }
        compared += 1;
        let name = &case["name"];
        match worker_of(case).validate(&given(case)) {
            Err(error) => wrong.push(format!("{name}: refused: {error}")),
            Ok(infos) => {
                let (ours, java) = (shown(&infos), golden.answer(case));
                wrong.extend(difference(&ours, &java).map(|what| format!("{name}: {what}")));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {compared}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(
        compared >= COMPARED_MIN,
        "only {compared} answers were compared"
    );
}

#[test]
fn refusals_equal_javas() {
    let golden = Golden::load();
    let mut compared = 0;
    for case in golden.file["cases"].as_array().unwrap() {
        let message = case["message"].as_str().unwrap_or_default();
        // The endpoint refuses these before it validates anything.
        if case["status"] == 200 || message.starts_with("Included") {
            continue;
        }
        compared += 1;
        let Err(error) = worker_of(case).validate(&given(case)) else {
            panic!("{} is not refused", case["name"]);
        };
        let class = match error {
            HerderError::BadRequest(_) => {
                "org.apache.kafka.connect.runtime.rest.errors.BadRequestException"
            }
            _ => "org.apache.kafka.common.config.ConfigException",
        };
        let ours = format!("{class}: {error}");
        assert!(
            ours.starts_with(message),
            "{}:\n{ours}\n{message}",
            case["name"]
        );
    }
    assert!(compared >= 5, "only {compared} refusals were compared");
}

#[test]
fn a_bad_connector_is_refused_with_the_list_of_its_errors() {
    let settings = [
        ("name", "s"),
        ("connector.class", "FileStreamSink"),
        ("tasks.max", "0"),
    ];
    let error = worker("All")
        .admit(&testing::given(&settings), InitialState::Running)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "Connector configuration is invalid and contains the following 3 error(s):\n\
         Invalid value 0 for configuration tasks.max: Value must be at least 1\n\
         Must configure one of topics or topics.regex\n\
         Must configure one of topics or topics.regex\n\
         You can also find the above list of errors at the endpoint \
         `/connector-plugins/{connectorType}/config/validate`"
    );
}

#[test]
fn a_plugins_keys_come_before_those_of_all_connectors() {
    let validator = worker("All");
    let keys = validator.plugin_config("FileStreamSink", "latest").unwrap();
    let names: Vec<&str> = keys.iter().map(|key| key.name.as_str()).collect();
    assert_eq!(&names[..3], ["file", "name", "connector.class"]);
    assert_eq!(keys.len(), 25);
    assert_eq!(validator.plugin_config("Filter", "4.2.0").unwrap(), []);
    let refused = |name, version| {
        validator
            .plugin_config(name, version)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(refused("Nope", "latest"), "Unknown plugin Nope.");
    let policy = "Invalid plugin class All. Valid types are sink, source, converter, \
                  header_converter, transformation, predicate.";
    assert_eq!(refused("All", "latest"), policy);
    assert_eq!(refused("Value", "latest"), "Unknown plugin Value.");
    assert_eq!(refused("X", "[1"), "Invalid version specification: [1");
    assert_eq!(
        refused("FileStreamSink", "1.0"),
        "Plugin org.apache.kafka.connect.file.FileStreamSinkConnector not found that matches the \
         version range [1.0,1.0], available versions: [4.2.0]"
    );
}

#[test]
fn a_key_that_java_does_not_have_is_listed_where_it_is_set() {
    const KEY: &str = "errors.deadletterqueue.outage.threshold";
    let validator = worker("All");
    let errors = |value: Option<&str>| {
        let settings = [
            ("name", Some("s")),
            ("connector.class", Some("FileStreamSink")),
            ("topics", Some("t")),
            (KEY, value),
        ];
        let set = settings.into_iter().filter(|(_, value)| value.is_some());
        let given = set.map(|(key, value)| (key.to_owned(), value.map(str::to_owned)));
        let infos = validator.validate(&given.collect()).unwrap();
        let mut values = infos.configs.into_iter().filter_map(|info| info.value);
        values.find(|value| value.name == KEY).map(|it| it.errors)
    };
    assert_eq!(errors(None), None);
    assert_eq!(errors(Some("3")), Some(Vec::new()));
    let below = format!("Invalid value -1 for configuration {KEY}: Value must be at least 0");
    assert_eq!(errors(Some("-1")), Some(vec![below]));
}

#[test]
fn a_policy_is_enforced_once_more_when_a_task_starts() {
    let connector = file(&[
        ("name", "s"),
        ("connector.class", "FileStreamSink"),
        ("topics", "t"),
        ("consumer.override.group.id", "g"),
        ("producer.override.acks", "1"),
    ]);
    let refused = worker("None")
        .resolve_task(&connector.settings, &BTreeMap::new())
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "Client Config Overrides not allowed [[group.id,[hidden],[],[The 'None' policy does not \
         allow 'group.id' to be overridden in the connector configuration.],true]]"
    );
    assert!(
        worker("All")
            .resolve_task(&connector.settings, &BTreeMap::new())
            .is_ok()
    );
}

#[test]
fn misspelt_keys_are_found_with_what_was_meant() {
    let written = file(&[
        ("name", "s"),
        ("connector.class", "FileStreamSink"),
        ("topics", "t"),
        ("task.max", "2"),
        ("filee", "x"),
        ("consumer.override.max.pol.records", "1"),
        ("transforms", "a"),
        (
            "transforms.a.type",
            "org.apache.kafka.connect.transforms.RegexRouter",
        ),
        ("transforms.a.regex", "x"),
        ("transforms.a.replacement", "y"),
        ("transforms.a.predicat", "p"),
        ("something.of.its.own", "x"),
    ]);
    let given = written
        .settings
        .iter()
        .map(|(key, value)| (key.clone(), Some(value.clone())));
    let infos = worker("All").validate(&given.collect()).unwrap();
    let found = spelling::misspelt(&infos, &written.settings);
    let found: Vec<(&str, &str)> = found
        .iter()
        .map(|(k, m)| (k.as_str(), m.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            (
                "consumer.override.max.pol.records",
                "consumer.override.max.poll.records"
            ),
            ("filee", "file"),
            ("task.max", "tasks.max"),
            ("transforms.a.predicat", "transforms.a.predicate"),
        ]
    );
    assert!(
        crate::config::client_definition::client(ClientKind::Consumer)
            .keys()
            .count()
            > 60
    );
}

/// The faults of each key, and the keys that are listed without a definition.
fn faults_in_group(group: &str, settings: &[(&str, &str)]) -> (Vec<(String, String)>, Vec<String>) {
    let validator = validator(&[]).in_cluster(InCluster {
        group: group.to_owned(),
        gives_exactly_once: false,
    });
    let least = [
        ("name", "s"),
        ("connector.class", "FileStreamSink"),
        ("topics", "t"),
    ];
    let all: Vec<_> = least.iter().chain(settings).copied().collect();
    let infos = validator.validate(&testing::given(&all)).unwrap();
    let values = infos.configs.iter().filter_map(|info| info.value.as_ref());
    let faults = values.flat_map(|value| {
        let errors = value.errors.iter();
        errors.map(|error| (value.name.clone(), error.clone()))
    });
    let undefined = infos.configs.iter();
    let undefined = undefined.filter(|info| info.definition.is_none());
    let undefined = undefined.filter_map(|info| Some(info.value.as_ref()?.name.clone()));
    (faults.collect(), undefined.collect())
}

#[test]
fn sink_must_not_read_in_the_group_of_its_workers() {
    let key = "consumer.override.group.id";
    let fault = |key: &str, text: &str| vec![(key.to_owned(), text.to_owned())];
    assert_eq!(
        faults_in_group("connect-s", &[]).0,
        fault(
            "name",
            "Consumer group for sink connector named s conflicts with Connect worker group connect-s"
        )
    );
    assert!(faults_in_group("workers", &[]).0.is_empty());
    let (faults, undefined) = faults_in_group("workers", &[(key, "workers")]);
    assert_eq!(
        faults,
        fault(
            key,
            "Consumer group workers conflicts with Connect worker group workers"
        )
    );
    assert_eq!(undefined, [key]);
    // The name does not matter then, and Java lists the key all the same.
    let (faults, undefined) = faults_in_group("connect-s", &[(key, "own")]);
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!(undefined, [key]);
}

#[test]
fn connector_may_refuse_settings_beyond_its_definitions() {
    let faults = |refuses: &str| {
        let all = [
            ("name", "s"),
            ("connector.class", "FileStreamSource"),
            ("topic", "t"),
            ("file", "f"),
            ("refuses", refuses),
        ];
        let infos = validator(&[]).validate(&testing::given(&all)).unwrap();
        let values = infos.configs.into_iter().filter_map(|info| info.value);
        let faulty = values.filter(|value| !value.errors.is_empty());
        faulty
            .map(|value| (value.name, value.errors))
            .collect::<Vec<_>>()
    };
    let refused = ("file".to_owned(), vec!["The file is refused.".to_owned()]);
    assert_eq!(faults("file"), [refused]);
    assert_eq!(faults("nothing"), []);
}

#[test]
fn policy_rules_over_the_clients_that_a_source_has_and_no_others() {
    let source = [
        ("name", "s"),
        ("connector.class", "FileStreamSource"),
        ("file", "f"),
        ("topic", "t"),
        ("consumer.override.fetch.min.bytes", "2"),
    ];
    let own_topic = [&source[..], &[("offsets.storage.topic", "own")]].concat();
    let alone = || worker("None");
    let in_cluster = |gives_exactly_once| {
        alone().in_cluster(InCluster {
            group: "workers".to_owned(),
            gives_exactly_once,
        })
    };
    // Whether each of these refuses what is set of a consumer: validation, a task, a look at the offsets.
    let refusals = |validator: ConnectorValidator, settings: &[(&str, &str)]| {
        let given = testing::given(settings);
        let infos = validator.validate(&given).unwrap();
        let written = given.into_iter();
        let written = written
            .map(|(key, value)| (key, value.unwrap()))
            .collect::<BTreeMap<_, _>>();
        [
            infos.error_count > 0,
            validator.resolve_task(&written, &written).is_err(),
            validator.resolve_offsets(&written).is_err(),
        ]
    };
    assert_eq!(refusals(alone(), &source), [false; 3]);
    assert_eq!(refusals(alone(), &own_topic), [false; 3]);
    assert_eq!(refusals(in_cluster(false), &source), [false; 3]);
    assert_eq!(refusals(in_cluster(false), &own_topic), [true; 3]);
    assert_eq!(refusals(in_cluster(true), &source), [true; 3]);
}
