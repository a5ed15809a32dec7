//! The bytes beside those of Java's classes, and what becomes of damaged ones.

use proptest::prelude::*;

use super::*;
use crate::status::TaskId;

const URL_HEX: &str = "000e687474703a2f2f683a383038332f";

fn assignment(version: i16) -> Assignment {
    Assignment {
        version,
        error: Assignment::NO_ERROR,
        leader: "m1".into(),
        leader_url: "http://h:8083/".into(),
        config_offset: 5,
        connectors: vec!["c1".into()],
        tasks: vec![TaskId::new("c1", 0), TaskId::new("c2", 1)],
        revoked_connectors: Vec::new(),
        revoked_tasks: vec![TaskId::new("c3", 0)],
        delay_ms: 1000,
    }
}

fn unhex(digits: &str) -> Vec<u8> {
    let digits: String = digits.split_whitespace().collect();
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}

fn assignment_bytes(protocol: ConnectProtocol) -> Vec<u8> {
    let version = protocol.version();
    let assigned =
        "0000000000000005 00000002 00026331 00000002 ffffffff 00000000 00026332 00000001 00000001";
    let revoked = match protocol {
        ConnectProtocol::Eager => "",
        _ => "00000001 00026333 00000001 00000000 000003e8",
    };
    unhex(&format!(
        "{version:04x} 0000 00026d31 {URL_HEX} {assigned} {revoked}"
    ))
}

#[test]
fn assignments_have_the_bytes_of_java() {
    for protocol in ConnectProtocol::Sessioned.offered() {
        let mut known = assignment(protocol.version());
        let bytes = known.to_bytes(*protocol).unwrap();
        assert_eq!(bytes, assignment_bytes(*protocol), "{protocol}");
        if *protocol == ConnectProtocol::Eager {
            known.revoked_tasks.clear();
            known.delay_ms = 0;
        }
        assert_eq!(Assignment::from_bytes(&bytes), Ok(known), "{protocol}");
    }
}

#[test]
fn metadata_has_the_bytes_of_java() {
    let state = |assignment| WorkerState {
        url: "http://h:8083/".into(),
        config_offset: 5,
        assignment,
    };
    let start = format!("{URL_HEX} 0000000000000005");
    let blob = assignment_bytes(ConnectProtocol::Sessioned);
    assert_eq!(blob.len(), 0x54);
    let with = [unhex(&format!("0002 {start} 00000054")), blob].concat();
    let cases = [
        (
            ConnectProtocol::Eager,
            None,
            unhex(&format!("0000 {start}")),
        ),
        (
            ConnectProtocol::Compatible,
            None,
            unhex(&format!("0001 {start} ffffffff")),
        ),
        (
            ConnectProtocol::Sessioned,
            None,
            unhex(&format!("0002 {start} ffffffff")),
        ),
        (ConnectProtocol::Sessioned, Some(assignment(2)), with),
    ];
    for (protocol, held, bytes) in cases {
        let state = state(held);
        assert_eq!(state.to_bytes(protocol).unwrap(), bytes);
        assert_eq!(WorkerState::from_bytes(&bytes), Ok(state));
    }
    let held = state(Some(assignment(2)));
    assert_eq!(
        held.to_bytes(ConnectProtocol::Eager).unwrap(),
        unhex(&format!("0000 {start}")),
        "version 0 does not say what a worker holds"
    );
}

#[test]
fn worker_offers_the_wanted_protocol_and_all_older_ones() {
    let offered = |setting: &str| {
        let protocol: ConnectProtocol = setting.parse().unwrap();
        let state = WorkerState {
            url: "u".into(),
            config_offset: -1,
            assignment: None,
        };
        let metadata = protocol.metadata(&state).unwrap().into_iter();
        let versions = metadata.map(|(name, bytes)| (name, bytes[1]));
        versions.collect::<Vec<_>>()
    };
    assert_eq!(offered("eager"), [("default", 0)]);
    assert_eq!(offered("COMPATIBLE"), [("compatible", 1), ("default", 0)]);
    assert_eq!(
        offered("sessioned"),
        [("sessioned", 2), ("compatible", 1), ("default", 0)]
    );
    assert_eq!(
        ConnectProtocol::from_name("Sessioned"),
        Some(ConnectProtocol::Sessioned)
    );
    assert_eq!(
        ConnectProtocol::from_name("eager"),
        None,
        "that is the setting's name"
    );
    assert_eq!(
        "cooperative"
            .parse::<ConnectProtocol>()
            .unwrap_err()
            .to_string(),
        "unknown Connect protocol compatibility mode: cooperative"
    );
}

