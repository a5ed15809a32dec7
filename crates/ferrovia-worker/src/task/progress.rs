//! Notices tasks that make no progress while records wait, and says why: once, and then after ever longer times.
//!
//! Records that wait and a task that is silent look like a task that works, to every check of health. The counters are
//! looked at from outside, so that a call that hangs cannot hide itself.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::status::TaskId;
use crate::task::activity::{ActivityNow, Doing};
use crate::task::metrics::SinkTaskCounts;

/// Remembers what was seen of tasks.
#[derive(Debug)]
pub(crate) struct ProgressWatch {
    warn_after: Duration,
    tasks: BTreeMap<TaskId, Seen>,
}

#[derive(Debug)]
struct Seen {
    records: (u64, u64),
    /// Since when nothing has come while something was to come.
    waiting_since: Option<Duration>,
    /// How long a standstill has to last for the next line.
    next: Duration,
}

/// What was seen of a task at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    pub(crate) activity: ActivityNow,
    pub(crate) counts: SinkTaskCounts,
    /// Whether the worker's memory for records is used up.
    pub(crate) is_memory_tight: bool,
}

/// A task that stands still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standstill {
    task: TaskId,
    cause: Cause,
    lasting: Duration,
    lag: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Cause {
    Call(&'static str),
    Retry(String),
    Memory,
    Broker,
}

impl ProgressWatch {
    /// Tells of what lasts for at least `warn_after`.
    pub(crate) fn new(warn_after: Duration) -> Self {
        Self {
            warn_after,
            tasks: BTreeMap::new(),
        }
    }

    /// Forgets all tasks but these.
    pub(crate) fn retain(&mut self, is_there: impl Fn(&TaskId) -> bool) {
        self.tasks.retain(|id, _| is_there(id));
    }

    /// Looks at a task, which has to be done more often than things are told.
    pub(crate) fn on_look(&mut self, id: &TaskId, look: Look, now: Duration) -> Option<Standstill> {
        let records = (look.counts.records_read, look.counts.records_sent);
        let warn_after = self.warn_after;
        let seen = self.tasks.entry(id.clone()).or_insert_with(|| Seen {
            records,
            waiting_since: None,
            next: warn_after,
        });
        let is_waiting =
            look.activity.doing == Doing::Waiting && look.counts.lag > 0 && seen.records == records;
        seen.records = records;
        let since = seen.waiting_since.filter(|_| is_waiting).unwrap_or(now);
        seen.waiting_since = is_waiting.then_some(since);
        let (cause, lasting) = match (look.activity.retrying, look.activity.doing) {
            (_, Doing::Paused | Doing::Nothing) => (None, Duration::ZERO),
            (Some((lasting, cause)), _) => (Some(Cause::Retry(cause)), lasting),
            (None, Doing::Calling(call)) => (Some(Cause::Call(call)), look.activity.lasting),
            (None, Doing::Waiting) => {
                let cause = match look.is_memory_tight {
                    true => Cause::Memory,
                    false => Cause::Broker,
                };
                (is_waiting.then_some(cause), now.saturating_sub(since))
            }
        };
        if lasting < warn_after {
            seen.next = warn_after;
            return None;
        }
        let cause = cause.filter(|_| lasting >= seen.next)?;
        seen.next = lasting.saturating_mul(2);
        Some(Standstill {
            task: id.clone(),
            cause,
            lasting,
            lag: look.counts.lag,
        })
    }
}

impl fmt::Display for Standstill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            task,
            cause,
            lasting,
            lag,
        } = self;
        let seconds = lasting.as_secs_f64();
        write!(f, "Task {task} has made no progress for {seconds:.1} s: ")?;
        match cause {
            Cause::Call(call) => write!(f, "its {call} has not returned")?,
            Cause::Retry(cause) => write!(
                f,
                "it tries to put the same records again and again: {cause}"
            )?,
            Cause::Memory => f.write_str(
                "it waits for memory, which other tasks' records take (worker.memory.bytes)",
            )?,
            Cause::Broker => f.write_str("it waits for a broker to send records")?,
        }
        write!(f, "; behind those that it has read, {lag} records wait")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WARN: Duration = Duration::from_secs(60);

    fn look(doing: Doing, lasting: u64, lag: i64) -> Look {
        Look {
            activity: ActivityNow {
                doing,
                lasting: Duration::from_secs(lasting),
                retrying: None,
            },
            counts: SinkTaskCounts {
                lag,
                ..SinkTaskCounts::default()
            },
            is_memory_tight: false,
        }
    }

    /// The moments, in seconds, at which a line is due, of looks every 15 seconds.
    fn told(looks: impl Fn(u64) -> Look) -> Vec<u64> {
        let mut watch = ProgressWatch::new(WARN);
        let id = TaskId::new("s", 0);
        let moments = (0..=900).step_by(15);
        moments
            .filter(|at| {
                let now = Duration::from_secs(*at);
                watch.on_look(&id, looks(*at), now).is_some()
            })
            .collect()
    }

    #[test]
    fn call_that_hangs_is_told_of_after_ever_longer_times() {
        let hangs = |at| look(Doing::Calling("put"), at, 0);
        assert_eq!(told(hangs), [60, 120, 240, 480]);
        assert!(told(|at| look(Doing::Calling("put"), at % 60, 9)).is_empty());
    }

    #[test]
    fn task_that_waits_is_told_of_when_records_wait_too() {
        assert!(told(|_| look(Doing::Waiting, 0, 0)).is_empty());
        assert_eq!(told(|_| look(Doing::Waiting, 0, 7)), [60, 120, 240, 480]);
        assert!(told(|_| look(Doing::Paused, 0, 7)).is_empty());
        assert!(told(|_| look(Doing::Nothing, 0, 7)).is_empty());
        let moving = |at| {
            let mut look = look(Doing::Waiting, 0, 7);
            look.counts.records_read = at;
            look
        };
        assert!(told(moving).is_empty());
    }

    #[test]
    fn records_that_come_after_a_quiet_time_are_no_standstill() {
        assert!(told(|at| look(Doing::Waiting, 0, i64::from(at > 600 && at < 650))).is_empty());
    }

    #[test]
    fn causes_are_named() {
        let mut watch = ProgressWatch::new(WARN);
        let id = TaskId::new("s", 3);
        let mut shown = |look: Look| {
            let at = Duration::from_secs(1);
            watch.retain(|_| false);
            watch.on_look(&id, look, at).unwrap().to_string()
        };
        assert_eq!(
            shown(look(Doing::Calling("put"), 61, 5)),
            "Task s-3 has made no progress for 61.0 s: its put has not returned; behind those that it has read, 5 records wait"
        );
        let mut retrying = look(Doing::Waiting, 0, 0);
        retrying.activity.retrying = Some((Duration::from_secs(90), "org.x.E: no".to_owned()));
        assert!(shown(retrying).contains("again and again: org.x.E: no; "));
    }
}
