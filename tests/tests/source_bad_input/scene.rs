//! The stage of these tests: a worker of a cluster with a healthy source, which has to go on, and one that goes wrong.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tempfile::TempDir;

use ferrovia_tests::cluster::{Cluster, file_source, put_config, settled};
use ferrovia_tests::grounds::ORACLE;
use ferrovia_tests::http::Request;
use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::lab::{Lab, Sample};
use ferrovia_tests::wait;
use ferrovia_tests::worker::{Make, Worker};

/// How long anything may take that has to happen.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);
const AUTHORIZER: &str =
    "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=true
";

/// A broker that knows permissions; without any, all is permitted.
fn kafka() -> io::Result<&'static Kafka> {
    static SHARED: OnceLock<Result<Kafka, String>> = OnceLock::new();
    let started = SHARED
        .get_or_init(|| Kafka::start_with(ORACLE, AUTHORIZER).map_err(|error| error.to_string()));
    started
        .as_ref()
        .map_err(|error| io::Error::other(error.clone()))
}

/// A worker with a healthy source, `good`, and one that is to go wrong.
pub(crate) struct Scene {
    pub(crate) kafka: &'static Kafka,
    pub(crate) lab: Lab,
    cluster: Cluster,
    worker: Worker,
    folder: TempDir,
    /// The name of the source that is to go wrong, and of its topic.
    bad: String,
    good: String,
    good_lines: usize,
}

impl Scene {
    pub(crate) fn new(bad: &str) -> io::Result<Self> {
        let kafka = kafka()?;
        let cluster = Cluster::new(kafka);
        let mut scene = Self {
            lab: Lab::start(kafka)?,
            worker: cluster.start(Make::subject())?,
            kafka,
            cluster,
            folder: tempfile::tempdir()?,
            bad: bad.to_owned(),
            good: format!("{bad}-good"),
            good_lines: 0,
        };
        scene.lab.create(&scene.good, 1)?;
        let file = scene.folder.path().join("good.txt");
        fs::write(&file, "")?;
        put_config(&scene.worker, &file_source(&scene.good, &scene.good, &file))?;
        scene.demand_good()?;
        Ok(scene)
    }

