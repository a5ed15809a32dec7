//! From what was fetched of a partition to the batches that a reader may see, each proven by its checksum.

use ferrovia_client::fetch::Fetched;
use ferrovia_client::settings::IsolationLevel;
use ferrovia_pipeline::batch::{AbortedTransactions, Admission, BatchError, RawBatch, batches};

/// What was fetched, walked through.
#[derive(Debug)]
pub(crate) struct Walked {
    /// The batches that are to be seen, in order.
    pub(crate) seen: Vec<Seen>,
    /// Where to read on.
    pub(crate) next: i64,
    /// The leader's epoch of the last batch.
    pub(crate) epoch: Option<i32>,
    /// Why the walk ended before the last batch; then what follows is to be fetched again.
    pub(crate) fault: Option<BatchError>,
}

/// A batch that is to be seen.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) batch: RawBatch,
    /// Records before this offset were seen earlier.
    pub(crate) from_offset: i64,
}

/// Walks through the batches of one partition.
pub(crate) fn walk(fetched: Fetched, isolation: IsolationLevel) -> Walked {
    let mut walked = Walked {
        seen: Vec::new(),
        next: fetched.from_offset,
        epoch: None,
        fault: None,
    };
    let mut aborted = AbortedTransactions::new(match isolation {
        IsolationLevel::ReadCommitted => fetched.aborted,
        IsolationLevel::ReadUncommitted => Vec::new(),
    });
    for batch in batches(fetched.records) {
        if let Err(fault) = batch.and_then(|batch| walked.take(batch, &mut aborted)) {
            walked.fault = Some(fault);
            break;
        }
    }
    walked
}

impl Walked {
    fn take(
        &mut self,
        batch: RawBatch,
        aborted: &mut AbortedTransactions,
    ) -> Result<(), BatchError> {
        let header = *batch.header();
        if header.next_offset() <= self.next {
            return Ok(());
        }
        if aborted.admits(&batch)? == Admission::Deliver {
            batch.verify_crc()?;
            let from_offset = self.next;
            self.seen.push(Seen { batch, from_offset });
        }
        self.next = header.next_offset();
        self.epoch = Some(header.partition_leader_epoch).filter(|epoch| *epoch >= 0);
        Ok(())
    }
}
