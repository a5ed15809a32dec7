//! What this machine offers to the tests: Kafka's jars, the compiled Java side, the worker's binary.

use std::env;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The Kafka version that is the oracle of every comparison.
pub const ORACLE: &str = "4.2.0";
/// The oldest broker line that is still tested.
pub const OLD_BROKER: &str = "3.9.1";

/// The root of the repository.
#[must_use]
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Where `make kafka` puts what it fetches and compiles: `FERROVIA_CACHE`, else `.cache`.
#[must_use]
pub fn cache() -> PathBuf {
    env::var_os("FERROVIA_CACHE").map_or_else(|| root().join(".cache"), PathBuf::from)
}

/// The class path of one Kafka version, with the compiled Java side of tests and measurements in front.
#[must_use]
pub fn class_path(version: &str) -> String {
    let cache = cache();
    format!(
        "{}:{}:{}/*",
        cache.join("java/tests/classes.jar").display(),
        cache.join("java/perf/classes.jar").display(),
        cache.join(format!("kafka-{version}/libs")).display()
    )
}

/// The classes of [`class_path`] of [`ORACLE`] as a JVM maps them, where `make kafka` has left them.
#[must_use]
pub fn class_archive() -> PathBuf {
    cache().join("java/archive/classes.jsa")
}

/// Whether tests against real Kafka can run here. Where they cannot, says so on the terminal, past the
/// test harness's capture, and the test returns early.
///
/// # Errors
/// With `CI=true` a missing Kafka is an error: no skip may pass for a success there.
pub fn has_kafka(version: &str) -> io::Result<bool> {
    if env::var_os("FERROVIA_WITHOUT_JAVA").is_some() {
        return announce("FERROVIA_WITHOUT_JAVA is set");
    }
    let cache = cache();
    let complete = [format!("kafka-{version}"), "java/tests".to_owned()]
        .iter()
        .all(|part| cache.join(part).join(".complete").exists());
    if complete {
        return Ok(true);
    }
    let missing = format!("Kafka {version} is not in {} (make kafka)", cache.display());
    if env::var("CI").is_ok_and(|ci| ci == "true") {
        return Err(io::Error::other(missing));
    }
    announce(&missing)
}

fn announce(reason: &str) -> io::Result<bool> {
    let name = std::thread::current().name().unwrap_or("a test").to_owned();
    writeln!(io::stderr(), "SKIPPED, NOT PASSED: {name}: {reason}")?;
    Ok(false)
}

/// The worker under test: `FERROVIA_BIN`, else the release build.
///
/// # Errors
/// When there is no such file.
pub fn ferrovia() -> io::Result<PathBuf> {
    let target =
        env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let path =
        env::var_os("FERROVIA_BIN").map_or_else(|| target.join("release/ferrovia"), PathBuf::from);
    if path.exists() {
        return Ok(path);
    }
    Err(io::Error::other(format!(
        "{} is missing (make release)",
        path.display()
    )))
}

/// How many records the large tests move: `FERROVIA_RECORDS`, else 200,000.
#[must_use]
pub fn records() -> u64 {
    number("FERROVIA_RECORDS", 200_000)
}

/// A number from the environment, or its default.
#[must_use]
pub fn number(name: &str, default: u64) -> u64 {
    env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}
