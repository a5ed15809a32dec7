//! Kafka's own clients and tools, kept warm in one JVM (`tests/java/Lab.java`) and driven line by line.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::census::Tally;
use crate::grounds;
use crate::kafka::Kafka;

/// Committed or end offsets by (topic, partition).
pub type Offsets = BTreeMap<(String, i32), i64>;

/// Which records to produce; see `tests/java/Records.java` for their form.
#[derive(Debug, Clone)]
pub struct Load {
    /// The topic; it exists already.
    pub topic: String,
    /// Partitions to fill in turn, from 0.
    pub partitions: i32,
    /// Records over all partitions.
    pub count: u64,
    /// Bytes per value.
    pub size: usize,
    /// `text` (no line ends inside) or `json`.
    pub kind: &'static str,
    /// `none`, `gzip`, `snappy`, `lz4` or `zstd`.
    pub codec: &'static str,
    /// The same seed gives the same records.
    pub seed: u64,
    /// Records per second; 0 for as fast as it goes.
    pub rate: u64,
    /// The number of the first record, to go on where an earlier load ended.
    pub first: u64,
}

/// The running JVM.
#[derive(Debug)]
pub struct Lab {
    child: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Lab {
    /// Starts a lab for `kafka`. Its clients are always the oracle's version, whatever the broker's is.
    ///
    /// # Errors
    /// When Java cannot start.
    pub fn start(kafka: &Kafka) -> io::Result<Self> {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(Self::log(kafka))?;
        let mut child = Command::new("java")
            .args(["-Xmx512m", "-cp"])
            .arg(grounds::class_path(grounds::ORACLE))
            .args(["Lab", &kafka.bootstrap()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        let missing = || io::Error::other("the lab has no pipe");
        let commands = child.stdin.take().ok_or_else(missing)?;
        let answers = BufReader::new(child.stdout.take().ok_or_else(missing)?);
        Ok(Self {
            child,
            commands,
            answers,
        })
    }

    fn log(kafka: &Kafka) -> PathBuf {
        kafka.folder().join("lab.log")
    }

    /// Creates a topic with one replica.
    ///
    /// # Errors
    /// When the broker refuses, for instance because it exists.
    pub fn create(&mut self, topic: &str, partitions: i32) -> io::Result<()> {
        self.ask(&["create", topic, &partitions.to_string()])
            .map(drop)
    }

    /// Produces generated records and says what they were.
    ///
    /// # Errors
    /// When a record was not acknowledged.
    pub fn produce(&mut self, load: &Load) -> io::Result<Tally> {
        let words = self.ask(&[
            "produce",
            &load.topic,
            &load.partitions.to_string(),
            &load.count.to_string(),
            &load.size.to_string(),
            load.kind,
            load.codec,
            &load.seed.to_string(),
            &load.rate.to_string(),
            &load.first.to_string(),
        ])?;
        Tally::parse(&words)
    }

    /// Produces the given values, `None` for a record without a value, in order.
    ///
    /// # Errors
    /// When a record was not acknowledged.
    pub fn put(
        &mut self,
        topic: &str,
        partition: i32,
        values: &[Option<Vec<u8>>],
    ) -> io::Result<()> {
        let mut words = vec!["put".to_owned(), topic.to_owned(), partition.to_string()];
        words.extend(values.iter().map(|value| match value {
            Some(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            None => "null".to_owned(),
        }));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.ask(&words).map(drop)
    }

    /// Consumes a topic from start to end and says what is in it.
    ///
    /// # Errors
    /// When the topic cannot be read.
    pub fn scan(&mut self, topic: &str) -> io::Result<Tally> {
        let words = self.ask(&["scan", topic])?;
        Tally::parse(&words)
    }

    /// The end offsets of a topic.
    ///
    /// # Errors
    /// When the topic is missing.
    pub fn ends(&mut self, topic: &str) -> io::Result<Offsets> {
        let words = self.ask(&["ends", topic])?;
        words.iter().map(|word| offset(word)).collect()
    }

    /// What a consumer group has committed.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub fn committed(&mut self, group: &str) -> io::Result<Offsets> {
        let words = self.ask(&["committed", group])?;
        words.iter().map(|word| offset(word)).collect()
    }

    /// How many members a consumer group has.
    ///
    /// # Errors
    /// When the group is unknown.
    pub fn members(&mut self, group: &str) -> io::Result<usize> {
        let words = self.ask(&["members", group])?;
        words
            .first()
            .and_then(|word| word.parse().ok())
            .ok_or_else(|| unexpected(&words))
    }

    /// Runs one of Kafka's command-line tools; gives its exit code and what it printed.
    ///
    /// # Errors
    /// When there is no such class.
    pub fn tool(&mut self, main: &str, arguments: &[&str]) -> io::Result<(i32, String)> {
        let words = self.ask(&[&["tool", main], arguments].concat())?;
        match words.as_slice() {
            [status, printed] => {
                let status = status.parse().map_err(|_| unexpected(&words))?;
                Ok((status, printed.replace("\\n", "\n")))
            }
            _ => Err(unexpected(&words)),
        }
    }

    fn ask(&mut self, words: &[&str]) -> io::Result<Vec<String>> {
        writeln!(self.commands, "{}", words.join("\t"))?;
        self.commands.flush()?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let mut answer = line.trim_end_matches('\n').split('\t').map(str::to_owned);
        match answer.next().as_deref() {
            Some("ok") => Ok(answer.collect()),
            _ => Err(io::Error::other(format!("{:?}: {line}", words.first()))),
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // Both fail only when the child is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads "topic:partition:offset"; topics have no colon.
fn offset(word: &str) -> io::Result<((String, i32), i64)> {
    let mut parts = word.split(':');
    let mut read = || {
        let topic = parts.next()?.to_owned();
        let partition = parts.next()?.parse().ok()?;
        Some(((topic, partition), parts.next()?.parse().ok()?))
    };
    read().ok_or_else(|| io::Error::other(format!("not an offset: {word}")))
}

fn unexpected(words: &[String]) -> io::Error {
    io::Error::other(format!("unexpected answer of the lab: {words:?}"))
}
