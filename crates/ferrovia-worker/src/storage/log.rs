//! An internal topic as a log: made if it is not there, read from its beginning to its end and on, and written to.
//!
//! A [`TopicLog`] writes records and asks for the end, [`LogEvents`] hand out what is read, in order. Neither knows what a
//! record means.
//!
//! # Source
//! `KafkaBasedLog` of Kafka 4.2. Unlike there, reading never ends for an error: it is logged and tried again.

mod ends;
mod error;
mod event;
mod privileged;
mod reader;
mod settings;
mod topic;
mod writer;

pub use error::TopicLogError;
pub use event::{LogEvent, LogEvents, LogRecord, ReadMark};
pub use privileged::PrivilegedWriter;
pub use settings::LogSettings;
pub use topic::{InternalTopic, TopicPurpose};
pub use writer::NewRecord;

use std::future::Future;
use std::sync::Arc;

use ferrovia_client::{Cluster, FramePool};
use tokio::task::AbortHandle;

use self::event::Marks;
use self::privileged::Claim;
use self::reader::Reader;
use self::writer::Writer;

/// A handle of an internal topic that is being read. With it the reading and writing end.
///
/// Reading and writing are tasks of the runtime that it was opened on.
#[derive(Debug)]
pub struct TopicLog {
    marks: Marks,
    writer: writer::Requests,
    partitions: i32,
    claim: Option<Claim>,
    tasks: [AbortHandle; 2],
}

impl TopicLog {
    /// Makes sure that the topic is there and fit for its purpose, then begins to read it.
    ///
    /// The first [`LogEvent::ReachedEnd`] comes when everything was read that was there at this call.
    ///
    /// # Errors
    /// The topic can neither be found nor made, or it is not what its purpose demands. A person has to help.
    pub async fn open(
        topic: InternalTopic,
        settings: LogSettings,
    ) -> Result<(Self, LogEvents), TopicLogError> {
        let cluster = Cluster::new(settings.client.clone(), FramePool::new(IDLE_BUFFERS_BYTES));
        let partitions = topic::ensure(&cluster, &topic).await?;
        let (events, marks) = event::channel();
        let (sender, events) = events;
        let reader = Reader::new(
            cluster.clone(),
            &topic.name,
            partitions,
            settings.isolation,
            sender,
            marks.clone(),
        );
        let claim = settings.privileged.map(|producer| Claim {
            topic: Arc::clone(&topic.name),
            partitions,
            batch: settings.batch,
            producer,
        });
        let (writer, requests) = Writer::new(cluster, topic.name, partitions, settings.batch);
        Ok((
            Self {
                marks,
                writer: requests,
                partitions,
                claim,
                tasks: [
                    tokio::spawn(reader.run()).abort_handle(),
                    tokio::spawn(writer.run()).abort_handle(),
                ],
            },
            events,
        ))
    }

    /// How many partitions the topic has.
    pub fn partitions(&self) -> i32 {
        self.partitions
    }

    /// Asks to be told when everything has been read that is in the topic now: by a [`LogEvent::ReachedEnd`] with this
    /// mark or a later one, which comes behind those records.
    pub fn request_end(&self) -> ReadMark {
        self.marks.request()
    }

    /// Resolves when everything that is in the topic at this call has been taken from the [`LogEvents`]. Whoever takes
    /// them must go on doing so meanwhile.
    ///
    /// # Errors
    /// [`TopicLogError::Closed`] when nobody reads any more.
    pub fn read_to_end(
        &self,
    ) -> impl Future<Output = Result<(), TopicLogError>> + Send + 'static + use<> {
        let mark = self.request_end();
        let marks = self.marks.clone();
        async move { marks.taken(mark).await }
    }

    /// As [`read_to_end`](Self::read_to_end), to the end that there is when the future is first polled.
    ///
    /// # Errors
    /// [`TopicLogError::Closed`] when nobody reads any more.
    pub fn read_to_later_end(
        &self,
    ) -> impl Future<Output = Result<(), TopicLogError>> + Send + 'static + use<> {
        let marks = self.marks.clone();
        async move {
            let mark = marks.request();
            marks.taken(mark).await
        }
    }

    /// Writes records, each to the partition of its key. Resolves when all in-sync replicas have them.
    ///
    /// Records are written in the order of the calls' first polls; those of one call that share a partition come one
    /// after another. What can be tried again is, for as long as somebody waits for the outcome.
    ///
    /// # Errors
    /// The brokers refuse a record for good. Others of the same call may have been written.
    ///
    /// # Cancel safety
    /// What has not been sent when the future is dropped is not written. What has been sent may be.
    pub fn append(
        &self,
        records: Vec<NewRecord>,
    ) -> impl Future<Output = Result<(), TopicLogError>> + Send + 'static + use<> {
        self.writer.append(records)
    }

    /// Whether what only one may write is written in transactions.
    pub fn has_privileges(&self) -> bool {
        self.claim.is_some()
    }

    /// Takes the right to write in transactions away from whoever has it. Other writes stay possible for everybody: it is
    /// for what only one may write. `None` where the settings name no transactional id.
    ///
    /// # Errors
    /// The coordinator refuses, or does not answer within `max.block.ms`.
    ///
    /// # Cancel safety
    /// The right may have been taken away when the future is dropped.
    pub fn claim(
        &self,
    ) -> Option<
        impl Future<Output = Result<PrivilegedWriter, TopicLogError>> + Send + 'static + use<>,
    > {
        self.claim.clone().map(Claim::make)
    }
}

impl Drop for TopicLog {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Idle buffers of one log's connections.
const IDLE_BUFFERS_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests;