    /// The file of the source that is to go wrong.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("bad.txt")
    }

    pub(crate) fn start(&self, settings: &[(&str, &str)]) -> io::Result<()> {
        let mut config = file_source(&self.bad, &self.bad, &self.file());
        for (key, value) in settings {
            config.insert((*key).to_owned(), json!(value));
        }
        put_config(&self.worker, &config).map(drop)
    }

    /// New lines of the healthy source arrive.
    pub(crate) fn demand_good(&mut self) -> io::Result<()> {
        let file = self.folder.path().join("good.txt");
        let lines = self.good_lines..self.good_lines + 10;
        self.good_lines = lines.end;
        append(&file, lines)?;
        let topic = self.good.clone();
        let wanted = self.good_lines;
        self.await_values(&topic, |values| values.len() == wanted)?;
        Ok(())
    }

    pub(crate) fn values(&mut self, topic: &str) -> io::Result<Vec<Vec<u8>>> {
        let records = match self.lab.read(topic) {
            Err(error) if error.to_string().contains("UnknownTopicOrPartition") => Vec::new(),
            other => other?,
        };
        let values = records.into_iter().map(|it| it.value);
        Ok(values.map(Option::unwrap_or_default).collect())
    }

    pub(crate) fn await_values(
        &mut self,
        topic: &str,
        mut wanted: impl FnMut(&[Vec<u8>]) -> bool,
    ) -> io::Result<Vec<Vec<u8>>> {
        let mut last = 0;
        let found = wait::until("the lines", LIMIT, || {
            let values = self.values(topic)?;
            last = values.len();
            Ok(wanted(&values).then_some(values))
        });
        found.map_err(|e| io::Error::new(e.kind(), format!("{topic}: {e}, but {last} records")))
    }

    /// The topic gets these lines in this order. Some may have come before, even those behind the one that failed.
    pub(crate) fn demand(&mut self, lines: &[&str]) -> io::Result<()> {
        let topic = self.bad.clone();
        let wanted: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
        self.await_values(&topic, |values| {
            let mut last: Vec<&[u8]> = Vec::new();
            for value in values.iter().rev() {
                if !last.contains(&&value[..]) {
                    last.push(value);
                }
            }
            last.reverse();
            last == wanted
        })
        .map(drop)
    }

    pub(crate) fn status(&self) -> io::Result<(String, String)> {
        let path = format!("/connectors/{}/status", self.bad);
        let status: Map<String, Value> = serde_json::from_str(&self.worker.get(&path)?.body)?;
        let task = status.get("tasks").and_then(|tasks| tasks.get(0));
        let text = |key| task.and_then(|task| task.get(key)).and_then(Value::as_str);
        let text = |key| text(key).unwrap_or_default().to_owned();
        Ok((text("state"), text("trace")))
    }

    pub(crate) fn until(&self, state: &str, words: &[&str]) -> io::Result<()> {
        let mut last = (String::new(), String::new());
        let found = wait::until(state, LIMIT, || {
            last = self.status()?;
            let (now, trace) = &last;
            let begins = words.first().is_none_or(|first| trace.starts_with(first));
            let has_all = words.iter().all(|word| trace.contains(word));
            Ok((now == state && begins && has_all).then_some(()))
        });
        found.map_err(|e| io::Error::new(e.kind(), format!("{e}: {words:?}, but {last:?}")))
    }

    /// The task fails, and its trace has all of `words`, the first of them at its beginning; what is stored then is less
    /// than `end`. The healthy one goes on.
    pub(crate) fn demand_failure(&mut self, words: &[&str], end: u64) -> io::Result<()> {
        self.until("FAILED", words)?;
        self.demand_good()?;
        let stored = self.stored()?;
        assert!(
            stored.unwrap_or(0) < end,
            "{stored:?} but failed before {end}"
        );
        Ok(())
    }

    /// The position that is stored for the bad source.
    pub(crate) fn stored(&mut self) -> io::Result<Option<u64>> {
        let records = self.lab.read(&self.cluster.topic("offset"))?;
        let key = self.key();
        let mut of_it = records
            .into_iter()
            .filter(|record| record.key.as_ref() == Some(&key));
        let Some(value) = of_it.next_back().and_then(|record| record.value) else {
            return Ok(None);
        };
        let value: Value = serde_json::from_slice(&value).unwrap_or_default();
        Ok(value.get("position").and_then(Value::as_u64))
    }

    pub(crate) fn key(&self) -> Vec<u8> {
        let file = self.file().display().to_string();
        json!([self.bad, { "filename": file }])
            .to_string()
            .into_bytes()
    }

    /// Writes a record of any kind beside those of the worker.
    pub(crate) fn put_offset(&mut self, key: &[u8], value: Option<&[u8]>) -> io::Result<()> {
        let record = Sample {
            timestamp: 1,
            key: Some(key.to_vec()),
            value: value.map(<[u8]>::to_vec),
            headers: Vec::new(),
        };
        self.lab.send(&self.cluster.topic("offset"), &record)
    }

    pub(crate) fn restart(&self) -> io::Result<()> {
        let path = format!("/connectors/{}/tasks/0/restart", self.bad);
        settled(&self.worker, &Request::new("POST", &path), &[204]).map(drop)
    }

    /// Permits or forbids operations on the topic of the bad source.
    pub(crate) fn acl(&mut self, arguments: &[&str]) -> io::Result<()> {
        let topic = self.bad.clone();
        self.acl_of(&["--topic", &topic], arguments)
    }

    pub(crate) fn acl_of(&mut self, resource: &[&str], arguments: &[&str]) -> io::Result<()> {
        let bootstrap = self.kafka.bootstrap();
        let client = ["--bootstrap-server", &bootstrap, "--force"];
        let all = [&client[..], resource, arguments].concat();
        let acls = "org.apache.kafka.tools.AclCommand";
        let (status, printed) = self.lab.tool(acls, &all)?;
        assert_eq!(status, 0, "{printed}");
        Ok(())
    }
}

/// Appends numbered lines.
pub(crate) fn append(file: &Path, lines: std::ops::Range<usize>) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(file)?;
    lines
        .into_iter()
        .try_for_each(|line| writeln!(file, "line {line}"))
}
