//! What running connectors say by themselves, from whichever thread: that their tasks are to be divided anew, or that
//! they have failed.
//!
//! A connector that says the same again before it was heard has said it once, so what waits is bounded by the number of
//! connectors.
//!
//! # Source
//! `HerderConnectorContext` and `WorkerConnector` of Kafka 4.2

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ferrovia_pipeline::connector::ConnectorEvents;
use ferrovia_pipeline::error::ConnectError;
use tokio::sync::Notify;

use super::machine::WorkEvent;
use super::work::Run;
use crate::config::providers::Redactor;

/// All that was said and not heard yet. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Signals(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<BTreeMap<Run, Said>>,
    wake: Notify,
}

/// What one connector said in one life.
#[derive(Debug)]
struct Said {
    name: Arc<str>,
    wants_tasks: bool,
    /// Why it failed: what it said first.
    failure: Option<String>,
}

impl Signals {
    /// One connector's voice in one life.
    pub(super) fn voice(&self, name: Arc<str>, run: Run, redactor: Redactor) -> Voice {
        Voice {
            signals: self.clone(),
            name,
            run,
            redactor,
        }
    }

    /// Waits for the next word of a life that is not among those that are still starting. A failure is heard before a
    /// wish.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub(super) async fn next(&self, is_starting: impl Fn(&Run) -> bool) -> WorkEvent {
        loop {
            if let Some(event) = self.take(&is_starting) {
                return event;
            }
            self.0.wake.notified().await;
        }
    }

    fn take(&self, is_starting: impl Fn(&Run) -> bool) -> Option<WorkEvent> {
        let mut waiting = self.lock();
        let run = *waiting.keys().find(|run| !is_starting(run))?;
        let said = waiting.remove(&run)?;
        let Said {
            name,
            wants_tasks,
            failure,
        } = said;
        let Some(trace) = failure else {
            return Some(WorkEvent::TasksOutdated(name, run));
        };
        if wants_tasks {
            let rest = Said {
                name: Arc::clone(&name),
                wants_tasks,
                failure: None,
            };
            waiting.insert(run, rest);
        }
        Some(WorkEvent::ConnectorFailed(name, run, trace))
    }

    fn say(&self, name: &Arc<str>, run: Run, failure: Option<String>) {
        let mut waiting = self.lock();
        let said = waiting.entry(run).or_insert_with(|| Said {
            name: Arc::clone(name),
            wants_tasks: false,
            failure: None,
        });
        match failure {
            None => said.wants_tasks = true,
            Some(trace) => {
                said.failure.get_or_insert(trace);
            }
        }
        drop(waiting);
        self.0.wake.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Run, Said>> {
        self.0
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connector's way to be heard.
#[derive(Debug)]
pub(super) struct Voice {
    signals: Signals,
    name: Arc<str>,
    run: Run,
    redactor: Redactor,
}

impl ConnectorEvents for Voice {
    fn on_reconfiguration_wanted(&self) {
        self.signals.say(&self.name, self.run, None);
    }

    fn on_failure(&self, error: ConnectError) {
        let trace = self.redactor.redact(&error.trace());
        self.signals.say(&self.name, self.run, Some(trace));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_said_twice_is_heard_once_and_failures_first() {
        let signals = Signals::default();
        let voice = signals.voice("c".into(), Run(1), Redactor::default());
        voice.on_reconfiguration_wanted();
        voice.on_reconfiguration_wanted();
        voice.on_failure(ConnectError::failed("broken"));
        voice.on_failure(ConnectError::failed("still broken"));
        let WorkEvent::ConnectorFailed(name, Run(1), trace) = signals.next(|_| false).await else {
            panic!("the failure comes first")
        };
        assert_eq!(&*name, "c");
        assert!(
            trace.contains("broken") && !trace.contains("still"),
            "{trace}"
        );
        assert!(matches!(
            signals.next(|_| false).await,
            WorkEvent::TasksOutdated(..)
        ));
        assert!(signals.take(|_| false).is_none());
    }

    #[test]
    fn who_is_still_starting_is_not_heard() {
        let signals = Signals::default();
        let early = signals.voice("c".into(), Run(1), Redactor::default());
        early.on_reconfiguration_wanted();
        assert!(signals.take(|run| *run == Run(1)).is_none());
        let other = signals.voice("d".into(), Run(2), Redactor::default());
        other.on_reconfiguration_wanted();
        let heard = signals.take(|run| *run == Run(1));
        assert!(matches!(heard, Some(WorkEvent::TasksOutdated(_, Run(2)))));
        let heard = signals.take(|_| false);
        assert!(matches!(heard, Some(WorkEvent::TasksOutdated(_, Run(1)))));
    }

    #[tokio::test]
    async fn a_word_from_another_thread_wakes_who_listens() {
        let signals = Signals::default();
        let voice = signals.voice("c".into(), Run(1), Redactor::default());
        let speaker = std::thread::spawn(move || voice.on_reconfiguration_wanted());
        assert!(matches!(
            signals.next(|_| false).await,
            WorkEvent::TasksOutdated(..)
        ));
        speaker.join().unwrap();
    }
}
