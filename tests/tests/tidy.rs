//! The repository keeps its own rules: short files with a purpose, one direction of dependencies, plain names,
//! nothing that only makes sense on one machine.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ferrovia_tests::grounds::root;

/// The longest Rust file, in lines.
const LINES_MAX: usize = 500;
/// Folders that are made, not written.
const MADE: [&str; 5] = ["target", ".git", ".cache", "demo-out", "out"];
/// Words that say nothing about what a file holds.
const EMPTY_WORDS: [&str; 6] = ["util", "utils", "helper", "manager", "common", "misc"];
/// Which of our crates each crate may use; the binary may use all.
const ARROWS: [(&str, &[&str]); 7] = [
    ("ferrovia-client", &[]),
    ("ferrovia-pipeline", &[]),
    ("ferrovia-connectors", &["ferrovia-pipeline"]),
    ("ferrovia-mirror", &["ferrovia-client", "ferrovia-pipeline"]),
    ("ferrovia-worker", &["ferrovia-client", "ferrovia-pipeline"]),
    ("ferrovia-broker", &[]),
    (
        "ferrovia",
        &[
            "ferrovia-broker",
            "ferrovia-client",
            "ferrovia-connectors",
            "ferrovia-mirror",
            "ferrovia-pipeline",
            "ferrovia-worker",
        ],
    ),
];

/// Every written file below `folder`.
fn files(folder: &Path, into: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            if !MADE.contains(&name.as_str()) {
                files(&path, into)?;
            }
        } else {
            into.push(path);
        }
    }
    Ok(())
}

fn all_files() -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    files(&root(), &mut found)?;
    found.sort();
    assert!(found.len() > 20, "the walk found the repository");
    Ok(found)
}

fn rust_files() -> io::Result<Vec<(PathBuf, String)>> {
    let rust = all_files()?
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "rs"));
    rust.map(|path| fs::read_to_string(&path).map(|text| (path, text)))
        .collect()
}

/// Fails with the list of offenders; an empty list passes.
fn check(rule: &str, offenders: &[String]) {
    assert!(
        offenders.is_empty(),
        "{rule}:\n  {}",
        offenders.join("\n  ")
    );
}

#[test]
fn rust_files_are_short_and_say_what_they_are() -> io::Result<()> {
    let mut offenders = Vec::new();
    for (path, text) in rust_files()? {
        let lines = text.lines().count();
        if lines > LINES_MAX {
            offenders.push(format!("{}: {lines} lines", path.display()));
        }
        if !text.starts_with("//!") {
            offenders.push(format!("{}: no //! at the top", path.display()));
        }
        if path.ends_with("mod.rs") {
            offenders.push(format!("{}: foo.rs beside foo/, no mod.rs", path.display()));
        }
    }
    check("files have at most 500 lines and open with //!", &offenders);
    Ok(())
}

#[test]
fn names_say_something() -> io::Result<()> {
    let mut offenders = Vec::new();
    for (path, text) in rust_files()? {
        let stem = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let modules = text.lines().filter_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let at = words.iter().position(|word| *word == "mod")?;
            let declares = at == 0 || words.first().is_some_and(|word| word.starts_with("pub"));
            words
                .get(at + 1)
                .filter(|_| declares)
                .map(|name| name.trim_end_matches([';', '{']).to_owned())
        });
        for name in modules.chain([stem]) {
            if name.split('_').any(|word| EMPTY_WORDS.contains(&word)) {
                offenders.push(format!("{}: {name}", path.display()));
            }
        }
    }
    check("no file or module has an empty name", &offenders);
    Ok(())
}

/// The names in the tables of a Cargo.toml whose header passes `wanted`.
fn dependencies(manifest: &str, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let mut table = String::new();
    let mut names = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            header.trim_end_matches(']').clone_into(&mut table);
        } else if wanted(&table) && !line.starts_with('#') {
            let name = line.split(['=', '.', ' ']).next().unwrap_or_default();
            if !name.is_empty() {
                names.push(name.trim_matches('"').to_owned());
            }
        }
    }
    names
}

/// Dependencies that end up in the product, those of one platform or of the build included.
fn product_dependencies(name: &str) -> io::Result<Vec<String>> {
    let manifest = fs::read_to_string(root().join("crates").join(name).join("Cargo.toml"))?;
    Ok(dependencies(&manifest, |table| {
        table.ends_with("dependencies") && !table.ends_with("dev-dependencies")
    }))
}

