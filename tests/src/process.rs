//! Child processes that cannot outlive their test.
//!
//! Two nets: dropping a [`Process`] kills it, and Java children also watch their standard input (`Anchored`),
//! which the system closes when the test process ends in any way.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::grounds;
use crate::wait;

/// How many bytes of a child's output an error message quotes.
const TAIL_BYTES: usize = 4_000;

/// A running child whose output goes to a file.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command` with standard output and error in `log`.
    ///
    /// # Errors
    /// When the file cannot be written or the program cannot start.
    pub fn start(mut command: Command, log: &Path) -> io::Result<Self> {
        let out = File::options().create(true).append(true).open(log)?;
        command
            .stdin(Stdio::piped())
            .stdout(out.try_clone()?)
            .stderr(out);
        Ok(Self {
            child: command.spawn()?,
            log: log.to_path_buf(),
        })
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What the child printed so far.
    #[must_use]
    pub fn output(&self) -> String {
        fs::read(&self.log).map_or_else(
            |_| String::new(),
            |b| String::from_utf8_lossy(&b).into_owned(),
        )
    }

    /// The exit status, if the child has ended.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Waits until the child ends by itself.
    ///
    /// # Errors
    /// When it still runs after `limit`; it is killed by the drop then.
    pub fn wait(&mut self, limit: Duration) -> io::Result<ExitStatus> {
        wait::until("the end of the process", limit, || self.child.try_wait())
    }

    /// `kill -9`, and waits for the end.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(&mut self) -> io::Result<ExitStatus> {
        self.child.kill()?;
        self.child.wait()
    }

    /// Asks the child to stop by `signal` ("TERM", "INT") and waits for its exit.
    ///
    /// # Errors
    /// When it still runs after `limit`.
    pub fn signal(&mut self, signal: &str, limit: Duration) -> io::Result<ExitStatus> {
        self.send(signal)?;
        self.wait(limit)
    }

    /// Sends the child a `signal` ("STOP", "CONT") and does not wait.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn send(&self, signal: &str) -> io::Result<()> {
        let sent = Command::new("kill")
            .arg(format!("-{signal}"))
            .arg(self.id().to_string())
            .status()?;
        match sent.success() {
            true => Ok(()),
            false => Err(io::Error::other(format!(
                "kill -{signal} {} failed",
                self.id()
            ))),
        }
    }

    /// Waits for `event`, giving up early when the child ends before.
    ///
    /// # Errors
    /// A timeout or an early end; both quote the end of the child's output.
    pub fn until<T>(
        &mut self,
        what: &str,
        limit: Duration,
        mut event: impl FnMut() -> io::Result<Option<T>>,
    ) -> io::Result<T> {
        let found = wait::until(what, limit, || {
            if let Some(answer) = event()? {
                return Ok(Some(answer));
            }
            match self.child.try_wait()? {
                Some(status) => Err(io::Error::other(format!("{what}: ended with {status}"))),
                None => Ok(None),
            }
        });
        found.map_err(|e| io::Error::new(e.kind(), format!("{e}\n{}", tail(&self.output()))))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when the child is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The command that runs a Java main class for as long as this process lives.
#[must_use]
pub fn java(version: &str, heap: &str, folder: &str, main: &str) -> Command {
    let mut command = jvm(version, heap);
    command.arg("-XX:+UseG1GC").args(["Anchored", folder, main]);
    command
}

static IS_MEASURED: AtomicBool = AtomicBool::new(false);

/// Has every JVM that starts from now on run as those of users do: for whoever measures them.
pub fn measure_java() {
    IS_MEASURED.store(true, Ordering::Relaxed);
}

/// Whether somebody measures them.
#[must_use]
pub fn measures_java() -> bool {
    IS_MEASURED.load(Ordering::Relaxed)
}

/// The command that runs Java with Kafka's classes and ours, without a main class.
///
/// Most JVMs of tests live for seconds, of which they would spend most on reading classes and compiling them well: with the
/// archive of `tests/java/Rehearsal.java` and the quick compiler alone, a broker is there for a third of the CPU time.
#[must_use]
pub fn jvm(version: &str, heap: &str) -> Command {
    let mut command = Command::new("java");
    command.arg(format!("-Xmx{heap}"));
    if !measures_java() {
        command.arg("-XX:TieredStopAtLevel=1");
        let archive = grounds::class_archive();
        if version == grounds::ORACLE && archive.exists() {
            // Whatever is wrong with an archive, Java goes on without; it must not say so among a child's answers.
            let file = format!("-XX:SharedArchiveFile={}", archive.display());
            command.args([&file, "-Xlog:disable", "-Xlog:all=warning:stderr"]);
        }
    }
    command.arg("-cp").arg(grounds::class_path(version));
    command
}

fn tail(text: &str) -> &str {
    let start = text.len().saturating_sub(TAIL_BYTES);
    let start = (start..text.len())
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(text.len());
    text.get(start..).unwrap_or(text)
}
