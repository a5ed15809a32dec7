//! Writes to the status topic in the order in which the herder speaks, many records at once where many wait.

use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tracing::error;

use crate::storage::log::{NewRecord, TopicLog};
use crate::storage::status::StatusRecord;

/// Entries that are written at once at most.
const BATCH_MAX: usize = 512;

/// The queue in front of the status topic. With it the writing ends.
#[derive(Debug)]
pub(super) struct StatusJournal {
    entries: mpsc::UnboundedSender<Entry>,
    task: AbortHandle,
}

#[derive(Debug)]
enum Entry {
    Record(StatusRecord),
    /// Tell when everything before it is written.
    Mark(oneshot::Sender<()>),
}

impl StatusJournal {
    /// Writes to this topic, on the current runtime.
    pub(super) fn new(topic: TopicLog) -> Self {
        // Each entry is the word of a connector or task on a change of its state, and a task that changes its state waits
        // for the herder to hear it: what can be queued is bounded by how many there are.
        let (entries, queue) = mpsc::unbounded_channel();
        let task = tokio::spawn(write(topic, queue)).abort_handle();
        Self { entries, task }
    }

    pub(super) fn write(&self, record: StatusRecord) {
        // The task ends with this queue only.
        let _ = self.entries.send(Entry::Record(record));
    }

    /// Resolves when everything is written that was said before this call.
    pub(super) fn flushed(&self) -> oneshot::Receiver<()> {
        let (told, flushed) = oneshot::channel();
        let _ = self.entries.send(Entry::Mark(told));
        flushed
    }
}

impl Drop for StatusJournal {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn write(topic: TopicLog, mut queue: mpsc::UnboundedReceiver<Entry>) {
    let mut entries = Vec::new();
    while queue.recv_many(&mut entries, BATCH_MAX).await > 0 {
        let mut records = Vec::new();
        let mut marks = Vec::new();
        for entry in entries.drain(..) {
            match entry {
                Entry::Record(record) => records.push(NewRecord::new(record.key(), record.value())),
                Entry::Mark(mark) => marks.push(mark),
            }
        }
        if !records.is_empty()
            && let Err(error) = topic.append(records).await
        {
            error!("Failed to write status update: {error}");
        }
        for mark in marks {
            let _ = mark.send(());
        }
    }
}
