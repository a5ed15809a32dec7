//! Drives the transaction machines: hands out producer ids, writes markers, lets committed offsets
//! count, aborts what takes too long, and notes in the journal what must outlive the process.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use kafka_protocol::ResponseError;

use crate::broker::{Broker, lock, now};
use crate::config::{BrokerConfig, TransactionVersion};
use crate::journal::{Committed, Entry, TransactionEntry};
use crate::log::batch::BatchHeader;
use crate::log::marker::{Marker, Outcome};
use crate::log::{Appended, Start};
use crate::transaction::{
    Contents, End, Init, Joined, Phase, ProducerKey, Protocol, Standing, Transaction,
};

/// Longest transactional id, as long as a string of Kafka's protocol may be.
const ID_BYTES_MAX: usize = 32_767;

/// Every transactional id.
#[derive(Debug)]
pub(crate) struct Transactions {
    by_id: BTreeMap<String, Transaction>,
    ids_max: usize,
    groups_max: usize,
    offsets_max: usize,
    timeout_max: Duration,
    /// How the broker itself ends transactions.
    protocol: Protocol,
}

/// How partitions and groups come into a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Joining {
    /// The producer has to add them first.
    Explicit,
    /// By being written to (KIP-890).
    Implicit,
}

/// Which partitions of an ended transaction get a marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Markers {
    Everywhere,
    /// Some may have theirs already.
    WhereOpen,
}

