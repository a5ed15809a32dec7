//! What ends up in the file.

use std::path::Path;

use ferrovia_pipeline::convert::Converter;

use super::*;
use crate::testing::{TEXT, context, damaged, put_of, sealed};

fn started(file: &Path) -> (FileStreamSinkTask, SinkContext) {
    let mut context = context(&[("file", file.to_str().unwrap())]);
    let mut task = FileStreamSinkTask::default();
    task.start(&mut context).unwrap();
    (task, context)
}

fn lines_of(value: Converter, values: &[Option<&[u8]>]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out");
    let (mut task, mut context) = started(&file);
    task.put(&mut put_of(sealed(values), value), &mut context)
        .unwrap();
    std::fs::read(file).unwrap()
}

#[test]
fn each_value_is_a_line_as_soon_as_put_returns() {
    assert_eq!(
        lines_of(TEXT, &[Some(b"one"), Some(b""), Some(b"two")]),
        b"one\n\ntwo\n"
    );
}

#[test]
fn null_value_is_the_word_null_as_in_java() {
    assert_eq!(lines_of(TEXT, &[None]), b"null\n");
}

#[test]
fn malformed_text_is_replaced_but_bytes_are_kept() {
    assert_eq!(lines_of(TEXT, &[Some(b"a\xff")]), "a\u{fffd}\n".as_bytes());
    assert_eq!(
        lines_of(Converter::ByteArray, &[Some(b"a\xff")]),
        b"a\xff\n"
    );
}

#[test]
fn values_beyond_the_buffer_keep_their_order() {
    let large = vec![b'x'; BUFFER_BYTES + 1];
    let written = lines_of(TEXT, &[Some(b"first"), Some(&large), Some(b"last")]);
    assert_eq!(written.len(), large.len() + b"first\n\nlast\n".len());
    assert!(written.starts_with(b"first\nxxx") && written.ends_with(b"x\nlast\n"));
}

#[test]
fn file_is_appended_to() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out");
    std::fs::write(&file, "before\n").unwrap();
    let (mut task, mut context) = started(&file);
    task.put(&mut put_of(sealed(&[Some(b"after")]), TEXT), &mut context)
        .unwrap();
    task.stop().unwrap();
    assert_eq!(std::fs::read(file).unwrap(), b"before\nafter\n");
}

#[test]
fn file_that_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut context = context(&[("file", folder.path().to_str().unwrap())]);
    let error = FileStreamSinkTask::default()
        .start(&mut context)
        .unwrap_err();
    let expected = format!(
        "Couldn't find or create file '{}' for FileStreamSinkTask",
        folder.path().display()
    );
    assert_eq!(error.to_string(), expected);
    assert!(
        error.trace().contains("Caused by: Is a directory"),
        "{}",
        error.trace()
    );
}

#[test]
fn damaged_batch_is_an_error_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out");
    let (mut task, mut context) = started(&file);
    let mut batch = put_of(damaged(&sealed(&[Some(b"one")])), TEXT);
    let error = task.put(&mut batch, &mut context).unwrap_err();
    assert!(
        error.to_string().contains("partition t-0 at offset 0"),
        "{error}"
    );
    assert!(batch.is_spoiled());
    assert_eq!(std::fs::read(file).unwrap(), b"");
}

#[test]
fn every_task_gets_the_connectors_settings() {
    let settings = BTreeMap::from([("file".to_owned(), "f".to_owned())]);
    let mut connector = FileStreamSinkConnector::default();
    connector.start(&settings).unwrap();
    assert_eq!(
        connector.task_configs(2).unwrap(),
        [settings.clone(), settings]
    );
}

#[test]
fn offsets_of_the_group_are_the_only_ones() {
    let mut connector = FileStreamSinkConnector::default();
    let forgotten = BTreeMap::from([(("t".to_owned(), 0), None)]);
    assert!(
        connector
            .alter_offsets(&BTreeMap::new(), &forgotten)
            .unwrap()
    );
}
