//! Waiting for an event with a deadline: the only place of the tests that sleeps.

use std::io;
use std::time::{Duration, Instant};

const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// Asks `event` until it answers, at most until `limit` is over.
///
/// # Errors
/// Whatever `event` fails with, and a timeout that names what was waited for.
pub fn until<T>(
    what: &str,
    limit: Duration,
    mut event: impl FnMut() -> io::Result<Option<T>>,
) -> io::Result<T> {
    let start = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(answer) = event()? {
            return Ok(answer);
        }
        if start.elapsed() > limit {
            let message = format!("{what} did not happen within {limit:?}");
            return Err(io::Error::new(io::ErrorKind::TimedOut, message));
        }
        std::thread::sleep(pause);
        // What takes long is asked about less often: asking takes of the cores that it is waited for on.
        let longest = (start.elapsed() / 100).clamp(Duration::from_millis(20), LONGEST_PAUSE);
        pause = (pause * 2).min(longest);
    }
}
