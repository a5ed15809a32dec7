//! What must outlive the process besides records: topics, committed offsets, transactional ids, the
//! cluster's id.
//!
//! One append-only file of checksummed entries. At start the entries are replayed and the file is
//! written anew with what still counts (`known`), and so it is again when it has grown enough; a
//! torn end is dropped. Without a data folder nothing is written.

mod known;
mod transactions;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bytes::{Buf, BufMut, Bytes};
use uuid::Uuid;

use crate::error::BrokerError;
pub(crate) use known::Known;
pub(crate) use transactions::TransactionEntry;

/// Entries larger than this are neither written nor believed.
const ENTRY_BYTES_MAX: usize = 1 << 20;
/// A file smaller than this is not written anew while the broker runs.
const REWRITE_BYTES_MIN: usize = 1 << 20;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    Cluster {
        id: String,
    },
    TopicCreated {
        id: Uuid,
        name: String,
        partitions: u32,
        configs: BTreeMap<String, String>,
    },
    PartitionsAdded {
        id: Uuid,
        partitions: u32,
    },
    TopicDeleted {
        id: Uuid,
    },
    OffsetCommitted {
        group: String,
        topic: String,
        partition: i32,
        committed: Committed,
    },
    OffsetDeleted {
        group: String,
        topic: String,
        partition: i32,
    },
    ProducerIdsUsed {
        next: i64,
    },
    Transaction {
        id: String,
        entry: TransactionEntry,
    },
}

/// A committed offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Committed {
    pub(crate) offset: i64,
    pub(crate) leader_epoch: i32,
    pub(crate) metadata: String,
}

/// The file that entries go to.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    open: Option<OpenFile>,
}

#[derive(Debug)]
struct OpenFile {
    path: PathBuf,
    file: File,
    /// What the entries amount to so far.
    known: Known,
    bytes: usize,
    /// The size at which the file is written anew.
    rewrite_at: usize,
}

impl Journal {
    /// Opens or creates the journal in `data_dir` and gives what it holds.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub(crate) fn open(data_dir: Option<&Path>) -> Result<(Self, Vec<Entry>), BrokerError> {
        let Some(data_dir) = data_dir else {
            return Ok((Self::default(), Vec::new()));
        };
        fs::create_dir_all(data_dir).map_err(BrokerError::storage(data_dir))?;
        let path = path_in(data_dir);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(BrokerError::storage(path)(error)),
        };
        Ok((Self::default(), read_all(bytes.into())))
    }

    /// Replaces the file by one that holds exactly what is `known`, and goes on from there.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(crate) fn rewrite(&mut self, data_dir: &Path, known: Known) -> Result<(), BrokerError> {
        let path = path_in(data_dir);
        let (file, bytes) = write_anew(&path, &known).map_err(BrokerError::storage(&path))?;
        self.open = Some(OpenFile {
            path,
            file,
            known,
            bytes,
            rewrite_at: next_rewrite(bytes),
        });
        Ok(())
    }

    /// Notes one entry. A failing disk is logged: this broker keeps serving from memory.
    pub(crate) fn append(&mut self, entry: &Entry) {
        if let Some(open) = &mut self.open
            && let Err(error) = open.append(entry)
        {
            tracing::error!(%error, "cannot write to the journal");
        }
    }
}

impl OpenFile {
    fn append(&mut self, entry: &Entry) -> io::Result<()> {
        let framed = encode_framed(entry);
        self.known.replay(entry.clone());
        self.file.write_all(&framed)?;
        self.bytes += framed.len();
        if self.bytes >= self.rewrite_at {
            // One that fails is not tried again before the file has grown as much once more.
            self.rewrite_at = next_rewrite(self.bytes);
            (self.file, self.bytes) = write_anew(&self.path, &self.known)?;
            self.rewrite_at = next_rewrite(self.bytes);
        }
        Ok(())
    }
}

/// Puts a file with only what is known in the place of the one that is there. Tells its size.
fn write_anew(path: &Path, known: &Known) -> io::Result<(File, usize)> {
    let fresh = path.with_extension("new");
    let mut file = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .open(&fresh)?;
    let entries: Vec<u8> = known.entries().iter().flat_map(encode_framed).collect();
    file.write_all(&entries)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    Ok((file, entries.len()))
}

/// The size at which a file of this size is written anew: what is written then is on average no more than what was
/// appended.
fn next_rewrite(bytes: usize) -> usize {
    bytes.saturating_mul(2).max(REWRITE_BYTES_MIN)
}

fn path_in(data_dir: &Path) -> PathBuf {
    data_dir.join("journal")
}

/// Entries up to the first that is torn or damaged.
fn read_all(mut bytes: Bytes) -> Vec<Entry> {
    let mut entries = Vec::new();
    while let Some(entry) = read_framed(&mut bytes) {
        entries.push(entry);
    }
    if bytes.has_remaining() {
        tracing::warn!(bytes = bytes.remaining(), "torn end of the journal dropped");
    }
    entries
}

