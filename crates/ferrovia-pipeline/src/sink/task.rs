//! The sink task: what a connector author writes.

use crate::error::ConnectError;
use crate::sink::{SinkBatch, SinkContext};
use crate::topic::{Offsets, TopicPartition};

/// Writes records from Kafka to another system.
///
/// A task is owned by one thread and called by it alone, so it needs no locks. Its life:
///
/// 1. **Start.** [`start`](Self::start) is called once, before anything else, with the task's settings in the context.
/// 2. **Assignment.** [`open`](Self::open) names the partitions that the task now reads. It is called again whenever
///    partitions are added; with the cooperative protocol it names only the new ones.
/// 3. **Records.** [`put`](Self::put) hands over records, in offset order within each partition. It is called with an
///    empty batch too, about as often as offsets are committed, so that a task can act on time that has passed.
/// 4. **Commit.** Every `offset.flush.interval.ms`, and before partitions are taken away,
///    [`pre_commit`](Self::pre_commit) asks which offsets are safe. Only these are committed.
/// 5. **Rebalance.** [`close`](Self::close) names the partitions that are gone. After a loss (the group went on without
///    this member) it comes without a commit before it.
/// 6. **Stop.** A last commit, `close` of all partitions, then [`stop`](Self::stop), once, even when `start` failed.
///
/// An error from `put` that [is retriable](ConnectError::is_retriable) pauses the task's partitions and delivers the same
/// batch again, without limit; [`SinkContext::timeout`] sets the pause before the next try. Any other error fails the
/// task: it stays `FAILED` until somebody restarts it, and no offset moves past what was committed.
///
/// A record may be delivered more than once: after a crash or a failed commit, reading goes on from the last
/// committed offsets.
///
/// # Source
/// `org.apache.kafka.connect.sink.SinkTask`
pub trait SinkTask: Send {
    /// Which form of records this task wants. Asked once, after [`start`](Self::start).
    fn input(&self) -> InputForm {
        InputForm::Records
    }

    /// Where this task runs. Asked once, before [`start`](Self::start).
    fn placement(&self) -> Placement {
        Placement::OwnThread
    }

    /// Prepares the task: reads its settings and opens what it writes to.
    ///
    /// # Errors
    /// Any error fails the task.
    fn start(&mut self, context: &mut SinkContext) -> Result<(), ConnectError>;

    /// Partitions were added to this task. The context's assignment holds all of them.
    ///
    /// # Errors
    /// Any error fails the task.
    fn open(
        &mut self,
        partitions: &[TopicPartition],
        context: &mut SinkContext,
    ) -> Result<(), ConnectError> {
        let _ = (partitions, context);
        Ok(())
    }

    /// Takes a batch of records, which may be empty. Returning does not promise that they are stored: that is what
    /// [`pre_commit`](Self::pre_commit) is for.
    ///
    /// # Errors
    /// A retriable error delivers the same batch again; any other fails the task.
    fn put(&mut self, batch: &mut SinkBatch, context: &mut SinkContext)
    -> Result<(), ConnectError>;

    /// Makes everything that was put so far durable.
    ///
    /// # Errors
    /// The offsets are not committed, and reading goes back to the last committed ones.
    fn flush(&mut self, offsets: &Offsets, context: &mut SinkContext) -> Result<(), ConnectError> {
        let _ = (offsets, context);
        Ok(())
    }

    /// Which offsets are safe to commit. `offsets` holds, for every partition, the offset after the last record that
    /// was put. The default flushes and answers all of them; a task that knows better answers fewer or smaller ones,
    /// and an empty answer commits nothing. Offsets are those of the topic as it was read, before transformations.
    ///
    /// # Errors
    /// The offsets are not committed, and reading goes back to the last committed ones.
    fn pre_commit(
        &mut self,
        offsets: &Offsets,
        context: &mut SinkContext,
    ) -> Result<Offsets, ConnectError> {
        self.flush(offsets, context)?;
        Ok(offsets.clone())
    }

    /// Partitions are gone from this task; their offsets have been committed already, unless they were lost.
    ///
    /// # Errors
    /// Any error fails the task.
    fn close(
        &mut self,
        partitions: &[TopicPartition],
        context: &mut SinkContext,
    ) -> Result<(), ConnectError> {
        let _ = (partitions, context);
        Ok(())
    }

    /// Releases everything. Called once, last.
    ///
    /// # Errors
    /// The error is logged.
    fn stop(&mut self) -> Result<(), ConnectError>;
}

/// The form in which a task takes records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InputForm {
    /// Whole record batches as the broker stores them, verified but not opened ([`SinkBatch::deliveries`]). Only possible
    /// while converters and transformations leave records as they are; otherwise the task fails at its start.
    Batches,
    /// Records with their converted key and value ([`SinkBatch::for_each`]).
    Records,
}

/// Which thread a task's calls are made on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Placement {
    /// A thread of its own: calls may block.
    OwnThread,
    /// One of the worker's data threads, shared with other tasks: calls must not block.
    Shared,
}
