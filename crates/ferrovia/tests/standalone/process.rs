//! Starts the binary and reads what it says.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) fn ferrovia() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ferrovia"));
    command
        .env_remove("RUST_LOG")
        .env_remove("FERROVIA_LOG_FORMAT")
        .stdin(Stdio::null());
    command
}

/// A worker's file with these lines added to what every worker needs.
pub(crate) fn worker_file(folder: &TempDir, lines: &str) -> PathBuf {
    let offsets = folder.path().join("offsets").display().to_string();
    let file = folder.path().join("worker.properties");
    let text = format!(
        "bootstrap.servers=127.0.0.1:1\nlisteners=http://127.0.0.1:0\n\
         key.converter=org.apache.kafka.connect.storage.StringConverter\n\
         value.converter=org.apache.kafka.connect.storage.StringConverter\n\
         offset.storage.file.filename={offsets}\n{lines}\n"
    );
    fs::write(&file, text).unwrap();
    file
}

/// Ends by itself, with this code and this text among its lines.
pub(crate) fn check_end(output: &Output, code: i32, text: &str) {
    let out = String::from_utf8_lossy(&output.stdout);
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{out}{err}");
    assert!(
        out.contains(text) || err.contains(text),
        "no {text:?} in\n{out}{err}"
    );
    assert!(!err.contains("panicked"), "{err}");
}

/// A worker that runs, with its log read line by line.
pub(crate) struct Running {
    child: Child,
    lines: std::sync::mpsc::Receiver<String>,
    seen: Vec<String>,
}

impl Running {
    pub(crate) fn start(worker: &Path, connectors: &[&Path]) -> Self {
        let mut command = ferrovia();
        command
            .arg("connect-standalone")
            .arg(worker)
            .args(connectors);
        Self::of(command)
    }

    /// A worker of a shell that has set its limits by `ulimit`, such as `-Sn 256`.
    pub(crate) fn start_limited(worker: &Path, limits: &[&str]) -> Self {
        let limits = limits.iter().map(|limit| format!("ulimit {limit} && "));
        let script = limits.collect::<String>() + r#"exec "$0" "$@""#;
        let mut command = Command::new("sh");
        command
            .args(["-c", &script, env!("CARGO_BIN_EXE_ferrovia")])
            .arg("connect-standalone")
            .arg(worker)
            .env_remove("RUST_LOG")
            .env_remove("FERROVIA_LOG_FORMAT")
            .stdin(Stdio::null());
        Self::of(command)
    }

    fn of(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (tell, lines) = std::sync::mpsc::sync_channel(10_000);
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            lines,
            seen: Vec::new(),
        }
    }

    /// The first new line that contains `text`.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) if line.contains(text) => return line,
                Ok(line) => self.seen.push(line),
                Err(_) => panic!("no {text:?} in {:#?}", self.seen),
            }
        }
    }

    /// The soft and the hard limit of open files, as the system has them.
    pub(crate) fn open_files(&self) -> (u64, u64) {
        let limits = fs::read_to_string(format!("/proc/{}/limits", self.child.id())).unwrap();
        let line = limits
            .lines()
            .find(|line| line.starts_with("Max open files"));
        let mut words = line.unwrap().split_whitespace().skip(3);
        let mut number = || words.next().unwrap().parse().unwrap_or(u64::MAX);
        (number(), number())
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    pub(crate) fn end(&mut self) -> std::process::ExitStatus {
        let deadline = Instant::now() + DEADLINE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the worker does not end");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended cannot be killed, which is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
