//! Notices tasks that make no progress while records wait, and says why: once, and then after ever longer times.
//!
//! Records that wait and a task that is silent look like a task that works, to every check of health. The counters are
//! looked at from outside, so that a call that hangs cannot hide itself.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::status::TaskId;
use crate::task::activity::{ActivityNow, Doing};
use crate::task::metrics::{SinkTaskCounts, SourceTaskCounts};

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
    way: Way,
    activity: ActivityNow,
    /// Records that have come in and gone out.
    records: (u64, u64),
    /// Records that wait.
    waiting: i64,
    /// Whether the worker's memory for records is used up.
    is_memory_tight: bool,
}

/// Where a task's records go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    FromKafka,
    ToKafka,
}

impl Look {
    /// At a task of a sink.
    pub(crate) fn at_sink(
        activity: ActivityNow,
        counts: SinkTaskCounts,
        is_memory_tight: bool,
    ) -> Self {
        Self {
            way: Way::FromKafka,
            activity,
            records: (counts.records_read, counts.records_sent),
            waiting: counts.lag,
            is_memory_tight,
        }
    }

    /// At a task of a source.
    pub(crate) fn at_source(activity: ActivityNow, counts: SourceTaskCounts) -> Self {
        Self {
            way: Way::ToKafka,
            activity,
            records: (counts.polled, counts.written),
            waiting: i64::try_from(counts.active()).unwrap_or(i64::MAX),
            is_memory_tight: false,
        }
    }
}

/// A task that stands still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standstill {
    task: TaskId,
    cause: Cause,
    lasting: Duration,
    way: Way,
    waiting: i64,
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
        let records = look.records;
        let warn_after = self.warn_after;
        let seen = self.tasks.entry(id.clone()).or_insert_with(|| Seen {
            records,
            waiting_since: None,
            next: warn_after,
        });
        let is_waiting =
            look.activity.doing == Doing::Waiting && look.waiting > 0 && seen.records == records;
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
            way: look.way,
            waiting: look.waiting,
        })
    }
}

impl fmt::Display for Standstill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            task,
            cause,
            lasting,
            way,
            waiting,
        } = self;
        let seconds = lasting.as_secs_f64();
        write!(f, "Task {task} has made no progress for {seconds:.1} s: ")?;
        match (cause, way) {
            (Cause::Call(call), _) => write!(f, "its {call} has not returned")?,
            (Cause::Retry(cause), Way::FromKafka) => write!(
                f,
                "it tries to put the same records again and again: {cause}"
            )?,
            (Cause::Retry(cause), Way::ToKafka) => {
                write!(f, "it tries the same record again and again: {cause}")?;
            }
            (Cause::Memory, _) => f.write_str(
                "it waits for memory, which other tasks' records take (worker.memory.bytes)",
            )?,
            (Cause::Broker, Way::FromKafka) => {
                f.write_str("it waits for a broker to send records")?
            }
            (Cause::Broker, Way::ToKafka) => {
                f.write_str("it waits for a broker to take records")?
            }
        }
        match way {
            Way::FromKafka => write!(f, "; behind those that it has read, {waiting} records wait"),
            Way::ToKafka => write!(
                f,
                "; {waiting} records that it has handed out are not in Kafka"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WARN: Duration = Duration::from_secs(60);

    fn doing(doing: Doing, lasting: u64) -> ActivityNow {
        ActivityNow {
            doing,
            lasting: Duration::from_secs(lasting),
            retrying: None,
        }
    }

    fn look(now: Doing, lasting: u64, lag: i64) -> Look {
        let counts = SinkTaskCounts {
            lag,
            ..SinkTaskCounts::default()
        };
        Look::at_sink(doing(now, lasting), counts, false)
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
            look.records.0 = at;
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
        let counts = SourceTaskCounts {
            polled: 9,
            written: 5,
            skipped: 1,
            ..SourceTaskCounts::default()
        };
        assert_eq!(
            shown(Look::at_source(doing(Doing::Calling("poll"), 90), counts)),
            "Task s-3 has made no progress for 90.0 s: its poll has not returned; 3 records that it has handed out are \
             not in Kafka"
        );
    }
}
