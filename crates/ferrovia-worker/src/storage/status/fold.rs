//! Reads the status topic record by record and keeps what it comes to.

use std::sync::Arc;

use crate::status::{State, Status, StatusStore};
use crate::storage::config::ConfigSnapshot;
use crate::storage::status::StatusRecord;

/// The status topic so far.
///
/// # Source
/// `KafkaStatusBackingStore.read`
#[derive(Debug, Default)]
pub struct StatusFold {
    statuses: StatusStore,
}

impl StatusFold {
    /// Before the first record.
    pub fn new() -> Self {
        Self::default()
    }

    /// What the topic comes to at this moment.
    pub fn statuses(&self) -> &StatusStore {
        &self.statuses
    }

    /// Takes the next record, and answers it. One that cannot be used is logged and skipped.
    pub fn on_record(&mut self, key: Option<&[u8]>, value: Option<&[u8]>) -> Option<StatusRecord> {
        match StatusRecord::parse(key, value) {
            Ok(record) => {
                self.apply(record.clone());
                Some(record)
            }
            Err(reason) => {
                let key = key.map(String::from_utf8_lossy);
                tracing::warn!(
                    key = key.as_deref(),
                    "a record of the status topic is skipped: {reason}"
                );
                None
            }
        }
    }

    fn apply(&mut self, record: StatusRecord) {
        if !self.is_stale(&record) {
            self.put(record);
        }
    }

    /// Takes a record that no other worker can have overtaken, because there is none.
    pub fn put(&mut self, record: StatusRecord) {
        let statuses = &mut self.statuses;
        match record {
            StatusRecord::Connector { name, status } => match status {
                Some(status) => statuses.put_connector(&name, status),
                None => statuses.remove_connector(&name),
            },
            StatusRecord::Task { id, status } => match status {
                Some(status) => statuses.put_task(id, status),
                None => statuses.remove_task(&id),
            },
            StatusRecord::Topic {
                connector,
                topic,
                used,
            } => match used {
                Some(used) => statuses.put_topic(&connector, &topic, used),
                None => statuses.remove_topic(&connector, &topic),
            },
        }
    }

    /// A worker that gives a task up may say so after the next one has said that it runs.
    fn is_stale(&self, record: &StatusRecord) -> bool {
        let StatusRecord::Task {
            id,
            status: Some(status),
        } = record
        else {
            return false;
        };
        let cached = self.statuses.task(id);
        status.state == State::Unassigned
            && cached.is_some_and(|cached| {
                cached.state == State::Running && cached.generation >= status.generation
            })
    }

    /// The tombstones that a new leader writes: for connectors that are not configured with their tasks, and for tasks
    /// that are not.
    ///
    /// # Source
    /// `DistributedHerder.updateDeletedConnectorStatus`, `updateDeletedTaskStatus`
    pub fn orphans(&self, configured: &ConfigSnapshot) -> Vec<StatusRecord> {
        let mut orphans = Vec::new();
        for connector in self.statuses.connectors_of_tasks() {
            let remaining = configured.tasks(connector);
            let tasks = self.statuses.tasks(connector).map(|(id, _)| id.clone());
            let gone = tasks.filter(|id| !remaining.contains(id));
            orphans.extend(gone.map(|id| StatusRecord::Task { id, status: None }));
        }
        let connectors = self.statuses.connectors();
        let gone = connectors.filter(|name| !configured.contains(name));
        orphans.extend(gone.map(|name| StatusRecord::Connector {
            name: Arc::clone(name),
            status: None,
        }));
        orphans
    }
}

/// Whether a status may be written that must not hide a newer one of another worker, as [`State::Unassigned`] and
/// [`State::Failed`] might: there is none yet, or it is this worker's, or it is not of a later generation.
///
/// # Source
/// `KafkaStatusBackingStore.CacheEntry.canWriteSafely`
pub fn may_write_safely(cached: Option<&Status>, worker_id: &str, generation: i32) -> bool {
    cached.is_none_or(|cached| *cached.worker_id == *worker_id || cached.generation <= generation)
}

#[cfg(test)]
mod tests;
