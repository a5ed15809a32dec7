//! A file that grows line by line at a steady pace, and what became of its lines in a topic.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::lab::Sample;

/// How often the file grows.
const PACE: Duration = Duration::from_millis(10);

/// The growing file. Its lines are numbered from 0: `0000000042:` and a filler.
#[derive(Debug)]
pub struct Lines {
    enough: Arc<AtomicBool>,
    writing: JoinHandle<io::Result<u64>>,
}

impl Lines {
    /// Begins to write so many lines per second.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn start(file: &Path, per_second: u64) -> io::Result<Self> {
        let mut file = File::create_new(file)?;
        let enough = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&enough);
        let writing = thread::spawn(move || {
            let start = Instant::now();
            let mut written = 0;
            while !until.load(Ordering::Relaxed) {
                let millis = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
                let due = per_second.saturating_mul(millis) / 1_000;
                let text: String = (written..due).map(line).collect();
                file.write_all(text.as_bytes())?;
                written = due.max(written);
                thread::sleep(PACE);
            }
            Ok(written)
        });
        Ok(Self { enough, writing })
    }

    /// Ends the file; answers how many lines it has.
    ///
    /// # Errors
    /// When a line could not be written.
    pub fn finish(self) -> io::Result<u64> {
        self.enough.store(true, Ordering::Relaxed);
        let written = self.writing.join();
        written.map_err(|_| io::Error::other("the writer died"))?
    }
}

fn line(number: u64) -> String {
    format!("{number:010}:{}\n", "x".repeat(89))
}

/// What became of the lines of a file in a topic.
#[derive(Debug, PartialEq, Eq)]
pub struct Arrivals {
    /// Lines that came.
    pub distinct: u64,
    /// Records that came beside.
    pub duplicates: u64,
    /// Lines that came behind a later one, when each is counted where it came first.
    pub out_of_order: u64,
}

impl Arrivals {
    /// Counts the lines among the records of a partition.
    ///
    /// # Errors
    /// When a record is no line of such a file.
    pub fn of(records: &[Sample]) -> io::Result<Self> {
        let mut seen = Vec::new();
        let mut arrivals = Self {
            distinct: 0,
            duplicates: 0,
            out_of_order: 0,
        };
        let mut last = None;
        for record in records {
            let number = number(record)?;
            let at = usize::try_from(number).map_err(io::Error::other)?;
            if seen.len() <= at {
                seen.resize(at + 1, false);
            }
            let is_seen = seen.get_mut(at).map(|seen| std::mem::replace(seen, true));
            if is_seen == Some(true) {
                arrivals.duplicates += 1;
                continue;
            }
            arrivals.distinct += 1;
            if last.is_some_and(|last| last > number) {
                arrivals.out_of_order += 1;
            }
            last = Some(number);
        }
        Ok(arrivals)
    }
}

fn number(record: &Sample) -> io::Result<u64> {
    let value = record.value.as_deref().unwrap_or_default();
    let text = str::from_utf8(value).unwrap_or_default();
    let number = text.split_once(':').and_then(|(number, filler)| {
        let number = number.parse().ok()?;
        (line(number).trim_end() == format!("{number:010}:{filler}")).then_some(number)
    });
    number.ok_or_else(|| io::Error::other(format!("{text:?} is no line of the file")))
}
