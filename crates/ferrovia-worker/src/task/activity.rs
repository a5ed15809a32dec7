//! What a task is doing at this moment, readable from any thread: one store per call of its code, no lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What one task is doing.
#[derive(Debug)]
pub(crate) struct Activity {
    born: Instant,
    /// What, in the highest byte, and since when, in milliseconds after `born`.
    doing: AtomicU64,
    /// What it is doing while its code does nothing.
    idle: AtomicU64,
    /// When the task first failed on what it still tries, in milliseconds after `born` and never 0; 0 for never.
    retrying_since: AtomicU64,
    /// Why. Written when a try fails, which is never often.
    cause: Mutex<String>,
}

/// What a task can be doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    /// It waits for records or commands.
    Waiting,
    /// It waits because an operator wants it to.
    Paused,
    /// It has ended.
    Nothing,
    /// Its code works on this call.
    Calling(&'static str),
}

/// What was seen of a task at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ActivityNow {
    pub(crate) doing: Doing,
    /// For how long, where its code works.
    pub(crate) lasting: Duration,
    /// For how long it has tried to put the same records, and why they failed last.
    pub(crate) retrying: Option<(Duration, String)>,
}

impl Default for Activity {
    fn default() -> Self {
        Self {
            born: Instant::now(),
            doing: AtomicU64::new(WAITING << SHIFT),
            idle: AtomicU64::new(WAITING),
            retrying_since: AtomicU64::new(0),
            cause: Mutex::default(),
        }
    }
}

impl Activity {
    /// The task's code is called for this, one of [`CALLS`].
    pub(crate) fn enter(&self, call: &str) {
        let place = CALLS.iter().position(|each| *each == call);
        let code = place.map_or(WAITING, |place| CALLING + place as u64);
        self.doing
            .store(code << SHIFT | self.now(), Ordering::Relaxed);
    }

    /// The task's code has returned.
    pub(crate) fn leave(&self) {
        let idle = self.idle.load(Ordering::Relaxed);
        self.doing.store(idle << SHIFT, Ordering::Relaxed);
    }

    /// An operator lets the task wait.
    pub(crate) fn pause(&self) {
        self.idle.store(PAUSED, Ordering::Relaxed);
        self.leave();
    }

    /// An operator lets the task go on.
    pub(crate) fn resume(&self) {
        self.idle.store(WAITING, Ordering::Relaxed);
        self.leave();
    }

    /// The task is over.
    pub(crate) fn end(&self) {
        self.doing.store(NOTHING << SHIFT, Ordering::Relaxed);
        self.progress();
    }

    /// The records at hand could not be put for this reason, and are tried again.
    pub(crate) fn retry(&self, cause: &str) {
        if self.retrying_since.load(Ordering::Relaxed) == 0 {
            self.retrying_since
                .store(self.now().max(1), Ordering::Relaxed);
        }
        let mut known = self.cause.lock().unwrap_or_else(PoisonError::into_inner);
        cause
            .lines()
            .next()
            .unwrap_or_default()
            .clone_into(&mut known);
    }

    /// The records at hand were put.
    pub(crate) fn progress(&self) {
        if self.retrying_since.load(Ordering::Relaxed) != 0 {
            self.retrying_since.store(0, Ordering::Relaxed);
        }
    }

    /// What the task is doing now.
    pub(crate) fn look(&self) -> ActivityNow {
        let now = self.now();
        let since = |at: u64| Duration::from_millis(now.saturating_sub(at));
        let doing = self.doing.load(Ordering::Relaxed);
        let retrying = self.retrying_since.load(Ordering::Relaxed);
        let code = doing >> SHIFT;
        let call = code.checked_sub(CALLING).and_then(|place| {
            let place = usize::try_from(place).ok()?;
            CALLS.get(place).copied()
        });
        ActivityNow {
            doing: match (call, code) {
                (Some(call), _) => Doing::Calling(call),
                (None, PAUSED) => Doing::Paused,
                (None, NOTHING) => Doing::Nothing,
                _ => Doing::Waiting,
            },
            lasting: since(doing & MILLIS_MASK),
            retrying: (retrying != 0).then(|| {
                let cause = self.cause.lock().unwrap_or_else(PoisonError::into_inner);
                (since(retrying), cause.clone())
            }),
        }
    }

    fn now(&self) -> u64 {
        let millis = u64::try_from(self.born.elapsed().as_millis());
        millis.map_or(MILLIS_MASK, |millis| millis & MILLIS_MASK)
    }
}

/// The calls of a task's code.
const CALLS: [&str; 9] = [
    "start",
    "open",
    "put",
    "preCommit",
    "close",
    "stop",
    "poll",
    "commitRecord",
    "commit",
];
const WAITING: u64 = 0;
const PAUSED: u64 = 1;
const NOTHING: u64 = 2;
/// The first of the calls.
const CALLING: u64 = 16;
const SHIFT: u32 = 56;
const MILLIS_MASK: u64 = (1 << SHIFT) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn call_is_seen_until_it_returns() {
        let activity = Activity::default();
        assert_eq!(activity.look().doing, Doing::Waiting);
        for call in CALLS {
            activity.enter(call);
            assert_eq!(activity.look().doing, Doing::Calling(call));
        }
        activity.leave();
        assert_eq!(activity.look().doing, Doing::Waiting);
        activity.pause();
        activity.enter("preCommit");
        activity.leave();
        assert_eq!(activity.look().doing, Doing::Paused);
        activity.resume();
        assert_eq!(activity.look().doing, Doing::Waiting);
    }

    #[test]
    fn cause_of_a_retry_is_its_first_line_until_there_is_progress() {
        let activity = Activity::default();
        activity.retry("org.x.E: no\n\tat y");
        activity.enter("put");
        let (_, cause) = activity.look().retrying.unwrap();
        assert_eq!(cause, "org.x.E: no");
        activity.progress();
        assert_eq!(activity.look().retrying, None);
    }
}
