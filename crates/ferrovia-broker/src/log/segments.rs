//! A partition's batches in segment files, named by the offset of their first batch.
//!
//! A segment is batches one after the other and nothing else. At start each is walked and every
//! checksum verified; the log ends before the first batch that is torn or does not fit.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::batch::{BatchHeader, HEADER_BYTES};
use super::marker::{self, Outcome};
use crate::error::BrokerError;

/// Batches on disk larger than this are taken for damage.
const BATCH_BYTES_MAX: u32 = 1 << 30;

/// A batch found in a segment, and for a marker what it says.
#[derive(Debug, Clone, Copy)]
pub(super) struct FoundBatch {
    pub(super) header: BatchHeader,
    pub(super) outcome: Option<Outcome>,
}

/// The segment files of one partition, oldest first.
#[derive(Debug)]
pub(super) struct Segments {
    folder: PathBuf,
    segment_bytes: u64,
    files: Vec<Segment>,
}

#[derive(Debug)]
struct Segment {
    base_offset: i64,
    path: PathBuf,
    file: File,
    len: u64,
}

impl Segments {
    /// Opens the segments in `folder`, telling `found` each batch with its segment and position.
    pub(super) fn open(
        folder: PathBuf,
        segment_bytes: u64,
        mut found: impl FnMut(FoundBatch, i64, u64),
    ) -> Result<Self, BrokerError> {
        fs::create_dir_all(&folder).map_err(BrokerError::storage(&folder))?;
        let mut files: Vec<Segment> = Vec::new();
        let mut next_offset = None;
        let mut damaged = false;
        for (base_offset, path) in list(&folder)? {
            let in_order = next_offset.is_none_or(|next| next == base_offset);
            if damaged || !in_order {
                tracing::warn!(?path, "segment after a damaged one removed");
                fs::remove_file(&path).map_err(BrokerError::storage(&path))?;
                damaged = true;
                continue;
            }
            let mut segment =
                Segment::open(base_offset, path.clone()).map_err(BrokerError::storage(&path))?;
            let size = segment.len;
            let end = segment
                .recover(|batch, position| found(batch, base_offset, position))
                .map_err(BrokerError::storage(&path))?;
            damaged = segment.len < size;
            next_offset = Some(end);
            files.push(segment);
        }
        Ok(Self {
            folder,
            segment_bytes,
            files,
        })
    }

    pub(super) fn first_base_offset(&self) -> Option<i64> {
        self.files.first().map(|segment| segment.base_offset)
    }

    /// Writes one batch; gives its segment and position.
    pub(super) fn append(&mut self, base_offset: i64, batch: &Bytes) -> io::Result<(i64, u64)> {
        let full = self
            .files
            .last()
            .is_none_or(|segment| segment.len >= self.segment_bytes);
        if full {
            let path = self.folder.join(format!("{base_offset:020}.log"));
            self.files.push(Segment::open(base_offset, path)?);
        }
        let Some(segment) = self.files.last_mut() else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let position = segment.len;
        segment.file.write_all_at(batch, position)?;
        segment.len += u64::try_from(batch.len()).map_err(io::Error::other)?;
        Ok((segment.base_offset, position))
    }

    pub(super) fn read(&self, segment: i64, position: u64, size: u64) -> io::Result<Bytes> {
        let index = self
            .files
            .binary_search_by_key(&segment, |file| file.base_offset)
            .map_err(|_| io::Error::from(io::ErrorKind::NotFound))?;
        let file = self.files.get(index).ok_or(io::ErrorKind::NotFound)?;
        let mut bytes = vec![0; usize::try_from(size).map_err(io::Error::other)?];
        file.file.read_exact_at(&mut bytes, position)?;
        Ok(bytes.into())
    }

    /// Removes whole segments from the front while they fit into `excess` bytes, never the last
    /// one; gives the first offset kept if any went.
    pub(super) fn drop_oldest(&mut self, mut excess: u64) -> Option<i64> {
        let mut dropped = false;
        while let [oldest, _, ..] = self.files.as_slice() {
            if oldest.len > excess {
                break;
            }
            excess -= oldest.len;
            if let Err(error) = fs::remove_file(&oldest.path) {
                tracing::warn!(%error, path = ?oldest.path, "cannot remove an old segment");
            }
            self.files.remove(0);
            dropped = true;
        }
        self.first_base_offset().filter(|_| dropped)
    }
}

impl Segment {
    fn open(base_offset: i64, path: PathBuf) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)?;
        let len = file.metadata()?.len();
        Ok(Self {
            base_offset,
            path,
            file,
            len,
        })
    }

    /// Walks the batches, cuts the file after the last intact one, and gives the offset after it.
    fn recover(&mut self, mut found: impl FnMut(FoundBatch, u64)) -> io::Result<i64> {
        let mut position = 0;
        let mut next_offset = self.base_offset;
        while let Some(batch) = self.intact_batch(position, next_offset)? {
            found(batch, position);
            position += u64::from(batch.header.size);
            next_offset = batch.header.last_offset() + 1;
        }
        if position < self.len {
            tracing::warn!(path = ?self.path, position, len = self.len, "torn segment cut off");
            self.file.set_len(position)?;
            self.len = position;
        }
        Ok(next_offset)
    }

    fn intact_batch(&self, position: u64, offset: i64) -> io::Result<Option<FoundBatch>> {
        let left = self.len - position;
        let mut head = [0; HEADER_BYTES];
        if left < u64::try_from(HEADER_BYTES).map_err(io::Error::other)? {
            return Ok(None);
        }
        self.file.read_exact_at(&mut head, position)?;
        let Some(header) = BatchHeader::read(&head) else {
            return Ok(None);
        };
        let plausible = header.base_offset == offset
            && header.last_offset_delta >= 0
            && header.size <= BATCH_BYTES_MAX
            && u64::from(header.size) <= left;
        if !plausible {
            return Ok(None);
        }
        let mut batch = vec![0; usize::try_from(header.size).map_err(io::Error::other)?];
        self.file.read_exact_at(&mut batch, position)?;
        Ok(header.crc_holds(&batch).then(|| FoundBatch {
            header,
            outcome: marker::outcome(&header, &batch),
        }))
    }
}

/// Segment files by base offset; files with other names are left alone.
fn list(folder: &Path) -> Result<Vec<(i64, PathBuf)>, BrokerError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(BrokerError::storage(folder))? {
        let path = entry.map_err(BrokerError::storage(folder))?.path();
        let base_offset = path
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.strip_suffix(".log"))
            .and_then(|digits| digits.parse().ok());
        if let Some(base_offset) = base_offset {
            found.push((base_offset, path));
        }
    }
    found.sort_unstable();
    Ok(found)
}
