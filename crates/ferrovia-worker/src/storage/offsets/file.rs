//! The file in which a standalone worker keeps the offsets of sources.
//!
//! It is read once, at the start, and written as a whole whenever offsets are stored: into a new file beside it, which then
//! takes its place, so that a crash leaves either the old offsets or the new ones.
//!
//! # Source
//! `FileOffsetBackingStore` of Kafka 4.2, which writes in place

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Mutex;

use super::java_file::{self, JavaFileError};
use super::store::OffsetStoreError;
use super::table::Table;

/// The longest file that is read: far more than a worker's sources have partitions.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// A file of offsets and what is in it.
#[derive(Debug)]
pub(super) struct OffsetFile {
    path: Arc<Path>,
    table: Table,
    /// One write at a time.
    writing: Arc<Mutex<()>>,
}

impl OffsetFile {
    /// Reads a file. One that is not there is empty, and so is one that was cut off, as for Java.
    pub(super) fn open(path: &Path) -> Result<Self, OffsetStoreError> {
        tracing::info!(
            "Starting FileOffsetBackingStore with file {}",
            path.display()
        );
        let table = Table::default();
        let entries = match read_bounded(path) {
            Ok(bytes) => java_file::read(&bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(source) => return Err(failed(path, source)),
        };
        let entries = match entries {
            Ok(entries) => entries,
            Err(JavaFileError::CutOff) => {
                let shown = path.display();
                tracing::warn!(
                    "The file of offsets {shown} ends in the middle: sources begin anew"
                );
                Vec::new()
            }
            Err(JavaFileError::Invalid(reason)) => {
                let path = path.to_owned();
                return Err(OffsetStoreError::FileFormat { path, reason });
            }
        };
        let mut fold = table.lock();
        for (key, value) in entries {
            fold.on_record(Some(key), value);
        }
        drop(fold);
        Ok(Self {
            path: path.into(),
            table,
            writing: Arc::default(),
        })
    }

    pub(super) fn table(&self) -> &Table {
        &self.table
    }

    /// Adds records and writes the file. Where that fails they are written with the next ones.
    ///
    /// # Cancel safety
    /// A write that has begun goes on when the future is dropped, and the next one waits for its end.
    pub(super) async fn append(
        &self,
        records: Vec<(Bytes, Option<Bytes>)>,
    ) -> Result<(), OffsetStoreError> {
        let turn = Arc::clone(&self.writing).lock_owned().await;
        let bytes = {
            let mut fold = self.table.lock();
            for (key, value) in records {
                fold.on_record(Some(key), value);
            }
            java_file::written(fold.entries())
        };
        let path = Arc::clone(&self.path);
        let write = move || {
            let written = match bytes {
                Some(bytes) => replace(&path, &bytes),
                None => Err(io::ErrorKind::FileTooLarge.into()),
            };
            drop(turn);
            written.map_err(|error| failed(&path, error))
        };
        let written = tokio::task::spawn_blocking(write).await;
        written.unwrap_or(Err(OffsetStoreError::Closed))
    }
}

fn failed(path: &Path, source: io::Error) -> OffsetStoreError {
    OffsetStoreError::File {
        path: path.to_owned(),
        source,
    }
}

fn read_bounded(path: &Path) -> io::Result<Bytes> {
    let file = File::open(path)?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > FILE_BYTES_MAX {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes.into())
}

/// Puts a new file in the place of an old one, with its permissions. Where no file may be made beside it, or it is none
/// that could be replaced, it is written in place.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A link stays, and what it leads to is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let known = fs::metadata(&path).ok();
    if known.as_ref().is_some_and(|known| !known.is_file()) {
        return fs::write(&path, bytes);
    }
    let beside = beside(&path);
    let mut file = match File::create(&beside) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && known.is_some() => {
            let mut file = File::create(&path)?;
            file.write_all(bytes)?;
            return file.sync_all();
        }
        Err(error) => return Err(error),
    };
    if let Some(known) = known {
        file.set_permissions(known.permissions())?;
    }
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&beside, &path)?;
    sync_folder_of(&path)
}

/// Makes the names in a file's folder durable, where the folder may be read.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    match File::open(folder.unwrap_or_else(|| Path::new("."))) {
        Ok(folder) => folder.sync_all(),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        Err(error) => Err(error),
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".new");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests;
