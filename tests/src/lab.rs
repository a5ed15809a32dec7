//! Kafka's own clients and tools, kept warm in one JVM (`tests/java/Lab.java`) and driven line by line.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use crate::census::Tally;
use crate::grounds;
use crate::kafka::Kafka;
use crate::process;

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
    /// Keys in each partition, taken in turn; 0 for records without a key.
    pub keys: u64,
}

impl Load {
    /// Uncompressed text of 100 bytes each, as fast as it goes.
    #[must_use]
    pub fn text(topic: &str, partitions: i32, count: u64) -> Self {
        Self {
            topic: topic.to_owned(),
            partitions,
            count,
            size: 100,
            kind: "text",
            codec: "none",
            seed: 1,
            rate: 0,
            first: 0,
            keys: 0,
        }
    }
}

/// One whole record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sample {
    /// Milliseconds since the epoch.
    pub timestamp: i64,
    /// The key's bytes.
    pub key: Option<Vec<u8>>,
    /// The value's bytes.
    pub value: Option<Vec<u8>>,
    /// Headers in order; names without a space or `=`.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Sample {
    fn parse(line: &str) -> Option<Self> {
        let mut parts = line.split(' ');
        let timestamp = parts.next()?.parse().ok()?;
        let (key, value) = (unhex(parts.next()?)?, unhex(parts.next()?)?);
        let headers = parts.map(|part| {
            let (name, value) = part.split_once('=')?;
            Some((name.to_owned(), unhex(value)?))
        });
        Some(Self {
            timestamp,
            key,
            value,
            headers: headers.collect::<Option<_>>()?,
        })
    }
}

/// One whole record, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The partition.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// The record.
    pub record: Sample,
}

impl Placed {
    fn parse(line: &str) -> Option<Self> {
        let mut parts = line.splitn(3, ' ');
        Some(Self {
            partition: parts.next()?.parse().ok()?,
            offset: parts.next()?.parse().ok()?,
            record: Sample::parse(parts.next()?)?,
        })
    }
}

/// In which order numbered values stand in a topic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Order {
    /// Records by partition.
    pub counts: BTreeMap<i32, u64>,
    /// Records that do not have the number behind that of the record before.
    pub breaks: u64,
    /// What the first of them is; empty where there is none.
    pub first_break: String,
}

impl Order {
    fn parse(words: &[String]) -> Option<Self> {
        let (first_break, partitions) = words.split_first()?;
        let mut order = Self {
            first_break: first_break.clone(),
            ..Self::default()
        };
        for partition in partitions {
            let mut parts = partition.split(':');
            let number = parts.next()?.parse().ok()?;
            order.counts.insert(number, parts.next()?.parse().ok()?);
            order.breaks += parts.next()?.parse::<u64>().ok()?;
        }
        Some(order)
    }
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
        let mut child = process::jvm(grounds::ORACLE, "512m")
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

    /// Creates a topic with a replica on every broker.
    ///
    /// # Errors
    /// When the broker refuses, for instance because it exists.
    pub fn create(&mut self, topic: &str, partitions: i32) -> io::Result<()> {
        self.create_with(topic, partitions, &[])
    }

    /// Creates a topic with a replica on every broker and settings of its own, as in `cleanup.policy=compact`.
    ///
    /// # Errors
    /// As [`Lab::create`].
    pub fn create_with(
        &mut self,
        topic: &str,
        partitions: i32,
        settings: &[&str],
    ) -> io::Result<()> {
        let count = partitions.to_string();
        self.ask(&[&["create", topic, &count], settings].concat())
            .map(drop)
    }

