//! Which batches of a partition a `read_committed` reader may see. A machine: no clock, no IO.

use std::collections::BTreeSet;

use crate::batch::{BatchError, ControlType, RawBatch};

/// What to do with a batch. Whatever it is, the position moves to the batch's next offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Hand its records to the application.
    Deliver,
    /// Its transaction was aborted.
    SkipAborted,
    /// It is a marker, and holds no records for the application.
    SkipControl,
}

/// The aborted transactions that a broker named for one partition's fetch, and those of them that are open at the position.
///
/// Make one from each fetch response, and show it every batch of that response in order. A reader without `read_committed`
/// uses an empty one: it still drops the markers.
///
/// # Source
/// KIP-98; `org.apache.kafka.clients.consumer.internals.CompletedFetch`. As there, the list may come in any order, and a
/// producer's second abort marker changes nothing.
#[derive(Debug, Clone, Default)]
pub struct AbortedTransactions {
    /// (first offset, producer), the next to open last.
    to_come: Vec<(i64, i64)>,
    open: BTreeSet<i64>,
}

impl AbortedTransactions {
    /// Takes the list of a fetch response: (producer id, first offset), in any order.
    pub fn new(aborted: impl IntoIterator<Item = (i64, i64)>) -> Self {
        let mut to_come: Vec<(i64, i64)> = aborted
            .into_iter()
            .map(|(producer_id, first_offset)| (first_offset, producer_id))
            .collect();
        to_come.sort_unstable_by(|a, b| b.cmp(a));
        Self {
            to_come,
            open: BTreeSet::new(),
        }
    }

    /// Decides on the next batch.
    ///
    /// # Errors
    /// Those of [`RawBatch::control_type`], for a control batch that is malformed: the position must not move past it,
    /// for it might have ended an aborted transaction.
    pub fn admits(&mut self, batch: &RawBatch) -> Result<Admission, BatchError> {
        let header = batch.header();
        while let Some((_, producer_id)) = self
            .to_come
            .pop_if(|(first_offset, _)| *first_offset <= header.last_offset())
        {
            self.open.insert(producer_id);
        }
        if header.is_control() {
            if batch.control_type()? == ControlType::Abort {
                self.open.remove(&header.producer_id);
            }
            return Ok(Admission::SkipControl);
        }
        if header.is_transactional() && self.open.contains(&header.producer_id) {
            return Ok(Admission::SkipAborted);
        }
        Ok(Admission::Deliver)
    }
}

#[cfg(test)]
mod tests;
