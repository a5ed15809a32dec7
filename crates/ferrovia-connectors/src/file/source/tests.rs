//! Lines of files as they grow, where reading goes on, and what settings and offsets are refused.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use ferrovia_pipeline::source::OffsetReader;
use tempfile::TempDir;

use super::*;

/// One offset for whoever asks.
struct Stored(Option<Value<'static>>);

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stored")
    }
}

impl OffsetReader for Stored {
    fn offset(&self, partition: &Map<'_>) -> Result<Option<Map<'static>>, ConnectError> {
        assert!(partition.contains_key(FILENAME));
        Ok(self.0.clone().map(|position| {
            let mut offset = Map::new();
            offset.put(POSITION, position);
            offset
        }))
    }
}

/// A started task with its file.
struct Rig {
    task: FileStreamSourceTask,
    context: SourceContext,
}

/// What is seen of a record: its text and its position.
type Seen = (String, i64);

impl Rig {
    fn new(file: &Path, more: &[(&str, &str)], stored: Option<Value<'static>>) -> Self {
        let file = file.to_str().unwrap();
        let given = [(FILE, file), (TOPIC, "orders")];
        let settings = given
            .iter()
            .chain(more)
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let mut context = SourceContext::new(settings, Arc::new(Stored(stored)), false);
        let mut task = FileStreamSourceTask::default();
        task.start(&mut context).unwrap();
        Self { task, context }
    }

    fn poll(&mut self) -> Vec<Seen> {
        let records = self.task.poll(&mut self.context).unwrap();
        let seen = records.iter().map(|record| {
            assert_eq!(record.topic, "orders");
            assert_eq!(record.key, SchemaAndValue::NULL);
            let Value::String(text) = &record.value.value else {
                panic!("{:?}", record.value)
            };
            let Some(Value::Int64(position)) = record.source_offset.get(POSITION) else {
                panic!("{:?}", record.source_offset)
            };
            (text.clone().into_owned(), *position)
        });
        seen.collect()
    }

    fn waits(&mut self) -> bool {
        self.context.take_requests().wait.is_some()
    }
}

fn append(file: &Path, bytes: &[u8]) {
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)
        .unwrap();
    file.write_all(bytes).unwrap();
}

fn seen(lines: &[(&str, i64)]) -> Vec<Seen> {
    let lines = lines.iter();
    lines.map(|(text, at)| ((*text).to_owned(), *at)).collect()
}

#[test]
fn every_kind_of_line_end_is_one_and_what_has_none_waits() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("in");
    append(&file, b"a\nb\r\nc\rd\n\ne");
    let mut rig = Rig::new(&file, &[], None);
    assert_eq!(
        rig.poll(),
        seen(&[("a", 2), ("b", 5), ("c", 7), ("d", 9), ("", 10)])
    );
    assert!(!rig.waits());
    assert_eq!(rig.poll(), []);
    assert!(rig.waits());

    append(&file, b"f\r");
    assert_eq!(rig.poll(), []);
    append(&file, b"\ng\n");
    assert_eq!(rig.poll(), seen(&[("ef", 14), ("g", 16)]));
}

#[test]
fn positions_count_bytes_and_malformed_bytes_are_replaced() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("in");
    append(&file, "ü€\n".as_bytes());
    append(&file, b"x\xFFy\n");
    let mut rig = Rig::new(&file, &[], None);
    assert_eq!(rig.poll(), seen(&[("ü€", 6), ("x\u{FFFD}y", 10)]));
}

#[test]
fn batch_size_bounds_a_poll_and_the_rest_comes_without_more_bytes() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("in");
    append(&file, b"1\n2\n3\n4\n5\n");
    let mut rig = Rig::new(&file, &[(BATCH_SIZE, "2")], None);
    assert_eq!(rig.poll(), seen(&[("1", 2), ("2", 4)]));
    assert_eq!(rig.poll(), seen(&[("3", 6), ("4", 8)]));
    assert_eq!(rig.poll(), seen(&[("5", 10)]));
    let mut rig = Rig::new(&file, &[(BATCH_SIZE, "-1")], None);
    assert_eq!(rig.poll(), seen(&[("1", 2)]));
}

#[test]
fn reading_goes_on_at_the_stored_position() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("in");
    append(&file, b"one\ntwo\nthree\n");
    let mut rig = Rig::new(&file, &[], Some(Value::Int64(4)));
    assert_eq!(rig.poll(), seen(&[("two", 8), ("three", 14)]));
    let mut rig = Rig::new(&file, &[], Some(Value::Null));
    assert_eq!(rig.poll().len(), 3);
}

