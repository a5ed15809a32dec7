//! Leaves out what a reader must not see: markers, and the records of aborted transactions.

use ferrovia_pipeline::batch::{AbortedTransactions, Admission, BatchError, RawBatch};

/// Decides, batch by batch in offset order, what one answer of one partition delivers.
pub(super) struct Visibility {
    /// With `isolation.level=read_committed`.
    aborted: Option<AbortedTransactions>,
}

impl Visibility {
    /// `aborted` are the transactions, as (producer id, first offset), that the answer named as aborted.
    pub(super) fn new(read_committed: bool, aborted: Vec<(i64, i64)>) -> Self {
        Self {
            aborted: read_committed.then(|| AbortedTransactions::new(aborted)),
        }
    }

    /// Whether the records of `batch` are delivered. Positions move past a batch either way.
    pub(super) fn shows(&mut self, batch: &RawBatch) -> Result<bool, BatchError> {
        match &mut self.aborted {
            Some(aborted) => Ok(aborted.admits(batch)? == Admission::Deliver),
            None => Ok(!batch.header().is_control()),
        }
    }
}
