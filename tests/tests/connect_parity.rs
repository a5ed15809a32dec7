//! Converters, headers, transformations and predicates beside Kafka Connect's own classes: the same thousands of records
//! through both, every byte and every message compared. What may differ is said in `parity::verdict`.
//!
//! `FERROVIA_PARITY_SEED` and `FERROVIA_PARITY_CASES` make another run. A case that once differed belongs into
//! `fixtures/parity_cases.jsonl`, which is always run first.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ferrovia_pipeline::{predicate, transform};
use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::parity::coverage::Coverage;
use ferrovia_tests::parity::native::{self, Pipeline};
use ferrovia_tests::parity::seed::Random;
use ferrovia_tests::parity::verdict::{self, Report};
use ferrovia_tests::parity::{Case, generate, oracle};
use serde_json::Value;

/// How many cases are generated.
const CASES: u64 = 6_000;
/// How often every class and every option of a transformation or predicate is met at least.
const MET: usize = 20;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("parity")
        .join(name)
}

fn known_cases() -> io::Result<Vec<Case>> {
    let path = grounds::root().join("tests/fixtures/parity_cases.jsonl");
    let cases = fs::read_to_string(path)?;
    cases.lines().map(Case::from_line).collect()
}

fn generated_cases(seed: u64, count: usize) -> Vec<Case> {
    let mut random = Random::new(seed);
    (0..count)
        .map(|number| generate::case(&mut random, number))
        .collect()
}

/// Every transformation and predicate with its options.
fn transformations() -> Vec<(String, Vec<String>)> {
    let transformations = transform::PLUGINS
        .iter()
        .map(|plugin| (plugin.class, (plugin.config)()));
    let predicates = predicate::PLUGINS
        .iter()
        .map(|plugin| (plugin.class, (plugin.config)()));
    let classes = transformations.chain(predicates);
    classes
        .map(|(class, definition)| {
            let options = definition.keys().map(|key| key.name().to_owned());
            (class.to_owned(), options.collect())
        })
        .collect()
}

#[test]
fn records_fare_as_in_java() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let seed = grounds::number("FERROVIA_PARITY_SEED", 1);
    let count = usize::try_from(grounds::number("FERROVIA_PARITY_CASES", CASES)).unwrap();
    let mut cases = known_cases()?;
    cases.extend(generated_cases(seed, count));
    let folder = folder("records");
    let answers = oracle::answers(&cases, &folder)?;
    let pipeline = Pipeline::new().unwrap();
    let mut coverage = Coverage::default();
    let mut report = Report::default();
    for (case, java) in cases.iter().zip(&answers) {
        coverage.add(case, java);
        report.add(case, java, &pipeline.answer(case));
    }
    fs::write(folder.join("coverage.txt"), coverage.table())?;
    fs::write(folder.join("differences.txt"), report.text())?;
    println!("seed {seed}\n{}", coverage.table());
    assert!(
        report.cases() == 0,
        "{} of {} cases of seed {seed} differ:\n{}",
        report.cases(),
        cases.len(),
        report.text()
    );
    Ok(())
}

#[test]
fn every_class_and_option_is_met_often() {
    let mut coverage = Coverage::default();
    for case in generated_cases(1, usize::try_from(CASES).unwrap()) {
        coverage.add(&case, &Value::Null);
    }
    for (class, options) in transformations() {
        assert!(coverage.cases(&class) >= MET, "{class}");
        for option in options {
            let name = format!("{class} {option}");
            assert!(coverage.cases(&name) >= MET, "{name}");
        }
    }
    for class in generate::CONVERTERS {
        assert!(coverage.cases(class) >= MET, "{class}");
    }
}

#[test]
fn settings_are_defined_as_in_java() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let converters = generate::CONVERTERS.iter().map(|class| (*class).to_owned());
    let transformations = transformations().into_iter().map(|(class, _)| class);
    let classes: Vec<String> = converters.chain(transformations).collect();
    let answers = oracle::definitions(&classes, &folder("definitions"))?;
    let mut wrong = Vec::new();
    for (class, java) in classes.iter().zip(&answers) {
        let ours = native::definitions(class).unwrap_or_default();
        let found = verdict::differences(java, &ours);
        wrong.extend(found.into_iter().map(|found| format!("{class}: {found:?}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}