#[test]
fn crates_depend_in_one_direction() -> io::Result<()> {
    let arrows: BTreeMap<_, _> = ARROWS.into_iter().collect();
    let mut offenders = Vec::new();
    for entry in fs::read_dir(root().join("crates"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let Some(allowed) = arrows.get(name.as_str()) else {
            offenders.push(format!("{name} is not listed in this test"));
            continue;
        };
        for used in product_dependencies(&name)? {
            if used.starts_with("ferrovia") && !allowed.contains(&used.as_str()) {
                offenders.push(format!("{name} -> {used}"));
            }
        }
    }
    check("crates use only what the design allows", &offenders);
    Ok(())
}

#[test]
fn pipeline_has_no_runtime_and_no_sockets() -> io::Result<()> {
    let runtimes = ["tokio", "mio", "socket2", "axum", "hyper"];
    let used = product_dependencies("ferrovia-pipeline")?;
    let offenders: Vec<String> = used
        .into_iter()
        .filter(|name| runtimes.contains(&name.as_str()))
        .collect();
    check("records are handled without IO", &offenders);
    Ok(())
}

#[test]
fn worker_names_no_connector() -> io::Result<()> {
    let source = root().join("crates/ferrovia-worker/src");
    let connectors = ferrovia_connectors::plugins();
    let names: Vec<&str> = connectors
        .iter()
        .filter_map(|plugin| plugin.class.rsplit('.').next())
        .map(|class| class.strip_suffix("Connector").unwrap_or(class))
        .collect();
    assert!(names.len() > 3, "{names:?}");
    let mut offenders = Vec::new();
    for (path, text) in rust_files()? {
        // Golden answers of the REST interface may quote class names: tests are not the product.
        let product = text.split("#[cfg(test)]").next().unwrap_or_default();
        let is_test = path.components().any(|part| {
            ["tests", "testing"]
                .iter()
                .any(|name| part.as_os_str() == *name)
        }) || ["tests.rs", "testing.rs"]
            .iter()
            .any(|name| path.ends_with(name));
        let named = names.iter().find(|name| product.contains(**name));
        if let (true, false, Some(name)) = (path.starts_with(&source), is_test, named) {
            offenders.push(format!("{}: {name}", path.display()));
        }
    }
    check(
        "the worker knows connectors only through the registry",
        &offenders,
    );
    Ok(())
}

#[test]
fn nothing_is_left_for_later() -> io::Result<()> {
    // Written in halves, so that this file does not find itself.
    let marks = [
        ["TO", "DO"],
        ["FIX", "ME"],
        [" XX", "X"],
        ["todo", "!("],
        ["#[ign", "ore"],
        ["unimple", "mented!("],
    ];
    let mut offenders = Vec::new();
    for (path, text) in rust_files()? {
        for mark in marks.map(|halves| halves.concat()) {
            if text.contains(&mark) {
                offenders.push(format!("{}: {mark}", path.display()));
            }
        }
    }
    check("no marks of unfinished work", &offenders);
    Ok(())
}

#[test]
fn no_file_knows_one_machine() -> io::Result<()> {
    // Written in halves, so that this file does not find itself.
    let traces = [
        ["/ho", "me/"],
        ["/ro", "ot/"],
        ["/wo", "rk/"],
        ["/Us", "ers/"],
        ["/tmp/", "kafka"],
        ["index.", "crates.io"],
        ["repo.maven", ".apache.org"],
        ["repo1.", "maven.org"],
        ["artifact", "ory"],
        ["registry", " = \"sparse+"],
    ];
    let kinds = [
        "rs",
        "toml",
        "md",
        "java",
        "xml",
        "properties",
        "json",
        "yml",
        "yaml",
        "sh",
        "run",
        "txt",
    ];
    let mut offenders = Vec::new();
    for path in all_files()? {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let kind = name.rsplit('.').next().unwrap_or_default();
        if !kinds.contains(&kind) && name != "Makefile" && name != "Dockerfile" {
            continue;
        }
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        for trace in traces.map(|halves| halves.concat()) {
            if text.contains(&trace) {
                offenders.push(format!("{}: {trace}", path.display()));
            }
        }
    }
    check("no machine's paths or registry hosts", &offenders);
    Ok(())
}
