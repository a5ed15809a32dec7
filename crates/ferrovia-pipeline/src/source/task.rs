//! The source task: what a connector author writes.

use crate::error::ConnectError;
use crate::sink::Placement;
use crate::source::{SourceBatch, SourceContext, SourceRecord};

/// Reads records from another system.
///
/// A task is owned by one thread and called by it alone, so it needs no locks. Its life:
///
/// 1. **Start.** [`start`](Self::start) is called once, before anything else, with the task's settings in the context. There
///    it looks up how far it came before ([`SourceContext::offset`]).
/// 2. **Records.** [`poll`](Self::poll) hands out the next records, which may borrow from the task. The worker transforms and
///    converts them, produces them in order and only then polls again.
/// 3. **Acknowledgement.** A record that has a [tag](SourceRecord::tag) is told of by
///    [`commit_record`](Self::commit_record) once Kafka has it, or once it was skipped; with exactly-once support, once its
///    transaction has ended.
/// 4. **Commit.** Every `offset.flush.interval.ms` the worker stores, for each partition of the source, the offset of the
///    last record before which all are acknowledged; then it calls [`commit`](Self::commit). With exactly-once support the
///    offsets are part of the transaction that holds the records, and `commit` comes behind each transaction.
/// 5. **Stop.** What was handed out is produced and committed, as far as there is time; where the task says itself where
///    transactions end, the one at hand is aborted instead. Then [`stop`](Self::stop) is called, once, even when `start`
///    failed. A task that was never started is not stopped either.
///
/// A retriable error from `poll` is as good as no records. Any other error fails the task: it stays `FAILED` until somebody
/// restarts it. The offsets of what Kafka has are stored then; with exactly-once support the transaction at hand is
/// aborted, and its records come again.
///
/// # Source
/// `org.apache.kafka.connect.source.SourceTask`
pub trait SourceTask: Send {
    /// Where this task runs. Asked once, before [`start`](Self::start).
    fn placement(&self) -> Placement {
        Placement::OwnThread
    }

    /// Prepares the task: reads its settings, opens what it reads from and finds its place.
    ///
    /// # Errors
    /// Any error fails the task.
    fn start(&mut self, context: &mut SourceContext) -> Result<(), ConnectError>;

    /// The next records, in order. None means that there is nothing now: the task is asked again at once, or after the time
    /// that it asked to [wait](SourceContext::wait). A call may block, but no longer than a moment: pausing and stopping
    /// wait for it.
    ///
    /// # Errors
    /// After a retriable error the task is asked again; any other fails it.
    fn poll(&mut self, context: &mut SourceContext) -> Result<Vec<SourceRecord<'_>>, ConnectError>;

    /// Which form of records this task hands out. Asked once, after [`start`](Self::start).
    fn output(&self) -> OutputForm {
        OutputForm::Records
    }

    /// The next batches, in order: asked instead of [`poll`](Self::poll) where the output is [`OutputForm::Batches`].
    ///
    /// # Errors
    /// As for [`poll`](Self::poll).
    fn poll_batches(
        &mut self,
        context: &mut SourceContext,
    ) -> Result<Vec<SourceBatch>, ConnectError> {
        let _ = context;
        Ok(Vec::new())
    }

    /// Hears that the record with this tag is done with: where it landed in Kafka, or `None` if it was skipped by a
    /// transformation or because its errors are tolerated, or if its transaction was aborted.
    ///
    /// Tags come in the order in which Kafka acknowledges, those of skipped records when they are skipped: before those of
    /// earlier records that are still on their way. With exactly-once support all come when their transaction has been
    /// committed, or, if it is aborted, when the offsets behind it have been.
    ///
    /// # Errors
    /// The error is logged.
    fn commit_record(&mut self, tag: u64, landed: Option<Landed>) -> Result<(), ConnectError> {
        let _ = (tag, landed);
        Ok(())
    }

    /// Hears that offsets were stored: all records before them are safe.
    ///
    /// # Errors
    /// The error is logged.
    fn commit(&mut self) -> Result<(), ConnectError> {
        Ok(())
    }

    /// Releases everything. Called once, last.
    ///
    /// # Errors
    /// The error is logged.
    fn stop(&mut self) -> Result<(), ConnectError>;
}

/// How a source task hands out records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputForm {
    /// One by one, to be transformed and converted.
    Records,
    /// As sealed batches, which the worker does not open. Only where [`SourceContext::batch_form`] allows it.
    Batches,
}

/// Where a record landed.
///
/// # Source
/// `org.apache.kafka.clients.producer.RecordMetadata`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landed {
    /// The partition.
    pub partition: crate::topic::TopicPartition,
    /// The offset there.
    pub offset: i64,
}
