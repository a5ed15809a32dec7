//! What a log hands out, and the marks by which one learns that its end was reached.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::vec;

use bytes::Bytes;
use tokio::sync::{Notify, mpsc, watch};

use crate::storage::log::TopicLogError;

/// A record of an internal topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// The partition it is in.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Its time in milliseconds since 1970.
    pub timestamp: i64,
    /// Its key, if it has one.
    pub key: Option<Bytes>,
    /// Its value; `None` for a tombstone.
    pub value: Option<Bytes>,
}

/// Something that happened while a log was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogEvent {
    /// The next record of a partition. Partitions come in any order.
    Record(LogRecord),
    /// Everything has been handed out that was in the topic when this mark, or one before it, was asked for.
    ReachedEnd(ReadMark),
    /// Records were lost, or come again: the topic was deleted and made anew, or cut off by an unclean election.
    Lost {
        /// The partition.
        partition: i32,
        /// The offset that was due.
        expected: i64,
        /// The offset at which reading goes on.
        found: i64,
    },
}

/// A moment of which one can ask whether everything before it was read. Later ones are larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReadMark(u64);

impl ReadMark {
    /// The moment at which the log was opened.
    pub const OPENED: Self = Self(0);
}

/// Hands out what is read of a log.
#[derive(Debug)]
pub struct LogEvents {
    chunks: mpsc::Receiver<Vec<LogEvent>>,
    current: vec::IntoIter<LogEvent>,
    taken: watch::Sender<Option<ReadMark>>,
}

impl LogEvents {
    /// The next event; `None` when the [`TopicLog`](crate::storage::log::TopicLog) is gone.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<LogEvent> {
        loop {
            if let Some(event) = self.current.next() {
                if let LogEvent::ReachedEnd(mark) = &event {
                    self.taken.send_replace(Some(*mark));
                }
                return Some(event);
            }
            self.current = self.chunks.recv().await?.into_iter();
        }
    }
}

/// The marks that were asked for and those that were taken. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Marks {
    requested: Arc<Requested>,
    taken: watch::Receiver<Option<ReadMark>>,
}

#[derive(Debug, Default)]
struct Requested {
    newest: AtomicU64,
    wake: Notify,
}

impl Marks {
    pub(super) fn request(&self) -> ReadMark {
        let mark = self.requested.newest.fetch_add(1, Ordering::SeqCst) + 1;
        self.requested.wake.notify_one();
        ReadMark(mark)
    }

    /// The newest mark that was asked for.
    pub(super) fn newest(&self) -> ReadMark {
        ReadMark(self.requested.newest.load(Ordering::SeqCst))
    }

    /// Waits until a mark after `known` is asked for.
    pub(super) async fn requested_after(&self, known: ReadMark) -> ReadMark {
        loop {
            let newest = self.newest();
            if newest > known {
                return newest;
            }
            self.requested.wake.notified().await;
        }
    }

    /// Waits until `mark` has been taken.
    pub(super) async fn taken(mut self, mark: ReadMark) -> Result<(), TopicLogError> {
        let taken = self.taken.wait_for(|taken| *taken >= Some(mark)).await;
        taken.map(|_| ()).map_err(|_| TopicLogError::Closed)
    }
}

/// The way from a log's reader to whoever folds its records, and their marks.
pub(super) fn channel() -> ((mpsc::Sender<Vec<LogEvent>>, LogEvents), Marks) {
    let (sender, chunks) = mpsc::channel(QUEUED_CHUNKS);
    let (taken_sender, taken) = watch::channel(None);
    let events = LogEvents {
        chunks,
        current: Vec::new().into_iter(),
        taken: taken_sender,
    };
    let marks = Marks {
        requested: Arc::default(),
        taken,
    };
    ((sender, events), marks)
}

/// Record batches between the reader and whoever folds their records.
const QUEUED_CHUNKS: usize = 8;
