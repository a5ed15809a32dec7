//! The transactions in one partition: where open ones begin, and which were aborted.
//!
//! # Source
//! KIP-98; `org.apache.kafka.storage.internals.log.{ProducerStateManager, TransactionIndex}`.

use std::collections::{BTreeMap, VecDeque};

use super::batch::BatchHeader;
use super::marker::Outcome;

/// Transactions seen by one partition.
#[derive(Debug, Default)]
pub(super) struct PartitionTransactions {
    /// First offsets of open transactions by producer id.
    open: BTreeMap<i64, i64>,
    /// In the order of their markers.
    aborted: VecDeque<Aborted>,
}

/// An aborted transaction: read-committed consumers leave its records out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Aborted {
    pub(crate) producer_id: i64,
    pub(crate) first_offset: i64,
    /// The offset of the abort marker.
    pub(crate) last_offset: i64,
}

impl PartitionTransactions {
    /// Notes a stored batch of records.
    pub(super) fn record(&mut self, header: &BatchHeader) {
        if header.is_transactional() {
            let first = self.open.entry(header.producer_id);
            first.or_insert(header.base_offset);
        }
    }

    /// Notes a stored marker.
    pub(super) fn end(&mut self, header: &BatchHeader, outcome: Outcome) {
        let producer_id = header.producer_id;
        if let Some(first_offset) = self.open.remove(&producer_id)
            && outcome == Outcome::Abort
        {
            self.aborted.push_back(Aborted {
                producer_id,
                first_offset,
                last_offset: header.base_offset,
            });
        }
    }

    pub(super) fn is_open(&self, producer_id: i64) -> bool {
        self.open.contains_key(&producer_id)
    }

    /// Producers with an open transaction, and where it begins.
    pub(super) fn open(&self) -> &BTreeMap<i64, i64> {
        &self.open
    }

    /// The first offset of the oldest open transaction.
    pub(super) fn first_unstable(&self) -> Option<i64> {
        self.open.values().min().copied()
    }

    /// Aborted transactions with an offset in `from..until`.
    pub(super) fn aborted(&self, from: i64, until: i64) -> Vec<Aborted> {
        let first = self.aborted.partition_point(|a| a.last_offset < from);
        let rest = self.aborted.range(first..);
        rest.filter(|a| a.first_offset < until).copied().collect()
    }

    /// Forgets aborted transactions that lie wholly before the start of the log.
    pub(super) fn forget_before(&mut self, start_offset: i64) {
        while self
            .aborted
            .front()
            .is_some_and(|a| a.last_offset < start_offset)
        {
            self.aborted.pop_front();
        }
    }
}
