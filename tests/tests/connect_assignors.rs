//! Leaders of Connect's groups beside Kafka Connect's own: the same thousands of rounds through both, every byte of
//! metadata and assignments compared, and damaged bytes read by both.
//!
//! `FERROVIA_PARITY_SEED` and `FERROVIA_PARITY_GROUPS` make another run. What is always run, without Java too, is recorded
//! in the worker's `tests/fixtures`.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::process;
use ferrovia_tests::wait;

#[cfg(test)]
#[path = "../../crates/ferrovia-worker/tests/recorded/replay.rs"]
mod replay;

use replay::Tally;

/// How many groups live, each for some ten rounds.
const GROUPS: u64 = 2_000;
/// How long the JVM may take for all of them.
const RUN_LIMIT: Duration = Duration::from_secs(300);

/// Lets Java's leaders lead, and gives the lines that it wrote. They are left in `folder`.
fn recorded(seed: u64, groups: u64, folder: &Path) -> io::Result<String> {
    fs::create_dir_all(folder)?;
    let [output, log] = ["java.jsonl", "java.log"].map(|name| folder.join(name));
    let mut child = process::jvm(ORACLE, "512m")
        .args(["Assignors", &seed.to_string(), &groups.to_string()])
        .stdout(Stdio::from(File::create(&output)?))
        .stderr(Stdio::from(File::create(&log)?))
        .spawn()?;
    let ended = wait::until("the end of Java's part", RUN_LIMIT, || child.try_wait());
    if ended.is_err() {
        // It fails only when the child is gone already.
        let _ = child.kill();
    }
    let status = ended?;
    if !status.success() {
        let log = fs::read_to_string(&log)?;
        return Err(io::Error::other(format!(
            "java ended with {status}:\n{log}"
        )));
    }
    fs::read_to_string(&output)
}

#[test]
fn leaders_decide_as_in_java() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let seed = grounds::number("FERROVIA_PARITY_SEED", 2);
    let groups = grounds::number("FERROVIA_PARITY_GROUPS", GROUPS);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("assignors");
    let lines = recorded(seed, groups, &folder)?;
    let mut tally = Tally::default();
    let mut differences = Vec::new();
    for (number, line) in lines.lines().enumerate() {
        let line = serde_json::from_str(line)?;
        if let Err(difference) = replay::replay(&line, &mut tally) {
            differences.push(format!("line {number}: {difference}"));
        }
    }
    println!("seed {seed}: {tally:?}");
    assert!(
        differences.is_empty(),
        "{} lines of seed {seed} differ, the first:\n{}",
        differences.len(),
        differences.first().map_or("", |first| first)
    );
    let groups = usize::try_from(groups).unwrap_or(usize::MAX);
    assert!(tally.rounds >= 3 * groups, "{tally:?}");
    assert_eq!(tally.read + tally.unread, 4 * groups, "{tally:?}");
    Ok(())
}
