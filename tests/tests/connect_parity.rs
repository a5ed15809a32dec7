//! Converters, headers, transformations and predicates beside Kafka Connect's own classes: the same thousands of records
//! through both, every byte and every message compared.
//!
//! `FERROVIA_PARITY_SEED` and `FERROVIA_PARITY_CASES` make another run. A case that once differed belongs into
//! `fixtures/parity_cases.jsonl`, which is always run first.

use std::fs;
use std::io;
use std::path::Path;

use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::parity::coverage::Coverage;
use ferrovia_tests::parity::seed::Random;
use ferrovia_tests::parity::{Case, generate, oracle};

/// How many cases are generated.
const CASES: u64 = 6_000;

fn known_cases() -> io::Result<Vec<Case>> {
    let path = grounds::root().join("tests/fixtures/parity_cases.jsonl");
    fs::read_to_string(path)?
        .lines()
        .map(Case::from_line)
        .collect()
}

#[test]
fn records_fare_as_in_java() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let seed = grounds::number("FERROVIA_PARITY_SEED", 1);
    let count = usize::try_from(grounds::number("FERROVIA_PARITY_CASES", CASES)).unwrap();
    let mut random = Random::new(seed);
    let mut cases = known_cases()?;
    cases.extend((0..count).map(|number| generate::case(&mut random, number)));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("parity");
    fs::create_dir_all(&folder)?;
    let answers = oracle::answers(&cases, &folder)?;
    let mut coverage = Coverage::default();
    for (case, java) in cases.iter().zip(&answers) {
        coverage.add(case, java);
    }
    println!("{}", coverage.table());
    Ok(())
}