    /// Deletes a topic.
    ///
    /// # Errors
    /// When the broker refuses, for instance because there is none.
    pub fn delete(&mut self, topic: &str) -> io::Result<()> {
        self.ask(&["delete", topic]).map(drop)
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
            &load.keys.to_string(),
        ])?;
        Tally::parse(&words)
    }

    /// Produces in transactions, one for each letter of `outcomes` (`c` to commit, `a` to abort, `o` for a last one
    /// that stays open), and says what was committed. Rate, kind and keys of the load do not count here; its count is
    /// that of one transaction.
    ///
    /// # Errors
    /// When a transaction failed.
    pub fn transact(&mut self, load: &Load, outcomes: &str) -> io::Result<Tally> {
        let words = self.ask(&[
            "transact",
            &load.topic,
            &load.partitions.to_string(),
            &load.count.to_string(),
            &load.size.to_string(),
            load.codec,
            &load.seed.to_string(),
            outcomes,
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
        words.extend(values.iter().map(|value| hex(value.as_deref())));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.ask(&words).map(drop)
    }

    /// Produces one record to partition 0.
    ///
    /// # Errors
    /// When it was not acknowledged.
    pub fn send(&mut self, topic: &str, record: &Sample) -> io::Result<()> {
        let mut words = vec![
            "send".to_owned(),
            topic.to_owned(),
            record.timestamp.to_string(),
            hex(record.key.as_deref()),
            hex(record.value.as_deref()),
        ];
        let headers = record.headers.iter();
        words.extend(headers.map(|(name, value)| format!("{name}={}", hex(value.as_deref()))));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.ask(&words).map(drop)
    }

    /// Consumes a topic from start to end and gives every record.
    ///
    /// # Errors
    /// When the topic cannot be read.
    pub fn read(&mut self, topic: &str) -> io::Result<Vec<Sample>> {
        self.read_at(topic, "read_uncommitted")
    }

    /// As [`Lab::read`], at an isolation level.
    ///
    /// # Errors
    /// As [`Lab::read`].
    pub fn read_at(&mut self, topic: &str, isolation: &str) -> io::Result<Vec<Sample>> {
        let words = self.ask(&["read", topic, isolation])?;
        words
            .iter()
            .map(|word| Sample::parse(word).ok_or_else(|| unexpected(&words)))
            .collect()
    }

    /// As [`Lab::read_at`], by partition and offset.
    ///
    /// # Errors
    /// As [`Lab::read`].
    pub fn place(&mut self, topic: &str, isolation: &str) -> io::Result<Vec<Placed>> {
        let words = self.ask(&["place", topic, isolation])?;
        words
            .iter()
            .map(|word| Placed::parse(word).ok_or_else(|| unexpected(&words)))
            .collect()
    }

    /// Consumes a topic from start to end and says what is in it.
    ///
    /// # Errors
    /// When the topic cannot be read.
    pub fn scan(&mut self, topic: &str) -> io::Result<Tally> {
        self.scan_at(topic, "read_uncommitted")
    }

    /// As [`Lab::scan`], at an isolation level.
    ///
    /// # Errors
    /// As [`Lab::scan`].
    pub fn scan_at(&mut self, topic: &str, isolation: &str) -> io::Result<Tally> {
        let words = self.ask(&["scan", topic, isolation])?;
        Tally::parse(&words)
    }

    /// Consumes a topic from start to end, at an isolation level, and says whether the values of each partition are
    /// numbered without a gap: each begins with its number, in ten digits.
    ///
    /// # Errors
    /// When the topic cannot be read, or a value has no number.
    pub fn order(&mut self, topic: &str, isolation: &str) -> io::Result<Order> {
        let words = self.ask(&["order", topic, isolation])?;
        Order::parse(&words).ok_or_else(|| unexpected(&words))
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

    /// The leader epochs that stand beside what a consumer group has committed.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub fn epochs(&mut self, group: &str) -> io::Result<Offsets> {
        let words = self.ask(&["epochs", group])?;
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

    /// The client ids of a consumer group's members, sorted.
    ///
    /// # Errors
    /// When the group is unknown.
    pub fn clients(&mut self, group: &str) -> io::Result<Vec<String>> {
        self.ask(&["clients", group])
    }

    /// How many members a stable group of workers has; `None` while it rebalances.
    ///
    /// # Errors
    /// When the group is unknown.
    pub fn workers(&mut self, group: &str) -> io::Result<Option<usize>> {
        let words = self.ask(&["workers", group])?;
        match words.as_slice() {
            [state, count] => {
                let count = count.parse().map_err(|_| unexpected(&words))?;
                Ok((state == "Stable").then_some(count))
            }
            _ => Err(unexpected(&words)),
        }
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

/// Hexadecimal digits, or "null".
fn hex(bytes: Option<&[u8]>) -> String {
    bytes.map_or_else(
        || "null".to_owned(),
        |bytes| bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    )
}

fn unhex(digits: &str) -> Option<Option<Vec<u8>>> {
    if digits == "null" {
        return Some(None);
    }
    let pairs = (0..digits.len()).step_by(2);
    let bytes = pairs.map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok());
    bytes.collect::<Option<Vec<u8>>>().map(Some)
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
