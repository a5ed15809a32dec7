//! A Connect worker as a process: ours, or Java's with the same properties files, standalone or one of a cluster.
//!
//! With `FERROVIA_SUBJECT=java` the worker under test is Java's as well. That proves the tests themselves: what
//! Java Connect does not fulfil cannot be asked of a drop-in replacement.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use tempfile::TempDir;

use crate::grounds;
use crate::http::{self, Answer, Request};
use crate::kafka::{Kafka, free_ports};
use crate::process::{self, Process};

/// How long a worker may take until REST answers and all command-line connectors exist.
const START_LIMIT: Duration = Duration::from_secs(120);
/// How long a stopping worker may take.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// Whose worker to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Make {
    /// The binary of this repository.
    Ferrovia,
    /// `org.apache.kafka.connect.cli.ConnectStandalone` and `ConnectDistributed`.
    Java,
}

impl Make {
    /// The worker under test.
    #[must_use]
    pub fn subject() -> Self {
        match std::env::var("FERROVIA_SUBJECT").as_deref() {
            Ok("java") => Self::Java,
            _ => Self::Ferrovia,
        }
    }

    /// The command `connect-standalone` of this make, without arguments.
    ///
    /// # Errors
    /// When our binary has not been built.
    pub fn connect_standalone(self) -> io::Result<Command> {
        self.connect("connect-standalone", "ConnectStandalone")
    }

    /// The command `connect-distributed` of this make, without arguments.
    ///
    /// # Errors
    /// When our binary has not been built.
    pub fn connect_distributed(self) -> io::Result<Command> {
        let mut command = self.connect("connect-distributed", "ConnectDistributed")?;
        if self == Self::Java {
            // Who leads is in the log alone, in lines that are not printed by default.
            command.env("JDK_JAVA_OPTIONS", "-Dlog4j2.level=INFO");
        }
        Ok(command)
    }

    fn connect(self, ours: &str, java: &str) -> io::Result<Command> {
        match self {
            Self::Ferrovia => {
                let mut command = Command::new(grounds::ferrovia()?);
                command.arg(ours);
                Ok(command)
            }
            Self::Java => {
                let main = format!("org.apache.kafka.connect.cli.{java}");
                Ok(process::java(grounds::ORACLE, "2g", "-", &main))
            }
        }
    }
}

/// A properties file in the making.
#[derive(Debug, Clone, Default)]
pub struct Properties(Vec<(String, String)>);

impl Properties {
    /// A worker's file: String converters, quick offset commits, short sessions.
    #[must_use]
    pub fn worker(bootstrap: &str, port: u16, folder: &Path) -> Self {
        let string = "org.apache.kafka.connect.storage.StringConverter";
        Self::default()
            .with("bootstrap.servers", bootstrap)
            .with("listeners", format!("http://127.0.0.1:{port}"))
            .with("key.converter", string)
            .with("value.converter", string)
            .with(
                "offset.storage.file.filename",
                folder.join("offsets").display(),
            )
            .with("offset.flush.interval.ms", 500)
            .with("consumer.session.timeout.ms", 3_000)
            .with("consumer.heartbeat.interval.ms", 500)
    }

    /// A FileStreamSink connector's file.
    #[must_use]
    pub fn file_sink(name: &str, topics: &str, tasks: u32, file: &Path) -> Self {
        Self::default()
            .with("name", name)
            .with(
                "connector.class",
                "org.apache.kafka.connect.file.FileStreamSinkConnector",
            )
            .with("tasks.max", tasks)
            .with("topics", topics)
            .with("file", file.display())
    }

    /// Sets one key; a later value wins.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl ToString) -> Self {
        self.0.push((key.to_owned(), value.to_string()));
        self
    }

    /// Leaves one key out.
    #[must_use]
    pub fn without(mut self, key: &str) -> Self {
        self.0.retain(|(name, _)| name != key);
        self
    }

    /// The file's text.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.iter().fold(String::new(), |mut text, (key, value)| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{key}={}", value.replace('\\', "\\\\"));
            text
        })
    }
}

/// A running worker; dropping it kills it.
#[derive(Debug)]
pub struct Worker {
    make: Make,
    process: Process,
    port: u16,
    folder: TempDir,
}

impl Worker {
    /// Starts a worker with one connector against `kafka` and waits until its health check is content.
    ///
    /// # Errors
    /// When it ends or is not healthy in time; the message ends with its output.
    pub fn start(make: Make, kafka: &Kafka, connector: &Properties) -> io::Result<Self> {
        Self::start_with(make, kafka, connector, |worker| worker)
    }

