//! A standalone worker's file of offsets: written by ours, read and written by Kafka Connect's own, read by ours.

use std::io;
use std::path::Path;
use std::process::Command;

use ferrovia_pipeline::data::{Map, Value};
use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_worker::storage::offsets::OffsetStore;

/// More than a table of Java's begins with, so that it has grown.
const FILES: u32 = 40;
const CONNECTOR: &str = "c";
/// What Java adds to each position.
const ADDED: i64 = 1_000_000_000_000;

fn map(key: &'static str, value: Value<'static>) -> Map<'static> {
    let mut map = Map::new();
    map.insert(Value::String(key.into()), value);
    map
}

fn name(number: u32) -> String {
    format!("/tmp/{number} lines.txt")
}

fn partition(number: u32) -> Map<'static> {
    map("filename", Value::String(name(number).into()))
}

/// The positions of all files, as ours has them.
async fn positions(path: &Path) -> Result<Vec<Option<i64>>, String> {
    let store = OffsetStore::file(path).map_err(|error| error.to_string())?;
    let reader = store
        .read(CONNECTOR)
        .await
        .map_err(|error| error.to_string())?;
    let position = |number| {
        let offset = reader
            .offset(&partition(number))
            .map_err(|error| error.to_string())?;
        Ok(offset.and_then(|offset| match offset.get("position") {
            Some(Value::Int64(position)) => Some(*position),
            _ => None,
        }))
    };
    (0..FILES).map(position).collect()
}

async fn written_by_ours(path: &Path) -> Result<(), String> {
    let store = OffsetStore::file(path).map_err(|error| error.to_string())?;
    let offsets = (0..FILES).map(|number| {
        let position = map("position", Value::Int64(i64::from(number)));
        (partition(number), Some(position))
    });
    let written = store.write(CONNECTOR, offsets.collect()).await;
    written.map_err(|error| error.to_string())?;
    let forgotten = vec![(partition(7), None)];
    store
        .write(CONNECTOR, forgotten)
        .await
        .map_err(|error| error.to_string())
}

fn java(path: &Path) -> io::Result<String> {
    let mut command = Command::new("java");
    command
        .arg("-cp")
        .arg(grounds::class_path(ORACLE))
        .arg("Offsets");
    command.arg(path).args([CONNECTOR, &ADDED.to_string()]);
    let output = command.args((0..FILES).map(name)).output()?;
    if !output.status.success() {
        let log = String::from_utf8_lossy(&output.stderr);
        return Err(io::Error::other(format!(
            "java ended with {}:\n{log}",
            output.status
        )));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[tokio::test]
async fn offsets_go_from_ours_to_javas_and_back() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("offsets");
    written_by_ours(&path).await.map_err(io::Error::other)?;
    let mut expected: Vec<String> = (0..FILES)
        .map(|number| match number {
            7 => format!("{}=null", name(number)),
            _ => format!("{}={{position={number}}}", name(number)),
        })
        .collect();
    expected.sort();
    assert_eq!(java(&path)?, format!("{{{}}}", expected.join(", ")));
    let moved = (0..FILES).map(|number| (number != 7).then(|| i64::from(number) + ADDED));
    let found = positions(&path).await.map_err(io::Error::other)?;
    assert_eq!(found, moved.collect::<Vec<_>>());
    Ok(())
}
