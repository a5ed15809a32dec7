//! The same life of connectors on Java Connect's worker and on ours: the config and status topics hold the same records.
//!
//! Values of the config topic agree byte by byte, in order, but for the order of a connector's properties, as
//! `docs/differences.md` says. Of the status topic each key's states agree, in order; what the records say besides is
//! compared where the life ends.

use std::collections::BTreeMap;
use std::io;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use ferrovia_tests::cluster::{Cluster, FILE_SINK};
use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::lab::{Lab, Load, Sample};
use ferrovia_tests::scenario::Script;
use ferrovia_tests::scenario::normal::Masks;
use ferrovia_tests::wait;
use ferrovia_tests::worker::{Make, Worker};

/// How long a record may take to be written.
const WRITTEN_LIMIT: Duration = Duration::from_secs(60);
/// The life writes more config records than this.
const RECORDS_MIN: usize = 25;

/// One worker, its topics and what is masked in them.
struct Side {
    _kafka: Kafka,
    lab: Lab,
    cluster: Cluster,
    worker: Worker,
    masks: Masks,
    /// Events that were waited for in vain.
    missed: Vec<String>,
}

impl Side {
    fn start(make: Make) -> io::Result<Self> {
        let kafka = Kafka::start(ORACLE)?;
        let mut lab = Lab::start(&kafka)?;
        lab.create("t", 2)?;
        lab.produce(&Load::text("t", 2, 20))?;
        let cluster = Cluster::new(&kafka);
        let worker = cluster.start(make)?;
        let masks = Masks {
            ports: vec![worker.port()],
            folder: worker.folder().to_path_buf(),
        };
        Ok(Self {
            _kafka: kafka,
            lab,
            cluster,
            worker,
            masks,
            missed: Vec::new(),
        })
    }

