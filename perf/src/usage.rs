//! CPU time and peak memory of processes, from `/proc`.

use std::fs;
use std::io;

/// Clock ticks per second of `/proc/<pid>/stat`: fixed by the kernel's interface to user space.
const TICKS_PER_SECOND: f64 = 100.0;

/// CPU seconds of this process, without its children.
///
/// # Errors
/// When `/proc` is not readable.
pub fn own_cpu_seconds() -> io::Result<f64> {
    ticks("self", 11)
}

/// CPU seconds of another process so far.
///
/// # Errors
/// When it is gone.
pub fn cpu_seconds(process: u32) -> io::Result<f64> {
    ticks(&process.to_string(), 11)
}

/// CPU seconds of all children that have ended and were waited for.
///
/// # Errors
/// When `/proc` is not readable.
pub fn ended_children_cpu_seconds() -> io::Result<f64> {
    ticks("self", 13)
}

/// The largest resident memory of a process so far, in KiB; `None` when it is gone.
#[must_use]
pub fn peak_kib(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The sum of two neighbouring fields of `/proc/<process>/stat`, counted after the name in parentheses.
fn ticks(process: &str, first: usize) -> io::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let pair: Vec<f64> = fields
        .split(' ')
        .skip(first)
        .take(2)
        .filter_map(|field| field.parse().ok())
        .collect();
    if pair.len() == 2 {
        return Ok(pair.iter().sum::<f64>() / TICKS_PER_SECOND);
    }
    Err(io::Error::other(format!("unexpected /proc/{process}/stat")))
}