#[test]
fn file_that_is_missing_or_too_short_is_waited_for() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("in");
    let mut rig = Rig::new(&file, &[], Some(Value::Int64(4)));
    assert_eq!(rig.poll(), []);
    assert!(rig.waits());
    append(&file, b"on");
    assert_eq!(rig.poll(), []);
    assert!(rig.waits());
    append(&file, b"e\ntwo\n");
    assert_eq!(rig.poll(), seen(&[("two", 8)]));
}

#[test]
fn file_that_was_opened_is_read_on_when_it_has_disappeared() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("in");
    append(&file, b"one\ntwo\n");
    let mut rig = Rig::new(&file, &[(BATCH_SIZE, "1")], None);
    assert_eq!(rig.poll(), seen(&[("one", 4)]));
    fs::remove_file(&file).unwrap();
    assert_eq!(rig.poll(), seen(&[("two", 8)]));
    assert_eq!(rig.poll(), []);
    assert!(rig.waits());
}

#[test]
fn long_lines_come_whole() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("in");
    let long = "x".repeat(3 << 20);
    append(&file, format!("{long}\nshort\n").as_bytes());
    let mut rig = Rig::new(&file, &[], None);
    let lines = rig.poll();
    let lengths: Vec<(usize, i64)> = lines.iter().map(|(text, at)| (text.len(), *at)).collect();
    assert_eq!(lengths, [(3 << 20, (3 << 20) + 1), (5, (3 << 20) + 7)]);
}

#[test]
fn task_fails_with_the_cause_where_the_offset_or_the_file_is_unusable() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("in");
    append(&file, b"one\n");
    let mut rig = Rig::new(&file, &[], Some(Value::text("4")));
    let refused = rig.task.poll(&mut rig.context).unwrap_err();
    assert_eq!(refused.to_string(), "Offset position is the incorrect type");

    let mut rig = Rig::new(folder.path(), &[], None);
    let refused = rig.task.poll(&mut rig.context).unwrap_err();
    let text = format!("Couldn't read {}: Is a directory", folder.path().display());
    assert!(refused.to_string().starts_with(&text), "{refused}");
}

fn change(partition: &[&str], offset: Option<&[(&str, Value<'static>)]>) -> SourceOffsetChange {
    let mut keys = Map::new();
    for key in partition {
        keys.put((*key).to_owned(), Value::text("a"));
    }
    SourceOffsetChange {
        partition: keys,
        offset: offset.map(|entries| {
            let mut offset = Map::new();
            for (key, value) in entries {
                offset.put((*key).to_owned(), value.clone());
            }
            offset
        }),
    }
}

#[test]
fn offsets_are_checked_before_they_are_altered() {
    let with_file = BTreeMap::from([FILE, TOPIC].map(|key| (key.to_owned(), "x".to_owned())));
    let without = BTreeMap::from([(TOPIC.to_owned(), "x".to_owned())]);
    let mut connector = FileStreamSourceConnector::default();
    let fine = [
        change(&["anything"], None),
        change(&[FILENAME], Some(&[(POSITION, Value::Int64(0))])),
    ];
    assert!(connector.alter_offsets(&with_file, &fine).unwrap());
    let refused = [
        (
            change(&[FILENAME], Some(&[])),
            "Offset objects should either be null or contain the key 'position'",
        ),
        (
            change(&[FILENAME], Some(&[(POSITION, Value::text("1"))])),
            "The value for the 'position' key in the offset is expected to be a Long value",
        ),
        (
            change(&[FILENAME], Some(&[(POSITION, Value::Int64(-1))])),
            "The value for the 'position' key in the offset should be a non-negative value",
        ),
        (
            change(&["other"], Some(&[(POSITION, Value::Int64(1))])),
            "Partition objects should contain the key 'filename'",
        ),
    ];
    for (change, text) in refused {
        let error = connector.alter_offsets(&with_file, &[change]).unwrap_err();
        assert_eq!(error.to_string(), text);
    }
    let error = connector.alter_offsets(&without, &fine).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("Offsets cannot be modified if the 'file' configuration is unspecified.")
    );
}

#[test]
fn only_files_can_be_read_exactly_once() {
    let connector = FileStreamSourceConnector::default();
    let of = |file: &str| {
        let settings = [(FILE, file), (TOPIC, "x")];
        let settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned()));
        connector.exactly_once_support(&settings.into())
    };
    assert_eq!(of("a"), Some(ExactlyOnceSupport::Supported));
    assert_eq!(of(""), Some(ExactlyOnceSupport::Unsupported));
}