    /// As [`Worker::start`], with the worker's file changed by `adapt`.
    ///
    /// # Errors
    /// As [`Worker::start`].
    pub fn start_with(
        make: Make,
        kafka: &Kafka,
        connector: &Properties,
        adapt: impl FnOnce(Properties) -> Properties,
    ) -> io::Result<Self> {
        Self::start_all(make, kafka, std::slice::from_ref(connector), adapt)
    }

    /// As [`Worker::start_with`], with any number of connectors.
    ///
    /// # Errors
    /// As [`Worker::start`].
    pub fn start_all(
        make: Make,
        kafka: &Kafka,
        connectors: &[Properties],
        adapt: impl FnOnce(Properties) -> Properties,
    ) -> io::Result<Self> {
        let (folder, port) = Self::place()?;
        let settings = adapt(Properties::worker(&kafka.bootstrap(), port, folder.path()));
        let mut worker = Self::launch(
            make,
            make.connect_standalone()?,
            folder,
            port,
            &settings,
            connectors,
        )?;
        worker.until_healthy()?;
        Ok(worker)
    }

    /// Starts a worker of a cluster with these settings, `listeners` aside, and does not wait for it.
    ///
    /// # Errors
    /// When the program cannot start.
    pub fn start_distributed(make: Make, settings: &Properties) -> io::Result<Self> {
        let (folder, port) = Self::place()?;
        let settings = settings
            .clone()
            .with("listeners", format!("http://127.0.0.1:{port}"));
        Self::launch(
            make,
            make.connect_distributed()?,
            folder,
            port,
            &settings,
            &[],
        )
    }

    /// Waits until the worker's health check is content.
    ///
    /// # Errors
    /// When it ends or is not healthy in time; the message ends with its output.
    pub fn until_healthy(&mut self) -> io::Result<()> {
        let port = self.port;
        let healthy = || {
            let answer = http::get(port, "/health").ok();
            Ok(answer.filter(|answer| answer.status == 200))
        };
        self.process
            .until("the worker's health", START_LIMIT, healthy)
            .map(drop)
    }

    fn place() -> io::Result<(TempDir, u16)> {
        let folder = tempfile::Builder::new()
            .prefix("ferrovia-worker-")
            .tempdir()?;
        let [port] = free_ports()?;
        Ok((folder, port))
    }

    fn launch(
        make: Make,
        mut command: Command,
        folder: TempDir,
        port: u16,
        settings: &Properties,
        connectors: &[Properties],
    ) -> io::Result<Self> {
        let mut settings = settings.clone();
        if make == Make::Java && !process::measures_java() {
            // All plugins of Kafka's are declared. To look into each class for more takes a third of a worker's start.
            settings = settings.with("plugin.discovery", "service_load");
        }
        let connectors = (0..).zip(connectors);
        let connectors = connectors.map(|(at, it)| (format!("connector-{at}.properties"), it));
        let files = [("worker.properties".to_owned(), &settings)];
        for (name, properties) in files.into_iter().chain(connectors) {
            let path: PathBuf = folder.path().join(name);
            fs::write(&path, properties.text())?;
            command.arg(path);
        }
        let process = Process::start(command, &folder.path().join("worker.log"))?;
        Ok(Self {
            make,
            process,
            port,
            folder,
        })
    }

    /// Whose worker it is.
    #[must_use]
    pub fn make(&self) -> Make {
        self.make
    }

    /// GETs a path of the worker's REST interface.
    ///
    /// # Errors
    /// When the worker does not answer.
    pub fn get(&self, path: &str) -> io::Result<Answer> {
        http::get(self.port, path)
    }

    /// Sends any request to the worker's REST interface.
    ///
    /// # Errors
    /// When the worker does not answer.
    pub fn send(&self, request: &Request) -> io::Result<Answer> {
        http::send(self.port, request)
    }

    /// The REST port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The worker's folder, with its `worker.log`.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Has the worker stand still, or go on.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn stand_still(&self, is_still: bool) -> io::Result<()> {
        self.process.send(if is_still { "STOP" } else { "CONT" })
    }

    /// What the worker printed.
    #[must_use]
    pub fn output(&self) -> String {
        self.process.output()
    }

    /// `kill -9`.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(mut self) -> io::Result<()> {
        self.process.kill().map(drop)
    }

    /// SIGTERM; gives the exit status.
    ///
    /// # Errors
    /// When the worker does not stop in time.
    pub fn stop(mut self) -> io::Result<ExitStatus> {
        self.process.signal("TERM", STOP_LIMIT)
    }
}
