//! Groups that come and go, as Java's leaders answered them: `fixtures/assignors.jsonl.gz` is what
//! `tests/java/Assignors.java` prints for seed 1 and 300 groups. Fresh groups are compared by `connect_assignors` in the
//! test grounds, where Java is.

use std::io::Read;

use flate2::read::GzDecoder;

#[cfg(test)]
#[path = "recorded/replay.rs"]
mod replay;

use replay::Tally;

#[test]
fn membership_is_decided_as_recorded_from_java() {
    let packed = include_bytes!("fixtures/assignors.jsonl.gz");
    let mut lines = String::new();
    GzDecoder::new(packed.as_slice())
        .read_to_string(&mut lines)
        .unwrap();
    let mut tally = Tally::default();
    for (number, line) in lines.lines().enumerate() {
        let line = serde_json::from_str(line).unwrap();
        if let Err(difference) = replay::replay(&line, &mut tally) {
            panic!("line {number}: {difference}");
        }
    }
    // A recording that lost its variety would prove nothing.
    let found = [
        (tally.rounds, 2000),
        (tally.mismatches, 10),
        (tally.delays, 150),
        (tally.revocations, 200),
        (tally.candidates, 80),
        (tally.read, 200),
        (tally.unread, 200),
    ];
    assert!(found.iter().all(|(some, least)| some >= least), "{tally:?}");
}
