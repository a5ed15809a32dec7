//! Child processes that cannot outlive their test.
//!
//! Two nets: dropping a [`Process`] kills it, and Java children also watch their standard input (`Anchored`),
//! which the system closes when the test process ends in any way.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
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
    let mut command = Command::new("java");
    command
        .args([
            &format!("-Xmx{heap}"),
            "-XX:+UseG1GC",
            "-XX:TieredStopAtLevel=4",
            "-cp",
        ])
        .arg(grounds::class_path(version))
        .args(["Anchored", folder, main]);
    command
}

fn tail(text: &str) -> &str {
    let start = text.len().saturating_sub(TAIL_BYTES);
    let start = (start..text.len())
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(text.len());
    text.get(start..).unwrap_or(text)
}