impl Transactions {
    /// Transactional ids as the journal knows them.
    pub(crate) fn restored(
        config: &BrokerConfig,
        known: BTreeMap<String, (Standing, Contents)>,
        now: Instant,
    ) -> Self {
        let restored = known.into_iter().map(|(id, (standing, contents))| {
            let transaction = Transaction::restored(standing, contents, now);
            (id, transaction)
        });
        Self {
            by_id: restored.collect(),
            ids_max: config.transactional_ids_max,
            groups_max: config.groups_max,
            offsets_max: config.group_offsets_max,
            timeout_max: config.transaction_timeout_max,
            protocol: match config.transaction_version {
                TransactionVersion::Zero | TransactionVersion::One => Protocol::One,
                TransactionVersion::Two => Protocol::Two,
            },
        }
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Transaction> {
        self.by_id.get(id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &Transaction)> {
        self.by_id.iter()
    }

    /// # Errors
    /// `InvalidRequest` without an id, `InvalidProducerIdMapping` for one never seen.
    pub(crate) fn known(&self, id: &str) -> Result<&Transaction, ResponseError> {
        if id.is_empty() {
            return Err(ResponseError::InvalidRequest);
        }
        self.by_id
            .get(id)
            .ok_or(ResponseError::InvalidProducerIdMapping)
    }

    fn known_mut(&mut self, id: &str) -> Result<&mut Transaction, ResponseError> {
        self.known(id)?;
        self.by_id
            .get_mut(id)
            .ok_or(ResponseError::InvalidProducerIdMapping)
    }

    /// Partitions for which a transaction in progress holds offsets of this group.
    pub(crate) fn unstable_offsets(&self, group: &str) -> BTreeSet<(String, i32)> {
        let held = self
            .by_id
            .values()
            .flat_map(|t| t.contents().offsets.keys());
        held.filter(|(holder, _, _)| holder == group)
            .map(|(_, topic, partition)| (topic.clone(), *partition))
            .collect()
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.by_id.values().filter_map(Transaction::deadline).min()
    }
}

impl Broker {
    /// Gives a transactional id to a producer; see [`Transaction::on_init`].
    ///
    /// # Errors
    /// The Kafka error for the producer; `ConcurrentTransactions` asks it to try again.
    pub(crate) fn init_transactional_id(
        &self,
        id: &str,
        timeout_ms: i32,
        expected: Option<ProducerKey>,
    ) -> Result<ProducerKey, ResponseError> {
        if id.is_empty() || id.len() > ID_BYTES_MAX {
            return Err(ResponseError::InvalidRequest);
        }
        let mut transactions = lock(&self.transactions);
        let timeout = u64::try_from(timeout_ms).map(Duration::from_millis);
        let timeout = timeout
            .ok()
            .filter(|timeout| !timeout.is_zero() && *timeout <= transactions.timeout_max)
            .ok_or(ResponseError::InvalidTransactionTimeout)?;
        let protocol = transactions.protocol;
        if !transactions.by_id.contains_key(id) {
            if transactions.by_id.len() >= transactions.ids_max {
                return Err(ResponseError::PolicyViolation);
            }
            let new = Transaction::new(self.next_producer_id());
            transactions.by_id.insert(id.to_owned(), new);
        }
        let transaction = transactions.known_mut(id)?;
        self.finish(id, transaction, Markers::WhereOpen);
        match transaction.on_init(expected, timeout, || self.next_producer_id())? {
            Init::Granted(producer) => {
                self.note_standing(id, transaction);
                Ok(producer)
            }
            Init::AbortFirst => {
                self.fence(id, transaction, protocol);
                Err(ResponseError::ConcurrentTransactions)
            }
        }
    }

    /// Takes a partition into a producer's transaction.
    ///
    /// # Errors
    /// See [`Transaction::verify`].
    pub(crate) fn join_partition(
        &self,
        transactions: &mut Transactions,
        id: &str,
        producer: ProducerKey,
        topic: &str,
        partition: i32,
    ) -> Result<(), ResponseError> {
        let transaction = transactions.known_mut(id)?;
        self.finish(id, transaction, Markers::WhereOpen);
        let joined = transaction.on_partition(producer, topic, partition, now())?;
        let topic = topic.to_owned();
        let entry = TransactionEntry::PartitionJoined { topic, partition };
        self.note_joined(id, transaction, joined, entry);
        Ok(())
    }

    /// Takes a group into a producer's transaction.
    ///
    /// # Errors
    /// See [`Transaction::verify`]; `PolicyViolation` for too many groups.
    pub(crate) fn join_group(
        &self,
        transactions: &mut Transactions,
        id: &str,
        producer: ProducerKey,
        group: &str,
    ) -> Result<(), ResponseError> {
        let groups_max = transactions.groups_max;
        let transaction = transactions.known_mut(id)?;
        self.finish(id, transaction, Markers::WhereOpen);
        let groups = &transaction.contents().groups;
        if groups.len() >= groups_max && !groups.contains(group) {
            return Err(ResponseError::PolicyViolation);
        }
        let joined = transaction.on_group(producer, group, now())?;
        let group = group.to_owned();
        let entry = TransactionEntry::GroupJoined { group };
        self.note_joined(id, transaction, joined, entry);
        Ok(())
    }

    /// Keeps an offset until the transaction ends; the caller has verified its group.
    ///
    /// # Errors
    /// `PolicyViolation` for too many offsets.
    pub(crate) fn hold_offset(
        &self,
        transactions: &mut Transactions,
        id: &str,
        key: (String, String, i32),
        committed: Committed,
    ) -> Result<(), ResponseError> {
        let offsets_max = transactions.offsets_max;
        let transaction = transactions.known_mut(id)?;
        transaction.on_offset(key.clone(), committed.clone(), offsets_max)?;
        let (group, topic, partition) = key;
        self.note_transaction(
            id,
            TransactionEntry::OffsetJoined {
                group,
                topic,
                partition,
                committed,
            },
        );
        Ok(())
    }

    /// Appends a batch of a transaction. The transaction cannot end in between.
    ///
    /// # Errors
    /// See [`Transaction::verify`]; or what the log has against the batch.
    pub(crate) fn append_in_transaction(
        &self,
        id: &str,
        joining: Joining,
        (topic, partition): (&str, i32),
        header: &BatchHeader,
        records: &Bytes,
    ) -> Result<Appended, ResponseError> {
        let producer = ProducerKey {
            id: header.producer_id,
            epoch: header.producer_epoch,
        };
        let mut transactions = lock(&self.transactions);
        let start = match joining {
            Joining::Explicit => {
                transactions.known(id)?.verify(producer, topic, partition)?;
                Start::Anywhere
            }
            Joining::Implicit => {
                if !lock(&self.topics).has_partition(topic, partition) {
                    return Err(ResponseError::UnknownTopicOrPartition);
                }
                self.join_partition(&mut transactions, id, producer, topic, partition)?;
                Start::AtZero
            }
        };
        lock(&self.topics).append(topic, partition, header, records, start)
    }

    /// Ends a transaction; gives the producer id and epoch that follow it.
    ///
    /// # Errors
    /// See [`Transaction::on_end`].
    pub(crate) fn end_transaction(
        &self,
        id: &str,
        producer: ProducerKey,
        outcome: Outcome,
        protocol: Protocol,
    ) -> Result<ProducerKey, ResponseError> {
        let mut transactions = lock(&self.transactions);
        let transaction = transactions.known_mut(id)?;
        self.finish(id, transaction, Markers::WhereOpen);
        match transaction.on_end(producer, outcome, protocol, || self.next_producer_id())? {
            End::Repeated => {}
            End::Prepared => {
                self.note_standing(id, transaction);
                self.finish(id, transaction, Markers::Everywhere);
            }
        }
        Ok(transaction.standing().producer)
    }

    /// Brings what a restart interrupted to an end: decided transactions get their missing markers,
    /// and records whose transaction nobody knows are aborted.
    pub(crate) fn settle_transactions(&self) {
        let mut transactions = lock(&self.transactions);
        for (id, transaction) in &mut transactions.by_id {
            self.finish(id, transaction, Markers::WhereOpen);
        }
        let ongoing = transactions.by_id.values().filter(|t| t.is_ongoing());
        let owners: BTreeSet<i64> = ongoing.map(|t| t.standing().producer.id).collect();
        let mut topics = lock(&self.topics);
        for (topic, partition, producer) in topics.open_transactions() {
            if owners.contains(&producer.id) {
                continue;
            }
            tracing::warn!(topic, partition, producer.id, "unknown transaction aborted");
            let marker = marker(producer, Outcome::Abort);
            if let Err(error) = topics.end_transaction(&topic, partition, &marker) {
                tracing::error!(%error, topic, partition, "cannot abort an unknown transaction");
            }
        }
    }

    /// Aborts transactions whose time is up, until the broker stops.
    pub(crate) async fn run_transaction_clock(&self) {
        loop {
            let deadline = lock(&self.transactions).next_deadline();
            let sleep = async {
                match deadline {
                    Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = sleep => self.abort_overdue(now()),
                () = self.transactions_changed.notified() => {}
                () = self.stopped() => return,
            }
        }
    }

    /// Aborts the transactions whose time is up at `now`.
    pub(crate) fn abort_overdue(&self, now: Instant) {
        let mut transactions = lock(&self.transactions);
        let protocol = transactions.protocol;
        for (id, transaction) in &mut transactions.by_id {
            if transaction
                .deadline()
                .is_some_and(|deadline| deadline <= now)
            {
                tracing::info!(transactional_id = id, "transaction timed out");
                self.fence(id, transaction, protocol);
            }
        }
    }

    fn fence(&self, id: &str, transaction: &mut Transaction, protocol: Protocol) {
        if transaction.on_fence(protocol) {
            self.note_standing(id, transaction);
            self.finish(id, transaction, Markers::Everywhere);
        }
    }

    /// Carries a decision out that has been noted. A failing disk leaves it standing: the next
    /// request for this id tries again.
    fn finish(&self, id: &str, transaction: &mut Transaction, markers: Markers) {
        let standing = transaction.standing();
        let Phase::Prepare(outcome) = standing.phase else {
            return;
        };
        let marker = marker(standing.producer, outcome);
        if !self.mark(&transaction.contents().partitions, &marker, markers) {
            return;
        }
        let contents = transaction.complete();
        if outcome == Outcome::Commit {
            self.publish_offsets(contents.offsets);
        }
        self.note_standing(id, transaction);
        self.appended.notify_waiters();
    }

    /// Writes the markers; false if one could not be written. Partitions that have been deleted
    /// need none.
    fn mark(
        &self,
        partitions: &BTreeSet<(String, i32)>,
        marker: &Marker,
        markers: Markers,
    ) -> bool {
        let mut topics = lock(&self.topics);
        let mut written = true;
        for (topic, partition) in partitions {
            let log = topics
                .get(topic)
                .and_then(|topic| topic.partition(*partition));
            let open = log.is_some_and(|l| l.open_transactions().contains_key(&marker.producer_id));
            if log.is_none() || (markers == Markers::WhereOpen && !open) {
                continue;
            }
            if let Err(error) = topics.end_transaction(topic, *partition, marker) {
                tracing::error!(%error, topic, partition, "cannot write a transaction's marker");
                written = false;
            }
        }
        written
    }

    fn publish_offsets(&self, offsets: BTreeMap<(String, String, i32), Committed>) {
        let mut groups = lock(&self.groups);
        for ((group, topic, partition), committed) in offsets {
            if let Err(error) = groups.commit(&group, &topic, partition, committed.clone()) {
                tracing::warn!(%error, group, topic, partition, "offset of a transaction lost");
                continue;
            }
            self.note(&Entry::OffsetCommitted {
                group,
                topic,
                partition,
                committed,
            });
        }
    }

    fn note_joined(
        &self,
        id: &str,
        transaction: &Transaction,
        joined: Joined,
        entry: TransactionEntry,
    ) {
        let Joined::Added { began } = joined else {
            return;
        };
        if began {
            self.note_standing(id, transaction);
            self.transactions_changed.notify_one();
        }
        self.note_transaction(id, entry);
    }

    fn note_standing(&self, id: &str, transaction: &Transaction) {
        let standing = transaction.standing().clone();
        self.note_transaction(id, TransactionEntry::Stood(standing));
    }

    fn note_transaction(&self, id: &str, entry: TransactionEntry) {
        let id = id.to_owned();
        self.note(&Entry::Transaction { id, entry });
    }
}

fn marker(producer: ProducerKey, outcome: Outcome) -> Marker {
    Marker {
        producer_id: producer.id,
        producer_epoch: producer.epoch,
        outcome,
        timestamp: wall_clock_ms(),
    }
}

/// Milliseconds since 1970.
pub(crate) fn wall_clock_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}