#[test]
fn bytes_that_end_early_are_completed_where_java_does() {
    let whole = assignment_bytes(ConnectProtocol::Sessioned);
    let fixed = 2 + 2 + 4 + 16 + 8;
    let assigned = whole.len() - 4 - 16;
    let revoked = whole.len() - 4;
    for length in 0..whole.len() {
        let read = Assignment::from_bytes(&whole[..length]);
        let complete = [fixed, assigned, revoked].contains(&length);
        assert_eq!(read.is_ok(), complete, "{length}");
        let Ok(read) = read else { continue };
        assert_eq!(read.connectors.is_empty(), length < assigned);
        assert_eq!(read.revoked_tasks.is_empty(), length < revoked);
        assert_eq!(read.delay_ms, 0);
    }
    let longer = [whole.as_slice(), &[7; 9]].concat();
    assert_eq!(Assignment::from_bytes(&longer), Ok(assignment(2)));
}

#[test]
fn lengths_are_held_against_the_bytes_that_are_left() {
    let start = format!("0002 0000 00026d31 {URL_HEX} 0000000000000005");
    let read = |rest: &str| Assignment::from_bytes(&unhex(&format!("{start} {rest}")));
    assert!(read("ffffffff ffffffff").is_ok(), "lists may be null");
    assert!(read("80000000").is_ok(), "any negative length is null");
    let short = MalformedBytes::Short {
        field: "assignment",
        needed: 0x7fff_ffff,
        left: 0,
    };
    assert_eq!(read("7fffffff").unwrap_err(), short);
    assert_eq!(
        read("00000001 00026331 ffffffff").unwrap_err(),
        MalformedBytes::NegativeLength {
            field: "tasks",
            length: -1
        }
    );
    let task = read("00000001 00026331 00000001 fffffffe").unwrap_err();
    assert_eq!(task.to_string(), "c1 has no task -2");
    assert_eq!(
        WorkerState::from_bytes(&[0xff, 0xff]),
        Err(MalformedBytes::Version(-1))
    );
    assert_eq!(
        WorkerState::from_bytes(&unhex("0002 ffff"))
            .unwrap_err()
            .to_string(),
        "url has the length -1"
    );
}

#[test]
fn worker_says_nothing_that_does_not_fit() {
    let mut long = assignment(2);
    long.leader = "x".repeat(32768).into();
    let error = long.to_bytes(ConnectProtocol::Sessioned).unwrap_err();
    assert_eq!(
        error.to_string(),
        "leader is 32768 bytes long, more than 32767"
    );
    let mut far = assignment(2);
    far.tasks.push(TaskId::new("c", 1 << 31));
    let error = far.to_bytes(ConnectProtocol::Eager).unwrap_err();
    assert_eq!(error, Unwritable::Task(1 << 31));
}

#[test]
fn worker_keeps_what_is_not_revoked() {
    let before = Assignment {
        connectors: vec!["c3".into(), "c4".into()],
        tasks: vec![TaskId::new("c3", 0), TaskId::new("c3", 1)],
        ..assignment(2)
    };
    let mut told = assignment(2);
    told.revoked_connectors.push("c4".into());
    let after = told.after(&before);
    assert_eq!(after.connectors, ["c1".into(), "c3".into()]);
    let tasks: Vec<String> = after.tasks.iter().map(TaskId::to_string).collect();
    assert_eq!(tasks, ["c1-0", "c2-1", "c3-1"]);
}

proptest! {
    #[test]
    fn damaged_bytes_are_read_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        length in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let state = WorkerState {
            url: "http://h:8083/".into(),
            config_offset: 5,
            assignment: Some(assignment(2)),
        };
        let mut bytes = state.to_bytes(ConnectProtocol::Sessioned).unwrap().to_vec();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if cut {
            bytes.truncate(length.index(bytes.len()));
        }
        if let Ok(read) = WorkerState::from_bytes(&bytes) {
            let again = read.to_bytes(ConnectProtocol::Sessioned).unwrap();
            prop_assert!(WorkerState::from_bytes(&again).is_ok());
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = WorkerState::from_bytes(&bytes);
        let _ = Assignment::from_bytes(&bytes);
    }
}
