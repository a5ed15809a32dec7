//! Every case of the golden file has the answer of `java.util.Properties`.

use std::collections::BTreeMap;

use super::*;

fn bytes_of(hex: &str) -> Vec<u8> {
    if hex == "-" {
        return Vec::new();
    }
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

#[test]
fn files_are_read_as_java_reads_them() {
    let golden = include_str!("golden.txt");
    let mut cases = 0;
    for line in golden.lines().filter(|line| !line.starts_with('#')) {
        let (hex, answer) = line.split_once(' ').unwrap();
        let bytes = bytes_of(hex);
        let shown = String::from_utf8_lossy(&bytes);
        if answer.starts_with('!') {
            assert!(parse(&bytes).is_err(), "{shown:?} is malformed to Java");
        } else {
            let expected: BTreeMap<String, String> = serde_json::from_str(answer).unwrap();
            assert_eq!(parse(&bytes).unwrap(), expected, "{shown:?}");
        }
        cases += 1;
    }
    assert!(cases >= 60, "the golden file has {cases} cases");
}

#[test]
fn half_a_surrogate_pair_becomes_the_replacement_character() {
    assert_eq!(parse(br"a=\uD83Dx").unwrap()["a"], "\u{fffd}x");
}

#[test]
fn a_broken_escape_is_named_with_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("worker.properties");
    std::fs::write(&file, "# c\n\na=b\\\n  c\nx=\\u12g4\n").unwrap();
    let error = load(&file).unwrap_err().to_string();
    assert_eq!(
        error,
        format!("{}:5: malformed \\uxxxx encoding: \\u12g4", file.display())
    );
}

#[test]
fn a_file_beyond_the_limit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("big.properties");
    let size = usize::try_from(PROPERTIES_BYTES_MAX).unwrap() + 1;
    std::fs::write(&file, vec![b'#'; size]).unwrap();
    assert!(matches!(load(&file), Err(PropertiesError::TooLarge { .. })));
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_the_parser_fail_otherwise(bytes in proptest::collection::vec(0_u8.., 0..200)) {
        let _ = parse(&bytes);
    }
}
