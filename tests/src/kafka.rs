//! Real Apache Kafka (KRaft), one broker or several, each in a folder of its own, on free ports.

use std::fs;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use tempfile::TempDir;

use crate::process::{self, Process};
use crate::proxy::Proxy;

/// How long a broker may take until it says that it serves.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A running broker; dropping it kills it and removes its data.
#[derive(Debug)]
pub struct Kafka {
    version: String,
    port: u16,
    process: Process,
    // After the process: files go when nobody writes them any more.
    folder: TempDir,
}

impl Kafka {
    /// Starts a broker of `version` and waits until it serves.
    ///
    /// # Errors
    /// When it does not serve within a minute; the message ends with its log.
    pub fn start(version: &str) -> io::Result<Self> {
        Self::start_with(version, "")
    }

    /// As [`Kafka::start`], with more lines of settings.
    ///
    /// # Errors
    /// As [`Kafka::start`].
    pub fn start_with(version: &str, settings: &str) -> io::Result<Self> {
        let ports = free_ports::<1>()?;
        let [node] = Self::cluster_at(version, ports, ports, settings)?;
        Ok(node)
    }

    /// Starts a broker that names the port of a proxy as its own. All clients go through the proxy, whatever port they
    /// ask first.
    ///
    /// # Errors
    /// As [`Kafka::start`].
    pub fn start_behind_proxy(version: &str) -> io::Result<(Self, Proxy)> {
        let [port] = free_ports()?;
        let proxy = Proxy::start(port)?;
        let [kafka] = Self::cluster_at(version, [port], [proxy.port()], "")?;
        Ok((kafka, proxy))
    }

    /// Starts a cluster of brokers, all of them controllers, and waits until they serve. Topics have a copy on each, and
    /// all but one have to take a record.
    ///
    /// # Errors
    /// As [`Kafka::start`].
    pub fn cluster<const N: usize>(version: &str) -> io::Result<[Self; N]> {
        let ports = free_ports::<N>()?;
        Self::cluster_at(version, ports, ports, "")
    }

    /// Brokers that listen at `ports` and say that they can be reached at `advertised`.
    fn cluster_at<const N: usize>(
        version: &str,
        ports: [u16; N],
        advertised: [u16; N],
        settings: &str,
    ) -> io::Result<[Self; N]> {
        let controllers = free_ports::<N>()?;
        let mut nodes = Vec::with_capacity(N);
        for (id, (port, advertised)) in (1..).zip(ports.into_iter().zip(advertised)) {
            let folder = tempfile::Builder::new()
                .prefix("ferrovia-kafka-")
                .tempdir()?;
            let node = Node {
                id,
                port,
                advertised,
                controllers: &controllers,
                folder: folder.path(),
            };
            let properties = node.properties() + settings;
            fs::write(folder.path().join("server.properties"), properties)?;
            nodes.push(Self {
                version: version.to_owned(),
                port,
                process: launch(version, folder.path())?,
                folder,
            });
        }
        for node in &mut nodes {
            node.until_serving()?;
        }
        nodes
            .try_into()
            .map_err(|_| io::Error::other("another number of brokers"))
    }

    fn until_serving(&mut self) -> io::Result<()> {
        let port = self.port;
        self.process.until("the broker's port", START_LIMIT, || {
            Ok(TcpStream::connect(("127.0.0.1", port)).ok().map(drop))
        })
    }

    /// `kill -9`. Clients see their connections end, and nobody at the port.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(&mut self) -> io::Result<()> {
        self.process.kill().map(drop)
    }

    /// Starts the killed broker again, on the same data and port.
    ///
    /// # Errors
    /// As [`Kafka::start`].
    pub fn restart(&mut self) -> io::Result<()> {
        self.process = launch(&self.version, self.folder.path())?;
        self.until_serving()
    }

    /// The one broker of `version` that the tests of one binary share; it ends with the process. A binary uses
    /// one version.
    ///
    /// # Errors
    /// When the broker did not start; every test of the binary gets the same message.
    pub fn shared(version: &str) -> io::Result<&'static Self> {
        static SHARED: OnceLock<Result<Kafka, String>> = OnceLock::new();
        let started = SHARED.get_or_init(|| Self::start(version).map_err(|e| e.to_string()));
        started
            .as_ref()
            .map_err(|message| io::Error::other(message.clone()))
    }

    /// The broker's address, as `bootstrap.servers` takes it.
    #[must_use]
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The Kafka version that runs.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The process, for CPU and memory figures.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// The broker's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// Starts a broker in a folder that holds its settings.
fn launch(version: &str, folder: &Path) -> io::Result<Process> {
    let mut command = process::java(version, "512m", &folder.display().to_string(), "Broker");
    command
        .arg(folder.join("server.properties"))
        .arg(CLUSTER_ID)
        .env("LOG_DIR", folder);
    Process::start(command, &folder.join("broker.log"))
}

/// Ports that were free a moment ago.
///
/// # Errors
/// When the system has none.
pub fn free_ports<const N: usize>() -> io::Result<[u16; N]> {
    let mut held = Vec::new();
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}

/// One broker of a cluster.
struct Node<'n> {
    id: usize,
    port: u16,
    /// The port that clients are told of.
    advertised: u16,
    /// The ports of all controllers, by their ids from 1 on.
    controllers: &'n [u16],
    folder: &'n Path,
}

impl Node<'_> {
    /// Small and quick: no waiting for more group members, few internal partitions, compaction at once, and session
    /// timeouts low enough for tests that kill members. Records stay whatever their timestamps say: a broker's first look
    /// at retention, 30 s after its start, would take old ones from slow tests.
    fn properties(&self) -> String {
        let (id, port, advertised) = (self.id, self.port, self.advertised);
        let own = self.controllers.get(id - 1).copied().unwrap_or_default();
        let voters = (1..).zip(self.controllers);
        let voters: Vec<String> = voters
            .map(|(id, port)| format!("{id}@127.0.0.1:{port}"))
            .collect();
        let copies = self.controllers.len();
        let in_sync = copies.saturating_sub(1).max(1);
        format!(
            "process.roles=broker,controller
node.id={id}
controller.quorum.voters={}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{own}
advertised.listeners=PLAINTEXT://127.0.0.1:{advertised}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={}/data
auto.create.topics.enable=false
num.partitions=1
default.replication.factor={copies}
min.insync.replicas={in_sync}
offsets.topic.num.partitions=1
offsets.topic.replication.factor={copies}
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor={copies}
transaction.state.log.min.isr={in_sync}
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor={copies}
share.coordinator.state.topic.min.isr={in_sync}
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=500
log.segment.bytes=1073741824
log.retention.ms=-1
log.cleaner.backoff.ms=100
num.network.threads=2
num.io.threads=4
",
            voters.join(","),
            self.folder.display()
        )
    }
}

/// The id of all clusters: none of them meets another.
const CLUSTER_ID: &str = "ZmVycm92aWEtdGVzdHMtMQ";
