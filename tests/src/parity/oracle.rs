//! Java's answers: every case of a run through one JVM.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use super::Case;
use crate::{grounds, process, wait};

/// How long the JVM may take for a run.
const RUN_LIMIT: Duration = Duration::from_secs(300);

/// What Kafka Connect's classes make of each case, in order. Cases and answers are left in `folder`.
///
/// # Errors
/// Java did not answer every case.
pub fn answers(cases: &[Case], folder: &Path) -> io::Result<Vec<Value>> {
    let lines: Vec<String> = cases.iter().map(Case::to_line).collect();
    ask(&lines, folder)
}

/// The settings that each class knows, in order.
///
/// # Errors
/// Java did not answer for every class.
pub fn definitions(classes: &[String], folder: &Path) -> io::Result<Vec<Value>> {
    let question = |class| json!({"definitions": class}).to_string();
    let lines: Vec<String> = classes.iter().map(question).collect();
    ask(&lines, folder)
}

fn ask(questions: &[String], folder: &Path) -> io::Result<Vec<Value>> {
    fs::create_dir_all(folder)?;
    let [input, output, log] =
        ["cases.jsonl", "java.jsonl", "java.log"].map(|name| folder.join(name));
    fs::write(&input, questions.join("\n"))?;
    // Dates without a zone, and names of days and months, are those of the JVM's defaults.
    let settings = [
        "-Duser.timezone=UTC",
        "-Duser.language=en",
        "-Duser.country=US",
    ];
    let mut child = process::jvm(grounds::ORACLE, "512m")
        .args(settings)
        .arg("Parity")
        .stdin(Stdio::from(File::open(&input)?))
        .stdout(Stdio::from(File::create(&output)?))
        .stderr(Stdio::from(File::create(&log)?))
        .spawn()?;
    let ended = wait::until("the end of Java's part", RUN_LIMIT, || child.try_wait());
    if ended.is_err() {
        // It fails only when the child is gone already.
        let _ = child.kill();
    }
    let status = ended?;
    let answers = fs::read_to_string(&output)?;
    let answers: Vec<Value> = answers
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    if !status.success() || answers.len() != questions.len() {
        return Err(io::Error::other(format!(
            "java ended with {status} after {} of {} lines:\n{}",
            answers.len(),
            questions.len(),
            fs::read_to_string(&log)?
        )));
    }
    Ok(answers)
}
