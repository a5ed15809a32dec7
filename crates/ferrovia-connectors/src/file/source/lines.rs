//! Bytes divided into lines, where they stand.

use std::io;

use super::input::Input;

/// Lines are gathered until they have about this many bytes, be they as few as they may.
const GATHERED_BYTES: usize = 1 << 20;
/// The longest line. Kafka takes no record of a fraction of that; a file of such lines is no text.
const LINE_BYTES_MAX: usize = 64 << 20;
/// What the buffer keeps when it is empty.
const KEPT_BYTES: usize = 4 << 20;

/// Lines of a buffer that grows as they need it.
#[derive(Debug, Default)]
pub(super) struct Lines {
    buffer: Vec<u8>,
    /// Bytes that have been divided: no line ends between the last one and here.
    scanned: usize,
    found: Vec<Found>,
}

/// Where a line ends, and where the next begins.
#[derive(Clone, Copy, Debug)]
struct Found {
    end: usize,
    next: usize,
}

/// A line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line<'l> {
    /// What is before its end.
    pub(super) text: &'l [u8],
    /// All its bytes, with its end.
    pub(super) length: i64,
}

impl Lines {
    /// Gives up the lines that were gathered.
    pub(super) fn release(&mut self) {
        let taken = self.taken();
        self.found.clear();
        self.buffer.drain(..taken);
        self.scanned = self.scanned.saturating_sub(taken);
        if self.buffer.is_empty() {
            self.buffer.shrink_to(KEPT_BYTES);
        }
    }

    /// Gathers lines, at most so many, and reads as much as that needs. Answers 0 where nothing came and there is no line.
    pub(super) fn gather(&mut self, lines_max: usize, input: &mut Input) -> io::Result<usize> {
        let mut progress = 0;
        loop {
            self.divide(lines_max);
            if self.found.len() >= lines_max || self.taken() >= GATHERED_BYTES {
                return Ok(progress + self.found.len());
            }
            if self.buffer.len() - self.taken() > LINE_BYTES_MAX {
                let text = format!("a line has more than {LINE_BYTES_MAX} bytes");
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
            match input.read(&mut self.buffer)? {
                0 => return Ok(progress + self.found.len()),
                read => progress += read,
            }
        }
    }

    /// The lines that were gathered.
    pub(super) fn iter(&self) -> impl Iterator<Item = Line<'_>> {
        let mut start = 0;
        self.found.iter().map(move |found| {
            let text = self.buffer.get(start..found.end).unwrap_or_default();
            let length = i64::try_from(found.next - start).unwrap_or(i64::MAX);
            start = found.next;
            Line { text, length }
        })
    }

    /// Finds lines in what has not been divided yet.
    fn divide(&mut self, lines_max: usize) {
        while self.found.len() < lines_max {
            let rest = self.buffer.get(self.scanned..).unwrap_or_default();
            let Some(distance) = memchr::memchr2(b'\n', b'\r', rest) else {
                self.scanned = self.buffer.len();
                return;
            };
            let end = self.scanned + distance;
            let next = match (self.buffer.get(end), self.buffer.get(end + 1)) {
                (Some(b'\r'), Some(b'\n')) => end + 2,
                // The next byte decides whether the line's end has two.
                (Some(b'\r'), None) => {
                    self.scanned = end;
                    return;
                }
                _ => end + 1,
            };
            self.found.push(Found { end, next });
            self.scanned = next;
        }
    }

    /// Bytes of the lines that were gathered.
    fn taken(&self) -> usize {
        self.found.last().map_or(0, |last| last.next)
    }
}