fn read_framed(bytes: &mut Bytes) -> Option<Entry> {
    let mut rest = bytes.clone();
    let length = usize::try_from(rest.try_get_u32().ok()?).ok()?;
    let crc = rest.try_get_u32().ok()?;
    if length > ENTRY_BYTES_MAX || length > rest.len() {
        return None;
    }
    let payload = rest.split_to(length);
    if crc32c::crc32c(&payload) != crc {
        return None;
    }
    let entry = decode(payload)?;
    *bytes = rest;
    Some(entry)
}

fn encode_framed(entry: &Entry) -> Vec<u8> {
    let payload = encode(entry);
    let Ok(length) = u32::try_from(payload.len()) else {
        return Vec::new();
    };
    if payload.len() > ENTRY_BYTES_MAX {
        tracing::error!(length, "journal entry too large, not kept");
        return Vec::new();
    }
    let mut framed = Vec::with_capacity(payload.len() + 8);
    framed.put_u32(length);
    framed.put_u32(crc32c::crc32c(&payload));
    framed.extend_from_slice(&payload);
    framed
}

fn encode(entry: &Entry) -> Vec<u8> {
    let mut out = Vec::new();
    match entry {
        Entry::Cluster { id } => {
            out.put_u8(0);
            put_text(&mut out, id);
        }
        Entry::TopicCreated {
            id,
            name,
            partitions,
            configs,
        } => {
            out.put_u8(1);
            out.put_slice(id.as_bytes());
            put_text(&mut out, name);
            out.put_u32(*partitions);
            for (key, value) in configs {
                put_text(&mut out, key);
                put_text(&mut out, value);
            }
        }
        Entry::PartitionsAdded { id, partitions } => {
            out.put_u8(2);
            out.put_slice(id.as_bytes());
            out.put_u32(*partitions);
        }
        Entry::TopicDeleted { id } => {
            out.put_u8(3);
            out.put_slice(id.as_bytes());
        }
        Entry::OffsetCommitted {
            group,
            topic,
            partition,
            committed,
        } => {
            out.put_u8(4);
            put_text(&mut out, group);
            put_text(&mut out, topic);
            out.put_i32(*partition);
            put_committed(&mut out, committed);
        }
        Entry::OffsetDeleted {
            group,
            topic,
            partition,
        } => {
            out.put_u8(5);
            put_text(&mut out, group);
            put_text(&mut out, topic);
            out.put_i32(*partition);
        }
        Entry::ProducerIdsUsed { next } => {
            out.put_u8(6);
            out.put_i64(*next);
        }
        Entry::Transaction { id, entry } => transactions::encode(&mut out, id, entry),
    }
    out
}

fn decode(mut from: Bytes) -> Option<Entry> {
    let entry = match from.try_get_u8().ok()? {
        0 => Entry::Cluster {
            id: text(&mut from)?,
        },
        1 => {
            let id = uuid(&mut from)?;
            let name = text(&mut from)?;
            let partitions = from.try_get_u32().ok()?;
            let mut configs = BTreeMap::new();
            while from.has_remaining() {
                configs.insert(text(&mut from)?, text(&mut from)?);
            }
            Entry::TopicCreated {
                id,
                name,
                partitions,
                configs,
            }
        }
        2 => Entry::PartitionsAdded {
            id: uuid(&mut from)?,
            partitions: from.try_get_u32().ok()?,
        },
        3 => Entry::TopicDeleted {
            id: uuid(&mut from)?,
        },
        4 => Entry::OffsetCommitted {
            group: text(&mut from)?,
            topic: text(&mut from)?,
            partition: from.try_get_i32().ok()?,
            committed: committed(&mut from)?,
        },
        5 => Entry::OffsetDeleted {
            group: text(&mut from)?,
            topic: text(&mut from)?,
            partition: from.try_get_i32().ok()?,
        },
        6 => Entry::ProducerIdsUsed {
            next: from.try_get_i64().ok()?,
        },
        tag => {
            let (id, entry) = transactions::decode(tag, &mut from)?;
            Entry::Transaction { id, entry }
        }
    };
    (!from.has_remaining()).then_some(entry)
}

fn put_committed(out: &mut Vec<u8>, committed: &Committed) {
    out.put_i64(committed.offset);
    out.put_i32(committed.leader_epoch);
    put_text(out, &committed.metadata);
}

fn committed(from: &mut Bytes) -> Option<Committed> {
    Some(Committed {
        offset: from.try_get_i64().ok()?,
        leader_epoch: from.try_get_i32().ok()?,
        metadata: text(from)?,
    })
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.put_u32(u32::try_from(text.len()).unwrap_or(u32::MAX));
    out.put_slice(text.as_bytes());
}

fn text(from: &mut Bytes) -> Option<String> {
    let length = usize::try_from(from.try_get_u32().ok()?).ok()?;
    if length > from.len() {
        return None;
    }
    String::from_utf8(from.split_to(length).to_vec()).ok()
}

fn uuid(from: &mut Bytes) -> Option<Uuid> {
    let mut bytes = [0; 16];
    from.try_copy_to_slice(&mut bytes).ok()?;
    Some(Uuid::from_bytes(bytes))
}

#[cfg(test)]
mod tests;
