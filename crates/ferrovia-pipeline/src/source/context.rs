//! What a source task may know and ask of the worker.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use crate::data::Map;
use crate::error::ConnectError;
use crate::source::{BatchForm, Boundary};

/// Answers how far partitions of a source have been read.
///
/// # Source
/// `org.apache.kafka.connect.storage.OffsetStorageReader`
pub trait OffsetReader: Send + Sync + fmt::Debug {
    /// The offset that was stored last for this partition: what was stored before the connector or task was started, or
    /// since.
    ///
    /// # Errors
    /// The partition holds something else than numbers, texts, truth values and nulls, or what is stored is not an offset.
    fn offset(&self, partition: &Map<'_>) -> Result<Option<Map<'static>>, ConnectError>;
}

/// A source task's view of the worker. What the task asks for takes effect when its current call has returned.
///
/// # Source
/// `org.apache.kafka.connect.source.SourceTaskContext`
#[derive(Debug)]
pub struct SourceContext {
    settings: BTreeMap<String, String>,
    offsets: Arc<dyn OffsetReader>,
    defines_boundaries: bool,
    batch_form: Option<BatchForm>,
    waker: Waker,
    requests: SourceRequests,
}

/// What a task has asked for since the worker last looked.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct SourceRequests {
    /// How long to wait before the next poll.
    pub wait: Option<Duration>,
    /// How to end the transaction behind the records of this poll.
    pub boundary: Option<Boundary>,
}

impl SourceContext {
    /// The context of a task with these settings. `defines_boundaries` tells whether the task says where transactions end.
    pub fn new(
        settings: BTreeMap<String, String>,
        offsets: Arc<dyn OffsetReader>,
        defines_boundaries: bool,
    ) -> Self {
        Self {
            settings,
            offsets,
            defines_boundaries,
            batch_form: None,
            waker: Waker::noop().clone(),
            requests: SourceRequests::default(),
        }
    }

    /// For the worker: the task may hand out batches of this form.
    #[must_use]
    pub fn with_batches(self, form: BatchForm) -> Self {
        let batch_form = Some(form);
        Self { batch_form, ..self }
    }

    /// For the worker: `waker` ends a [wait](Self::wait).
    #[must_use]
    pub fn with_waker(self, waker: Waker) -> Self {
        Self { waker, ..self }
    }

    /// The task's settings, with variables of configuration providers filled in.
    pub fn settings(&self) -> &BTreeMap<String, String> {
        &self.settings
    }

    /// The value of one setting.
    pub fn setting(&self, key: &str) -> Option<&str> {
        self.settings.get(key).map(String::as_str)
    }

    /// The offset that was stored last for a partition of the source, if there is one.
    ///
    /// # Errors
    /// See [`OffsetReader::offset`].
    pub fn offset(&self, partition: &Map<'_>) -> Result<Option<Map<'static>>, ConnectError> {
        self.offsets.offset(partition)
    }

    /// Waits this long before the next poll; holds once. Pausing and stopping do not wait for it.
    pub fn wait(&mut self, pause: Duration) {
        self.requests.wait = Some(pause);
    }

    /// Ends the wait for the next poll when it is woken: for tasks that have their records read elsewhere.
    pub fn waker(&self) -> &Waker {
        &self.waker
    }

    /// What batches have to be like that are to go to Kafka as they are; `None` where the user's converters and
    /// transformations look into records.
    pub fn batch_form(&self) -> Option<BatchForm> {
        self.batch_form
    }

    /// Whether the task says where transactions end (`transaction.boundary=connector`): by the
    /// [boundary](crate::source::SourceRecord::boundary) of a record, or by [`end_transaction`](Self::end_transaction).
    pub fn defines_boundaries(&self) -> bool {
        self.defines_boundaries
    }

    /// Ends the transaction behind the records that this poll returns. Without effect where the task does not say where
    /// transactions end.
    pub fn end_transaction(&mut self, boundary: Boundary) {
        self.requests.boundary = Some(boundary);
    }

    /// For the worker: takes what the task has asked for.
    pub fn take_requests(&mut self) -> SourceRequests {
        std::mem::take(&mut self.requests)
    }
}
