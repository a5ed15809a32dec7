//! Data threads: each runs the tasks that were given to it, on an event loop of its own.
//!
//! A task, its fetch connections and its buffers live on one thread, so a batch is processed while it is still in that
//! core's cache, and nothing on the way of a record needs a lock. The control thread is never one of these, so slow
//! sink code cannot delay a heartbeat.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{Builder, JoinHandle};

use tokio::runtime;
use tokio::sync::mpsc;
use tokio::task::LocalSet;

/// Jobs that a data thread has not yet begun. More than this at once waits in [`Shards::run`].
const QUEUE_JOBS: usize = 1024;

/// What a job does on its thread.
type Work = Pin<Box<dyn Future<Output = ()>>>;

/// Work for a data thread. Its future is made on that thread, so it need not be `Send`.
pub struct Job(Box<dyn FnOnce() -> Work + Send>);

impl Job {
    /// The job of running the future that `make` makes.
    pub fn new<F, W>(make: F) -> Self
    where
        F: FnOnce() -> W + Send + 'static,
        W: Future<Output = ()> + 'static,
    {
        Self(Box::new(|| Box::pin(make())))
    }
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Job")
    }
}

/// The data threads. When they are dropped, idle ones end at once; one whose jobs hang is left to end with the process,
/// because a connector that does not stop must not keep the worker from stopping.
#[derive(Debug)]
pub struct Shards {
    shards: Vec<Shard>,
}

#[derive(Debug)]
struct Shard {
    event_loop: runtime::Handle,
    /// `None` once the thread is told to end.
    jobs: Option<mpsc::Sender<(Job, Counted)>>,
    /// How many jobs it has.
    load: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Shards {
    /// Starts `count` data threads, one at least.
    ///
    /// # Errors
    /// The operating system refuses a thread.
    pub fn start(count: usize) -> io::Result<Self> {
        let shards = (0..count.max(1)).map(|index| Shard::start(&format!("data-{index}")));
        Ok(Self {
            shards: shards.collect::<io::Result<_>>()?,
        })
    }

    /// Gives `job` to the data thread that has the fewest.
    ///
    /// # Errors
    /// The thread has ended.
    pub async fn run(&self, job: Job) -> io::Result<()> {
        match self
            .least()
            .and_then(|shard| Some((shard, shard.jobs.as_ref()?)))
        {
            Some((shard, jobs)) => {
                let counted = Counted::in_load(&shard.load);
                jobs.send((job, counted))
                    .await
                    .map_err(|_| io::Error::other("the data thread has ended"))
            }
            None => Err(io::Error::other("the data threads have ended")),
        }
    }

    /// The event loop of the data thread that has the fewest jobs, for connections of a job that has a thread of its own.
    pub fn event_loop(&self) -> Option<runtime::Handle> {
        self.least().map(|shard| shard.event_loop.clone())
    }

    fn least(&self) -> Option<&Shard> {
        let shards = self.shards.iter();
        shards.min_by_key(|shard| shard.load.load(Ordering::Relaxed))
    }

    /// Gives `job` a thread of its own, which ends with it: for work that may block.
    ///
    /// # Errors
    /// The operating system refuses a thread.
    pub fn run_alone(name: &str, job: Job) -> io::Result<()> {
        let runtime = event_loop()?;
        Builder::new().name(name.to_owned()).spawn(move || {
            runtime.block_on(LocalSet::new().run_until(async move { (job.0)().await }));
        })?;
        Ok(())
    }
}

impl Shard {
    fn start(name: &str) -> io::Result<Self> {
        let (jobs, mut queue) = mpsc::channel::<(Job, Counted)>(QUEUE_JOBS);
        let load = Arc::new(AtomicUsize::new(0));
        let runtime = event_loop()?;
        let event_loop = runtime.handle().clone();
        let thread = Builder::new().name(name.to_owned()).spawn(move || {
            let tasks = LocalSet::new();
            tasks.spawn_local(async move {
                while let Some((job, counted)) = queue.recv().await {
                    tokio::task::spawn_local(async move {
                        let _counted = counted;
                        (job.0)().await;
                    });
                }
            });
            // Ends when no job can come any more and all have ended.
            runtime.block_on(tasks);
        })?;
        Ok(Self {
            event_loop,
            jobs: Some(jobs),
            load,
            thread: Some(thread),
        })
    }
}

/// A job in the load of its thread, until it is dropped: when the job has ended, was never begun, or has panicked.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn in_load(load: &Arc<AtomicUsize>) -> Self {
        load.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(load))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}

impl Drop for Shard {
    fn drop(&mut self) {
        self.jobs = None;
        if self.load.load(Ordering::Acquire) > 0 {
            return;
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("a data thread ended by a panic");
        }
    }
}

fn event_loop() -> io::Result<runtime::Runtime> {
    runtime::Builder::new_current_thread().enable_all().build()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use tokio::sync::oneshot;

    fn thread_of(shards: &Shards) -> String {
        let (tell, told) = oneshot::channel();
        let job = Job::new(move || async move {
            let name = std::thread::current().name().unwrap().to_owned();
            tell.send(name).unwrap();
            // Stays, so that the next job goes to another thread.
            std::future::pending::<()>().await;
        });
        let runtime = event_loop().unwrap();
        runtime.block_on(async {
            shards.run(job).await.unwrap();
            told.await.unwrap()
        })
    }

    #[test]
    fn jobs_are_spread_over_the_threads() {
        let shards = Shards::start(2).unwrap();
        let mut names = [thread_of(&shards), thread_of(&shards)];
        names.sort();
        assert_eq!(names, ["data-0", "data-1"]);
    }

    #[test]
    fn job_that_panicked_counts_no_more() {
        let shards = Shards::start(2).unwrap();
        let runtime = event_loop().unwrap();
        let panics = Job::new(|| async { panic!("boom") });
        runtime.block_on(shards.run(panics)).unwrap();
        let idle = || {
            let mut shards = shards.shards.iter();
            shards.all(|shard| shard.load.load(Ordering::Acquire) == 0)
        };
        let deadline = Instant::now() + Duration::from_secs(10);
        while !idle() {
            assert!(Instant::now() < deadline, "it still counts");
            std::thread::yield_now();
        }
    }

    #[test]
    fn dropping_does_not_wait_for_a_job_that_hangs() {
        let shards = Shards::start(1).unwrap();
        thread_of(&shards);
        drop(shards);
    }
}
