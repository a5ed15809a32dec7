//! What goes wrong with the records of a batch on their way to a task, and where the batch has to be cut because of it.

use crate::batch::{RecordRef, TimestampType};
use crate::error::ConnectError;
use crate::errors::{BadRecord, ErrorLog, Failure, Mark, Stage};
use crate::sink::batch::Shown;
use crate::topic::TopicPartition;

/// A place in a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cursor {
    pub(super) delivery: usize,
    pub(super) offset: i64,
}

/// The bad records of the batch at hand.
#[derive(Debug)]
pub(super) struct Faults {
    log: ErrorLog,
    /// Bad records before this have been told already, in an earlier try.
    told: Cursor,
    /// As it was when the worker took the bad records last.
    taken: Cursor,
    /// The bad records at hand that follow one another.
    streak: Option<Streak>,
    /// Where the part at hand ends, unless that is the end of the batch.
    end: Option<Cursor>,
    /// The error of the record at `end`, which must not be skipped.
    failure: Option<ConnectError>,
    /// What went wrong at `end`, where records fail one after the other.
    outage: Option<String>,
    /// What the record at `end` said that wants to be tried again.
    retry: Option<String>,
    /// The record that is not tried again any more.
    given_up: Option<Cursor>,
}

/// Records in a row that failed in one step: many of them tell of an outage.
#[derive(Debug)]
struct Streak {
    stage: Stage,
    class: &'static str,
    length: u32,
    /// Where the first of them is, and how things were before it.
    at: Cursor,
    told: Cursor,
    shown: Shown,
    log: Mark,
}

/// A bad record.
pub(super) struct Bad<'a> {
    pub(super) at: Cursor,
    pub(super) partition: &'a TopicPartition,
    pub(super) timestamp_type: TimestampType,
    pub(super) record: &'a RecordRef<'a>,
    pub(super) failure: Failure,
}

impl Faults {
    pub(super) fn new(log: ErrorLog) -> Self {
        Self {
            log,
            told: Cursor::default(),
            taken: Cursor::default(),
            streak: None,
            end: None,
            failure: None,
            outage: None,
            retry: None,
            given_up: None,
        }
    }

    /// Another batch comes, or places in this one have no meaning any more.
    pub(super) fn begin_anew(&mut self) {
        (self.told, self.taken) = (Cursor::default(), Cursor::default());
        self.given_up = None;
        self.begin_part();
    }

    /// The part at hand is shown from its beginning.
    pub(super) fn begin_part(&mut self) {
        (self.streak, self.end) = (None, None);
        (self.failure, self.outage, self.retry) = (None, None, None);
    }

    /// Where the part at hand ends, unless that is the end of the batch.
    pub(super) fn end(&self) -> Option<Cursor> {
        self.end
    }

    pub(super) fn take_end(&mut self) -> Option<Cursor> {
        self.end.take()
    }

    pub(super) fn take_failure(&mut self) -> Option<ConnectError> {
        self.failure.take()
    }

    pub(super) fn take_outage(&mut self) -> Option<String> {
        self.outage.take()
    }

    pub(super) fn take_retry(&mut self) -> Option<String> {
        self.retry.take()
    }

    /// The record at the part's end counts as bad when it fails once more.
    pub(super) fn give_up(&mut self) {
        self.given_up = self.end;
    }

    pub(super) fn take(&mut self) -> Vec<BadRecord> {
        self.taken = self.told;
        self.log.take()
    }

    /// The records since the last [`take`](Self::take) come again, and are told of then.
    pub(super) fn forget(&mut self) {
        self.told = self.taken;
        self.log.forget();
    }

    /// A record was good.
    pub(super) fn on_good(&mut self) {
        self.streak = None;
    }

    /// A record was bad; `shown` is without it. If the part has to end now, [`end`](Self::end) says where.
    pub(super) fn on_bad(&mut self, bad: Bad<'_>, shown: &mut Shown) {
        let next = Cursor {
            offset: bad.at.offset + 1,
            ..bad.at
        };
        if self.wants_retry(&bad, shown) || self.is_outage(&bad, shown) {
            return;
        }
        shown.add(bad.record);
        if next > self.told {
            self.told = next;
            self.log
                .tell(bad.partition, bad.timestamp_type, bad.record, &bad.failure);
        }
        if let Err(error) = self.log.judge(bad.failure) {
            (self.end, self.failure) = (Some(bad.at), Some(error));
        } else if next == self.told && self.log.is_full() {
            // Only where the last one was told: a task that goes through the batch twice sees the same part.
            self.end = Some(next);
        }
    }

    /// Whether the step may still succeed. As with an outage, the part ends before the record.
    fn wants_retry(&mut self, bad: &Bad<'_>, shown: &Shown) -> bool {
        let error = &bad.failure.error;
        let may_retry = self.log.policy().may_retry && error.is_retriable();
        if !may_retry || self.given_up == Some(bad.at) {
            return false;
        }
        self.end = Some(bad.at);
        self.retry = (shown.records == 0).then(|| error.to_string());
        true
    }

    /// Whether an outage is to blame for a bad record and for those right before it. The part ends before them, so that
    /// what is good is put once; if they come first, nothing can be put before the outage is over.
    fn is_outage(&mut self, bad: &Bad<'_>, shown: &mut Shown) -> bool {
        let (stage, class) = (bad.failure.stage, bad.failure.class);
        let goes_on = |streak: &Streak| streak.stage == stage && streak.class == class;
        let mut streak = self
            .streak
            .take()
            .filter(goes_on)
            .unwrap_or_else(|| Streak {
                stage,
                class,
                length: 0,
                at: bad.at,
                told: self.told,
                shown: *shown,
                log: self.log.mark(),
            });
        streak.length = streak.length.saturating_add(1);
        let is_outage = self.log.policy().is_outage(streak.length);
        if is_outage {
            (self.told, *shown) = (streak.told, streak.shown);
            self.log.go_back(streak.log);
            self.end = Some(streak.at);
            self.outage = (shown.records == 0).then(|| bad.failure.error.to_string());
        }
        self.streak = Some(streak);
        is_outage
    }
}
