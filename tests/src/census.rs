//! Judges what a file sink wrote against what was produced: lost, duplicated, torn, foreign.
//!
//! Counting alone would miss a record swapped for another, so contents are compared by a sum of hashes, which no
//! order changes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

/// Where the sequence number stands in a generated value: "ppppp:ssssssssss:…".
const HEAD_BYTES: usize = 17;

/// Count and sum of hashes of one partition's values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// Records.
    pub count: u64,
    /// The wrapping sum of the values' FNV-1a hashes.
    pub hash: u64,
}

impl Sum {
    fn add(&mut self, value: &[u8]) {
        self.count += 1;
        self.hash = self.hash.wrapping_add(fnv1a(value));
    }
}

/// What a topic holds, or what of it was found, by partition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// By partition number.
    pub partitions: BTreeMap<u32, Sum>,
}

impl Tally {
    /// Reads the lab's words "partition:count:hash".
    pub(crate) fn parse(words: &[String]) -> io::Result<Self> {
        let partition = |word: &String| {
            let mut parts = word.split(':');
            let number = parts.next()?.parse().ok()?;
            let count = parts.next()?.parse().ok()?;
            let hash = u64::from_str_radix(parts.next()?, 16).ok()?;
            Some((number, Sum { count, hash }))
        };
        let partitions = words.iter().map(partition).collect::<Option<_>>();
        let partitions =
            partitions.ok_or_else(|| io::Error::other(format!("not a census: {words:?}")))?;
        Ok(Self { partitions })
    }

    /// Adds what another load produced.
    pub fn add(&mut self, other: &Self) {
        for (partition, more) in &other.partitions {
            let sum = self.partitions.entry(*partition).or_default();
            sum.count += more.count;
            sum.hash = sum.hash.wrapping_add(more.hash);
        }
    }

    /// Records over all partitions.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.partitions.values().map(|sum| sum.count).sum()
    }
}

/// What was found in one or more files that sinks wrote.
#[derive(Debug, Default)]
pub struct Findings {
    /// Each record's first appearance.
    pub distinct: Tally,
    /// Records that appeared again.
    pub duplicates: u64,
    /// Lines that begin with the torn end of a killed writer.
    pub torn: u64,
    /// Lines that are no record at all.
    pub foreign: u64,
    seen: BTreeMap<u32, Vec<bool>>,
}

impl Findings {
    /// Adds a file of values of `size` bytes, one a line.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(&mut self, file: &Path, size: usize) -> io::Result<()> {
        let mut lines = BufReader::with_capacity(1 << 20, File::open(file)?);
        let mut line = Vec::with_capacity(size + 1);
        while lines.read_until(b'\n', &mut line)? > 0 {
            let whole = line.pop_if(|end| *end == b'\n').is_some();
            self.line(&line, size, whole);
            line.clear();
        }
        Ok(())
    }

    fn line(&mut self, line: &[u8], size: usize, whole: bool) {
        // A writer that was killed leaves a torn line, and the next record continues it.
        let start = line.len().saturating_sub(size);
        let value = line.get(start..).unwrap_or(line);
        match place(value).filter(|_| whole && value.len() == size) {
            Some((partition, sequence)) => {
                self.torn += u64::from(start > 0);
                self.record(partition, sequence, value);
            }
            None if whole => self.foreign += 1,
            None => self.torn += 1,
        }
    }

    fn record(&mut self, partition: u32, sequence: usize, value: &[u8]) {
        let seen = self.seen.entry(partition).or_default();
        if seen.len() <= sequence {
            seen.resize(sequence + 1, false);
        }
        match seen.get_mut(sequence) {
            Some(seen) if !*seen => {
                *seen = true;
                self.distinct
                    .partitions
                    .entry(partition)
                    .or_default()
                    .add(value);
            }
            _ => self.duplicates += 1,
        }
    }
}

/// The partition and sequence number that a generated value begins with. The sequence is bounded by its ten
/// digits, and by what a test can produce: a foreign line cannot make the census allocate without end.
fn place(value: &[u8]) -> Option<(u32, usize)> {
    let head = std::str::from_utf8(value.get(..HEAD_BYTES)?).ok()?;
    let mut parts = head.split(':');
    let partition = parts.next()?.parse().ok()?;
    let sequence = parts.next()?.parse().ok()?;
    (sequence < 1 << 28 && parts.next() == Some("")).then_some((partition, sequence))
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> Findings {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let mut found = Findings::default();
        found.read(file.path(), 20).unwrap();
        found
    }

    #[test]
    fn a_torn_line_still_gives_the_record_that_continues_it() {
        let found =
            findings("00000:0000000000:abc\n00000:0000000000:abc00001:0000000007:def\n00001:00");
        assert_eq!((found.distinct.count(), found.duplicates), (2, 0));
        assert_eq!((found.torn, found.foreign), (2, 0));
    }

    #[test]
    fn a_repeated_record_is_a_duplicate_and_garbage_is_foreign() {
        let found = findings("00000:0000000001:abc\n00000:0000000001:abc\nnull\n");
        assert_eq!((found.distinct.count(), found.duplicates), (1, 1));
        assert_eq!(found.foreign, 1);
    }

    #[test]
    fn the_hash_is_fnv1a() {
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
    }
}
