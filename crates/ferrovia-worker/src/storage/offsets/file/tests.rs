//! Facts about the file, on a real file system.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::Duration;

use super::*;

fn record(key: &str, value: Option<&str>) -> (Bytes, Option<Bytes>) {
    let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    (bytes(key), value.map(bytes))
}

fn values(file: &OffsetFile) -> Vec<(Bytes, Bytes)> {
    let fold = file.table().lock();
    let entries = fold.entries();
    entries
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

const A: &str = "[\"c\",{\"f\":\"a\"}]";
const B: &str = "[\"c\",{\"f\":\"b\"}]";

#[tokio::test]
async fn what_was_stored_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("offsets");
    let file = OffsetFile::open(&path).unwrap();
    assert!(values(&file).is_empty());
    file.append(vec![
        record(A, Some("{\"p\":1}")),
        record(B, Some("{\"p\":2}")),
    ])
    .await
    .unwrap();
    file.append(vec![record(A, None)]).await.unwrap();
    let again = OffsetFile::open(&path).unwrap();
    let expected: Vec<_> = record(B, Some("{\"p\":2}"))
        .1
        .map(|value| (record(B, None).0, value))
        .into_iter()
        .collect();
    assert_eq!(values(&again), expected);
    // Nothing else is left in the folder.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_link_and_permissions_stay() {
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("offsets"), folder.path().join("link"));
    fs::write(&path, b"").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    symlink(&path, &link).unwrap();
    let file = OffsetFile::open(&link).unwrap();
    file.append(vec![record(A, Some("{}"))]).await.unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(values(&OffsetFile::open(&path).unwrap()).len(), 1);
}

#[tokio::test]
async fn a_folder_that_is_missing_is_told_when_offsets_are_stored() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing/offsets");
    let file = OffsetFile::open(&path).unwrap();
    let refused = file.append(vec![record(A, Some("{}"))]).await.unwrap_err();
    let OffsetStoreError::File { source, .. } = refused else {
        panic!("{refused}")
    };
    assert_eq!(source.kind(), io::ErrorKind::NotFound);
    // It is written with the next ones.
    fs::create_dir(folder.path().join("missing")).unwrap();
    file.append(vec![record(B, Some("{}"))]).await.unwrap();
    assert_eq!(values(&OffsetFile::open(&path).unwrap()).len(), 2);
}

#[test]
fn a_file_that_was_cut_off_is_empty_and_another_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("offsets");
    fs::write(&path, [0xac, 0xed, 0]).unwrap();
    assert!(values(&OffsetFile::open(&path).unwrap()).is_empty());
    fs::write(&path, "hello world").unwrap();
    let refused = OffsetFile::open(&path).unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!(
            "{}: java.io.StreamCorruptedException: invalid stream header: 68656C6C",
            path.display()
        )
    );
    assert!(matches!(
        OffsetFile::open(folder.path()),
        Err(OffsetStoreError::File { .. })
    ));
}

#[tokio::test]
async fn what_is_no_offset_stays_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("offsets");
    let odd = (Bytes::from_static(b"odd"), Bytes::from_static(b"\xff"));
    let bytes = java_file::written([(&odd.0, &odd.1)].into_iter()).unwrap();
    fs::write(&path, bytes).unwrap();
    let file = OffsetFile::open(&path).unwrap();
    file.append(vec![record(A, Some("{}"))]).await.unwrap();
    assert!(values(&OffsetFile::open(&path).unwrap()).contains(&odd));
}

/// Goal: whoever gives a write up does not let the next one into the same file. A pipe that nobody reads holds the write.
#[tokio::test]
async fn write_that_was_given_up_keeps_its_turn_until_it_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("offsets");
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.unwrap().success());
    let file = OffsetFile {
        path: path.as_path().into(),
        table: Table::default(),
        writing: Default::default(),
    };
    let write = file.append(vec![record(A, Some("{}"))]);
    let in_time = tokio::time::timeout(Duration::from_millis(10), write).await;
    assert!(in_time.is_err(), "nobody reads");
    let is_held = file.writing.try_lock().is_err();
    let reading = tokio::task::spawn_blocking(move || fs::read(path));
    assert!(!reading.await.unwrap().unwrap().is_empty());
    assert!(is_held);
    let _turn = file.writing.lock().await;
}
