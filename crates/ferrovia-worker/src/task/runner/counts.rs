//! The counters of all tasks of a worker, and who looks at them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ferrovia_client::budget::MemoryBudget;

use crate::logging::task_span;
use crate::status::TaskId;
use crate::task::metrics::{SinkTaskCounts, SinkTaskMetrics, SourceTaskCounts, SourceTaskMetrics};
use crate::task::progress::{Look, ProgressWatch};

/// Looks at a task until it is warned of.
const LOOKS: u32 = 4;
/// Between two looks at all tasks.
const LOOK_PAUSE_MIN: Duration = Duration::from_millis(10);
const LOOK_PAUSE_MAX: Duration = Duration::from_secs(15);

/// The counters of all tasks of this worker, readable from any thread.
#[derive(Clone, Debug, Default)]
pub struct TaskMetrics(Arc<Mutex<BTreeMap<TaskId, Counters>>>);

#[derive(Debug)]
enum Counters {
    Sink(Arc<SinkTaskMetrics>),
    Source(Arc<SourceTaskMetrics>),
}

impl TaskMetrics {
    /// The counters of tasks of sinks now, by task. A task that was restarted counts from zero.
    pub fn counts(&self) -> Vec<(TaskId, SinkTaskCounts)> {
        let tasks = self.lock();
        let sinks = tasks.iter().filter_map(|(id, counters)| match counters {
            Counters::Sink(metrics) => Some((id.clone(), metrics.counts())),
            Counters::Source(_) => None,
        });
        sinks.collect()
    }

    /// The counters of tasks of sources now, by task. A task that was restarted counts from zero.
    pub fn source_counts(&self) -> Vec<(TaskId, SourceTaskCounts)> {
        let tasks = self.lock();
        let sources = tasks.iter().filter_map(|(id, counters)| match counters {
            Counters::Source(metrics) => Some((id.clone(), metrics.counts())),
            Counters::Sink(_) => None,
        });
        sources.collect()
    }

    /// Looks at all tasks again and again, and warns of those that stand still for `warn_after`.
    pub(super) async fn watch(self, warn_after: Duration, budget: MemoryBudget) {
        let mut watch = ProgressWatch::new(warn_after);
        let begun = Instant::now();
        let pause = (warn_after / LOOKS).clamp(LOOK_PAUSE_MIN, LOOK_PAUSE_MAX);
        loop {
            tokio::time::sleep(pause).await;
            let tasks = self.lock();
            watch.retain(|id| tasks.contains_key(id));
            for (id, counters) in tasks.iter() {
                let look = match counters {
                    Counters::Sink(metrics) => Look::at_sink(
                        metrics.activity().look(),
                        metrics.counts(),
                        budget.is_tight(),
                    ),
                    Counters::Source(metrics) => {
                        Look::at_source(metrics.activity().look(), metrics.counts())
                    }
                };
                if let Some(standstill) = watch.on_look(id, look, begun.elapsed()) {
                    task_span(id).in_scope(|| tracing::warn!("{standstill}"));
                }
            }
        }
    }

    pub(super) fn register_sink(&self, id: TaskId) -> Arc<SinkTaskMetrics> {
        let metrics = Arc::new(SinkTaskMetrics::default());
        let counters = Counters::Sink(Arc::clone(&metrics));
        self.lock().insert(id, counters);
        metrics
    }

    pub(super) fn register_source(&self, id: TaskId) -> Arc<SourceTaskMetrics> {
        let metrics = Arc::new(SourceTaskMetrics::default());
        let counters = Counters::Source(Arc::clone(&metrics));
        self.lock().insert(id, counters);
        metrics
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<TaskId, Counters>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
