//! What an embedded broker can be told when it starts. Every limit has a name and a default here.

use std::path::PathBuf;
use std::time::Duration;

/// The level of the feature `transaction.version` that a broker announces.
///
/// # Source
/// KIP-890; `org.apache.kafka.server.common.TransactionVersion`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TransactionVersion {
    /// Level 0: as before KIP-890.
    Zero,
    /// Level 1: as 0 for clients.
    One,
    /// Level 2: a producer's epoch rises with every transaction, and partitions join by being
    /// written to.
    #[default]
    Two,
}

impl TransactionVersion {
    /// The level as a number.
    #[must_use]
    pub fn level(self) -> i16 {
        match self {
            Self::Zero => 0,
            Self::One => 1,
            Self::Two => 2,
        }
    }
}

/// Settings of one embedded broker.
///
/// The defaults suit a test: a free loopback port, everything in memory, topics created on
/// first use with one partition, and groups that rebalance without an initial delay.
#[derive(Debug, Clone)]
pub struct BrokerConfig {
    /// Address to listen on, `host:port`; port 0 picks a free one.
    pub listen: String,
    /// Host and port told to clients, when they differ from the listening address.
    pub advertised: Option<(String, u16)>,
    /// Number of this node in Metadata answers.
    pub broker_id: i32,
    /// Folder for topics and committed offsets; `None` keeps everything in memory.
    pub data_dir: Option<PathBuf>,
    /// Size cap of one topic in bytes, shared evenly by its partitions. The oldest batches (on
    /// disk: the oldest segments) go first; the newest batch or segment always stays.
    pub topic_bytes_max: u64,
    /// Size at which a segment file is closed and the next one begun, in bytes.
    pub segment_bytes: u64,
    /// Partitions of a topic created without a count.
    pub default_partitions: i32,
    /// Whether asking for the metadata of an unknown topic may create it.
    pub auto_create_topics: bool,
    /// Largest record batch accepted, in bytes, unless the topic's `max.message.bytes` says
    /// otherwise.
    pub batch_bytes_max: usize,
    /// Largest request frame accepted, in bytes.
    pub request_bytes_max: usize,
    /// Largest answer to one Fetch, in bytes (a first batch larger than this is still sent).
    pub fetch_bytes_max: usize,
    /// Connections served at once; further ones are closed at once.
    pub connections_max: usize,
    /// Partitions of all topics together.
    pub partitions_max: usize,
    /// Consumer groups known at once.
    pub groups_max: usize,
    /// Members in one consumer group.
    pub group_members_max: usize,
    /// Committed partitions in one consumer group.
    pub group_offsets_max: usize,
    /// How long a new group waits for more members before its first generation.
    pub group_initial_rebalance_delay: Duration,
    /// Shortest session timeout a member may ask for.
    pub group_session_timeout_min: Duration,
    /// Longest session timeout a member may ask for.
    pub group_session_timeout_max: Duration,
    /// The transaction protocol announced to clients.
    pub transaction_version: TransactionVersion,
    /// Longest `transaction.timeout.ms` a producer may ask for.
    pub transaction_timeout_max: Duration,
    /// Transactional ids known at once.
    pub transactional_ids_max: usize,
}

impl Default for BrokerConfig {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:0".to_owned(),
            advertised: None,
            broker_id: 1,
            data_dir: None,
            topic_bytes_max: 1 << 30,
            segment_bytes: 64 << 20,
            default_partitions: 1,
            auto_create_topics: true,
            batch_bytes_max: 1_048_588,
            request_bytes_max: 100 << 20,
            fetch_bytes_max: 55 << 20,
            connections_max: 1_000,
            partitions_max: 10_000,
            groups_max: 10_000,
            group_members_max: 1_000,
            group_offsets_max: 100_000,
            group_initial_rebalance_delay: Duration::ZERO,
            group_session_timeout_min: Duration::from_millis(100),
            group_session_timeout_max: Duration::from_secs(1_800),
            transaction_version: TransactionVersion::default(),
            transaction_timeout_max: Duration::from_secs(900),
            transactional_ids_max: 10_000,
        }
    }
}