    fn play(&mut self, write: impl FnOnce(&mut Script)) -> io::Result<()> {
        let mut script = Script::default();
        write(&mut script);
        for exchange in script.play(self.worker.port(), &self.masks)? {
            match exchange.event {
                Some(event) if !event.came => self.missed.push(event.what),
                None if !(200..300).contains(&exchange.raw.status) => {
                    return Err(io::Error::other(format!("{exchange:?}")));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Keys and values of a topic, in order.
    fn records(&mut self, kind: &str) -> io::Result<Vec<(String, Option<String>)>> {
        let records = self.lab.read(&self.cluster.topic(kind))?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let pair = |it: Sample| (it.key.map(text).unwrap_or_default(), it.value.map(text));
        Ok(records.into_iter().map(pair).collect())
    }

    fn states_of(&mut self, key: &str) -> io::Result<Vec<Option<String>>> {
        Ok(states(&self.records("status")?)
            .remove(key)
            .unwrap_or_default())
    }

    /// Plays what makes an item be started anew, and waits until its last state has been written once more.
    fn restart(&mut self, key: &str, write: impl FnOnce(&mut Script)) -> io::Result<()> {
        let before = self.states_of(key)?.len();
        self.play(write)?;
        wait::until(&format!("a new state of {key}"), WRITTEN_LIMIT, || {
            let now = self.states_of(key)?;
            let last = now.last().cloned().flatten();
            Ok((now.len() > before && last.as_deref() == Some("RUNNING")).then_some(()))
        })
    }
}

/// The states that each key has had, `None` for a tombstone, without repetitions: how often a state is written anew
/// depends on how many rebalances there were.
fn states(records: &[(String, Option<String>)]) -> BTreeMap<String, Vec<Option<String>>> {
    let mut found: BTreeMap<String, Vec<Option<String>>> = BTreeMap::new();
    for (key, value) in records {
        let state = value.as_deref().map(|text| {
            let value: Value = serde_json::from_str(text).unwrap_or_default();
            let state = value.get("state").and_then(Value::as_str);
            state.unwrap_or("no state").to_owned()
        });
        let had = found.entry(key.clone()).or_default();
        if had.last() != Some(&state) {
            had.push(state);
        }
    }
    found
}

fn sink(tasks: u32) -> Value {
    json!({
        "name": "n",
        "connector.class": FILE_SINK,
        "tasks.max": tasks.to_string(),
        "topics": "t",
        "file": "{folder}/sink.txt",
        "consumer.override.auto.offset.reset": "earliest",
        "späte": "Grüße \"in\" \\ 🚂 <&>'",
    })
}

/// Everything that can happen to the connector `n`, and to one that fails.
fn life(side: &mut Side) -> io::Result<()> {
    let running = ["RUNNING", "RUNNING"];
    side.play(|it| {
        let paused = json!({"name": "n", "config": sink(1), "initial_state": "PAUSED"});
        it.json("POST", "/connectors", paused)
            .until_state("n", "PAUSED", &[]);
        it.call("PUT", "/connectors/n/resume")
            .until_state("n", "RUNNING", &["RUNNING"]);
        it.until("/connectors/n/topics", "the topic in use", |a| {
            a.body.contains("\"t\"")
        });
        it.json("PUT", "/connectors/n/config", sink(2))
            .until_state("n", "RUNNING", &running);
        it.call("PUT", "/connectors/n/pause")
            .until_state("n", "PAUSED", &["PAUSED", "PAUSED"]);
        it.call("PUT", "/connectors/n/resume")
            .until_state("n", "RUNNING", &running);
    })?;
    for query in [
        "",
        "?includeTasks=true",
        "?includeTasks=true&onlyFailed=true",
    ] {
        let path = format!("/connectors/n/restart{query}");
        if query.contains("onlyFailed") {
            side.play(|it| _ = it.call("POST", &path))?;
            continue;
        }
        let key = if query.is_empty() {
            "status-connector-n"
        } else {
            "status-task-n-1"
        };
        side.restart(key, |it| _ = it.call("POST", &path))?;
    }
    side.restart("status-task-n-0", |it| {
        it.call("POST", "/connectors/n/tasks/0/restart");
    })?;
    side.play(|it| {
        it.json(
            "PATCH",
            "/connectors/n/config",
            json!({"tasks.max": 1, "späte": null}),
        );
        it.until_state("n", "RUNNING", &["RUNNING"]);
        it.call("PUT", "/connectors/n/stop")
            .until_state("n", "STOPPED", &[]);
        it.call("PUT", "/connectors/n/resume")
            .until_state("n", "RUNNING", &["RUNNING"]);
        it.json(
            "PUT",
            "/admin/loggers/a.b?scope=cluster",
            json!({"level": "WARN"}),
        );
        it.call("PUT", "/connectors/n/topics/reset");
    })?;
    failing(side)?;
    side.play(|it| {
        it.call("DELETE", "/connectors/n")
            .until_status("/connectors/n/status", 404);
    })?;
    wait::until("the logger's record", WRITTEN_LIMIT, || {
        let records = side.records("config")?;
        let written = records.iter().any(|(key, _)| key == "logger-cluster-a.b");
        Ok(written.then_some(()))
    })
}

/// A connector whose name has dashes and whose task cannot open its file, until it is stopped.
fn failing(side: &mut Side) -> io::Result<()> {
    side.play(|it| {
        let mut config = sink(1);
        if let Some(settings) = config.as_object_mut() {
            settings.insert("name".to_owned(), "f-1".into());
            settings.insert("file".to_owned(), "{folder}".into());
        }
        it.json("PUT", "/connectors/f-1/config", config);
        it.until_state("f-1", "RUNNING", &["FAILED"]);
        it.call("PUT", "/connectors/f-1/stop")
            .until_state("f-1", "STOPPED", &[]);
    })
}

/// Both topics after the life; what no two runs can agree on is masked.
struct Written {
    missed: Vec<String>,
    config: Vec<String>,
    states: BTreeMap<String, Vec<Option<String>>>,
    last: BTreeMap<String, Value>,
}

fn lived(make: Make) -> io::Result<Written> {
    let mut side = Side::start(make)?;
    life(&mut side)
        .map_err(|e| io::Error::other(format!("{make:?}: {e}\n{}", side.worker.output())))?;
    let folder = side.masks.folder.display().to_string();
    let config = side.records("config")?;
    let line = |(key, value): (String, Option<String>)| {
        let value = value.map_or_else(
            || "none".to_owned(),
            |text| text.replace(&folder, "{folder}"),
        );
        match key.as_str() {
            "session-key" => shape_of_session_key(&value),
            _ if key.starts_with("connector-") => format!("{key} = {}", with_sorted(&value)),
            _ => format!("{key} = {value}"),
        }
    };
    let config = config.into_iter().map(line).collect();
    let status = side.records("status")?;
    let masked = |text: &str| {
        let mut value: Value = serde_json::from_str(text).unwrap_or_default();
        mask_status(&mut value, &side.masks);
        value
    };
    let mut last = BTreeMap::new();
    for (key, value) in &status {
        if let Some(text) = value {
            last.insert(key.clone(), masked(text));
        }
    }
    Ok(Written {
        missed: side.missed,
        config,
        states: states(&status),
        last,
    })
}

/// A connector's record with its properties in order of their names. Java writes them as the request has them, which
/// nothing reads; a record that is written elsewhere has the order of a hash map in Java as well.
fn with_sorted(value: &str) -> String {
    let Ok(mut parsed) = serde_json::from_str::<Value>(value) else {
        return value.to_owned();
    };
    if let Some(properties) = parsed.get_mut("properties").and_then(Value::as_object_mut) {
        properties.sort_keys();
    }
    parsed.to_string()
}

/// The key differs in every cluster: which members its record has, in which order, and how long the key is.
fn shape_of_session_key(value: &str) -> String {
    let value: Value = serde_json::from_str(value).unwrap_or_default();
    let members = value.as_object().into_iter().flatten();
    let shapes = members.map(|(name, value)| match value {
        Value::String(text) if name == "key" => format!("{name}: {} characters", text.len()),
        Value::Number(_) => format!("{name}: a number"),
        other => format!("{name}: {other}"),
    });
    format!("session-key = {}", shapes.collect::<Vec<_>>().join(", "))
}

fn mask_status(value: &mut Value, masks: &Masks) {
    let Some(members) = value.as_object_mut() else {
        return;
    };
    // Java's worker may have forgotten what it gives up before it tells of it, and then has no version to tell.
    if members
        .get("state")
        .is_some_and(|state| state == "UNASSIGNED")
    {
        members.remove("version");
    }
    for (name, value) in members.iter_mut() {
        match (name.as_str(), &*value) {
            ("generation" | "discoverTimestamp", Value::Number(_)) => *value = "a number".into(),
            ("worker_id", Value::String(id)) => {
                let mine = masks
                    .ports
                    .iter()
                    .any(|port| *id == format!("127.0.0.1:{port}"));
                *value = if mine {
                    "mine".into()
                } else {
                    "foreign".into()
                };
            }
            // Traces are the JVM's; that there is one, and its class, is what counts.
            ("trace", Value::String(trace)) => {
                let class = trace
                    .split([':', '\n'])
                    .next()
                    .unwrap_or_default()
                    .to_owned();
                *value = class.into();
            }
            ("topic", Value::Object(_)) => mask_status(value, masks),
            _ => {}
        }
    }
}

#[test]
fn config_and_status_topics_hold_what_javas_hold() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let subject = Make::subject();
    let java = thread::spawn(|| lived(Make::Java));
    let ours = lived(subject)?;
    let java = java.join().map_err(|_| io::Error::other("a panic"))??;
    assert!(java.config.len() > RECORDS_MIN, "{:#?}", java.config);
    let same = java
        .config
        .iter()
        .zip(&ours.config)
        .take_while(|(a, b)| a == b);
    let same = same.count();
    assert_eq!(
        java.config.get(same..),
        ours.config.get(same..),
        "config topics agree for {same} records (left: Java)"
    );
    assert_eq!(
        java.states, ours.states,
        "states of the status topic (left: Java)"
    );
    assert!(java.missed.is_empty(), "Java: {:?}", java.missed);
    assert!(ours.missed.is_empty(), "ours: {:?}", ours.missed);
    for (key, expected) in &java.last {
        let expected = serde_json::to_string(expected)?;
        let got = serde_json::to_string(&ours.last.get(key))?;
        assert_eq!(expected, got, "last record of {key} (left: Java)");
    }
    Ok(())
}
