//! Jobs that a connector does beside its tasks: on a thread of its own, the first ones before its start ends, others at
//! intervals. A job that fails is logged and done again when its time comes.
//!
//! # Source
//! `org.apache.kafka.connect.mirror.Scheduler`

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ferrovia_pipeline::error::ConnectError;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::clients;
use crate::settings::BaseSettings;

/// A thread with a runtime that does one piece of work until it ends or is told to stop.
pub(crate) struct JobThread {
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl JobThread {
    /// Starts the thread. The work is dropped where it waits as soon as it is told to stop.
    ///
    /// # Errors
    /// The system gives no thread or no runtime.
    pub(crate) fn spawn<W, F>(name: &str, work: W) -> Result<Self, ConnectError>
    where
        W: FnOnce() -> F + Send + 'static,
        F: Future<Output = ()>,
    {
        let failed = |error| ConnectError::failed_by("Cannot start a thread", error);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(failed)?;
        let (stop, mut stopped) = watch::channel(false);
        let thread = std::thread::Builder::new().name(name.to_owned());
        let body = move || {
            runtime.block_on(async move {
                tokio::select! {
                    // An error means that the owner is gone, which is as good as being told.
                    _ = stopped.changed() => {}
                    () = work() => {}
                }
            });
        };
        Ok(Self {
            stop,
            thread: Some(thread.spawn(body).map_err(failed)?),
        })
    }

    /// Tells the thread to stop and waits for its end, which comes at once: the work waits for the network only.
    pub(crate) fn stop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("a connector's thread panicked");
        }
    }
}

impl Drop for JobThread {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for JobThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobThread").finish_non_exhaustive()
    }
}

/// Starts a connector: `work` begins on a thread of its own, does the first jobs with these clients, and says so or ends;
/// until then this waits. The other jobs have these intervals.
///
/// # Errors
/// A client's property that cannot be used, an interval of nothing, or the system gives no thread.
///
/// # Source
/// `MirrorSourceConnector.start` and `MirrorCheckpointConnector.start`. There an interval of nothing is found after the
/// first jobs, by `ScheduledThreadPoolExecutor.scheduleAtFixedRate`.
pub(crate) fn start<W, F>(
    base: &BaseSettings,
    clients: &[BTreeMap<String, String>],
    intervals: &[Option<Duration>],
    work: W,
) -> Result<JobThread, ConnectError>
where
    W: FnOnce(SyncSender<()>) -> F + Send + 'static,
    F: Future<Output = Result<(), ConnectError>>,
{
    for client in clients {
        clients::check(client)?;
    }
    if intervals.contains(&Some(Duration::ZERO)) {
        let message = "The interval of a job (`*.interval.seconds`) is 0";
        return Err(ConnectError::java(ILLEGAL_ARGUMENT, message));
    }
    let (started, is_started) = sync_channel(1);
    let thread = JobThread::spawn(&base.entity_label(), move || async move {
        if let Err(error) = work(started).await {
            tracing::error!("cannot open the clusters: {error}");
        }
    })?;
    // An error means that the work has ended, and has said what went wrong.
    let _started = is_started.recv();
    Ok(thread)
}

/// Does one job. What goes wrong is logged, and a job that takes longer than `limit` is given up.
pub(crate) async fn done(
    label: &str,
    description: &str,
    limit: Option<Duration>,
    job: impl Future<Output = Result<(), ConnectError>>,
) {
    let outcome = match limit {
        Some(limit) => timeout(limit, job).await,
        None => Ok(job.await),
    };
    match outcome {
        Ok(Ok(())) => tracing::debug!("{label}: done with {description}"),
        Ok(Err(error)) => {
            let trace = error.trace();
            tracing::error!("{label}: error while {description}: {trace}");
        }
        Err(_) => tracing::error!("{label}: timed out while {description}"),
    }
}

/// When jobs are due. Knows no clock.
#[derive(Debug)]
pub(crate) struct Timetable<J> {
    entries: Vec<Entry<J>>,
}

#[derive(Debug)]
struct Entry<J> {
    job: J,
    interval: Duration,
    next: Instant,
}

impl<J: Copy> Timetable<J> {
    pub(crate) fn new() -> Self {
        Self {
            entries: Vec::new(),
        }
    }

    /// Does a job at once and then at intervals; never with `None`, and again and again with an interval of nothing.
    pub(crate) fn now_and_every(&mut self, job: J, interval: Option<Duration>, now: Instant) {
        self.add(job, interval, |_| now);
    }

    /// Does a job after each interval; never with `None`.
    pub(crate) fn every(&mut self, job: J, interval: Option<Duration>, now: Instant) {
        self.add(job, interval, |interval| now + interval);
    }

    fn add(&mut self, job: J, interval: Option<Duration>, first: impl FnOnce(Duration) -> Instant) {
        let Some(interval) = interval else { return };
        let interval = interval.min(INTERVAL_MAX);
        self.entries.push(Entry {
            job,
            interval,
            next: first(interval),
        });
    }

    /// The job that is due, which gets its next time; or the time at which one is due, if there is any.
    pub(crate) fn due(&mut self, now: Instant) -> Result<J, Option<Instant>> {
        let entries = self.entries.iter_mut();
        let Some(soonest) = entries.min_by_key(|entry| entry.next) else {
            return Err(None);
        };
        if soonest.next > now {
            return Err(Some(soonest.next));
        }
        // A job that was kept from running is done once, not as often as it was due.
        let next = soonest.next + soonest.interval;
        soonest.next = if next > now {
            next
        } else {
            now + soonest.interval
        };
        Ok(soonest.job)
    }

    /// Waits for the next job; for ever where there is none. Others get their turn even where one is always due.
    pub(crate) async fn next(&mut self) -> J {
        loop {
            tokio::task::yield_now().await;
            match self.due(Instant::now()) {
                Ok(job) => return job,
                Err(Some(at)) => tokio::time::sleep_until(at.into()).await,
                Err(None) => std::future::pending().await,
            }
        }
    }
}

const ILLEGAL_ARGUMENT: &str = "java.lang.IllegalArgumentException";
/// What a longer interval counts as, so that times do not overflow.
const INTERVAL_MAX: Duration = Duration::from_secs(100 * 365 * 24 * 3_600);

#[cfg(test)]
mod tests;
