//! Writes to the status topic in the order in which the herder speaks, many records at once where many wait.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, oneshot};
use tokio::task::AbortHandle;
use tracing::error;

use crate::storage::log::{NewRecord, TopicLog};
use crate::storage::status::StatusRecord;

/// Waiting records from which on a newer one takes the place of an older one of the same key, so that no more wait than
/// there are connectors and tasks while the topic cannot be written.
const COALESCE_FROM: usize = 1024;

/// The queue in front of the status topic. With it the writing ends.
#[derive(Debug)]
pub(super) struct StatusJournal {
    queue: Arc<Queue>,
    task: AbortHandle,
}

#[derive(Debug, Default)]
struct Queue {
    entries: Mutex<VecDeque<Entry>>,
    news: Notify,
}

#[derive(Debug)]
enum Entry {
    Record(String, StatusRecord),
    /// Tell when everything before it is written.
    Mark(oneshot::Sender<()>),
}

impl StatusJournal {
    /// Writes to this topic, on the current runtime.
    pub(super) fn new(topic: TopicLog) -> Self {
        let queue = Arc::<Queue>::default();
        let task = tokio::spawn(write(topic, Arc::clone(&queue))).abort_handle();
        Self { queue, task }
    }

    pub(super) fn write(&self, record: StatusRecord) {
        self.queue.put(Entry::Record(record.key(), record));
    }

    /// Resolves when everything is written that was said before this call.
    pub(super) fn flushed(&self) -> oneshot::Receiver<()> {
        let (told, flushed) = oneshot::channel();
        self.queue.put(Entry::Mark(told));
        flushed
    }
}

impl Drop for StatusJournal {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Queue {
    fn put(&self, entry: Entry) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let is_long = entries.len() >= COALESCE_FROM;
        let older = entries
            .iter_mut()
            .rev()
            .find(|older| is_long && older.key().is_some() && older.key() == entry.key());
        match older {
            Some(older) => *older = entry,
            None => entries.push_back(entry),
        }
        self.news.notify_one();
    }

    fn take(&self) -> VecDeque<Entry> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *entries)
    }
}

impl Entry {
    fn key(&self) -> Option<&str> {
        match self {
            Self::Record(key, _) => Some(key),
            Self::Mark(_) => None,
        }
    }
}

async fn write(topic: TopicLog, queue: Arc<Queue>) {
    loop {
        let mut records = Vec::new();
        let mut marks = Vec::new();
        for entry in queue.take() {
            match entry {
                Entry::Record(key, record) => records.push(NewRecord::new(key, record.value())),
                Entry::Mark(mark) => marks.push(mark),
            }
        }
        if !records.is_empty()
            && let Err(error) = topic.append(records).await
        {
            error!("Failed to write status update: {error}");
        }
        for mark in marks {
            // Whoever waits may have given up.
            let _ = mark.send(());
        }
        queue.news.notified().await;
    }
}
