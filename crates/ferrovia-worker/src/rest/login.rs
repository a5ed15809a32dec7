//! Who may log in: a JAAS file that names files of names and passwords.
//!
//! # Source
//! `java.security.auth.login.Configuration`'s file format; the entry `KafkaConnect` with `PropertyFileLoginModule`s

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use tracing::warn;

use crate::config::properties;

/// The largest JAAS file that is read.
const JAAS_BYTES_MAX: u64 = 1024 * 1024;
const ENTRY: &str = "KafkaConnect";
const MODULE: &str = "org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule";
/// Where Java gets its options from, the JAAS file's name among them.
const OPTIONS_VARIABLE: &str = "KAFKA_OPTS";
const OPTION: &str = "-Djava.security.auth.login.config=";

/// Why it is not known who may log in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// Nothing names a JAAS file.
    #[error("no JAAS file: set rest.login.config, or {OPTION}FILE in {OPTIONS_VARIABLE}")]
    NoFile,
    /// A file cannot be read.
    #[error("cannot read {file}: {reason}")]
    Read {
        /// Which one.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The JAAS file does not say who may log in.
    #[error("{file}: {reason}")]
    Jaas {
        /// Which one.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// The names and passwords of one file.
#[derive(Clone, Default)]
pub(super) struct Credentials(BTreeMap<String, String>);

impl Credentials {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn password(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} names", self.0.len())
    }
}

/// The files of names that all have to know a caller, from the JAAS file that the setting or the environment names.
pub(super) fn credentials(configured: Option<&Path>) -> Result<Vec<Credentials>, LoginError> {
    let options = std::env::var(OPTIONS_VARIABLE).unwrap_or_default();
    let file = match (configured, from_options(&options)) {
        (Some(file), _) => file.to_owned(),
        (None, Some(file)) => file.into(),
        (None, None) => return Err(LoginError::NoFile),
    };
    let broken = |reason: String| LoginError::Jaas {
        file: file.clone(),
        reason,
    };
    let text = read(&file)?;
    let modules = modules(&text).map_err(broken)?;
    let mut all = Vec::with_capacity(modules.len());
    for module in modules {
        let named = module
            .options
            .get("file")
            .filter(|name| !name.trim().is_empty());
        let named = named
            .ok_or_else(|| broken("Property Credentials file must be specified".to_owned()))?;
        let path = PathBuf::from(named);
        let known = properties::load(&path).map_err(|error| LoginError::Read {
            file: path.clone(),
            reason: error.to_string(),
        })?;
        if known.is_empty() {
            warn!("Credential properties file '{named}' is empty; all requests will be permitted");
        }
        all.push(Credentials(known));
    }
    Ok(all)
}

fn from_options(options: &str) -> Option<&str> {
    let mut words = options.split_whitespace();
    // Of options that come twice the last counts.
    let file = words.rfind(|word| word.starts_with(OPTION))?;
    file.strip_prefix(OPTION).filter(|file| !file.is_empty())
}

fn read(file: &Path) -> Result<String, LoginError> {
    let failed = |reason: String| LoginError::Read {
        file: file.to_owned(),
        reason,
    };
    let opened = std::fs::File::open(file).map_err(|error| failed(error.to_string()))?;
    let mut text = String::new();
    let read = opened.take(JAAS_BYTES_MAX + 1).read_to_string(&mut text);
    let bytes = read.map_err(|error| failed(error.to_string()))?;
    if u64::try_from(bytes).unwrap_or(u64::MAX) > JAAS_BYTES_MAX {
        return Err(failed("it is too large".to_owned()));
    }
    Ok(text)
}

/// A module that a caller has to pass.
#[derive(Debug, Default, PartialEq, Eq)]
struct Module {
    options: BTreeMap<String, String>,
}

/// The modules of the worker's entry. Only those are known that every caller has to pass.
fn modules(text: &str) -> Result<Vec<Module>, String> {
    let mut words = words(text)?.into_iter();
    while let Some(entry) = words.next() {
        expect(&mut words, "{")?;
        let mut modules = Vec::new();
        loop {
            let Some(class) = words.next() else {
                return Err(format!("the entry {entry} does not end"));
            };
            if class == "}" {
                break;
            }
            modules.push((
                class,
                words.next().unwrap_or_default(),
                options(&mut words)?,
            ));
        }
        expect(&mut words, ";")?;
        if entry == ENTRY {
            return modules.into_iter().map(known).collect();
        }
    }
    Err(format!("there is no entry {ENTRY}"))
}

fn known(
    (class, flag, options): (String, String, BTreeMap<String, String>),
) -> Result<Module, String> {
    if class != MODULE {
        return Err(format!(
            "the login module {class} is not known; {MODULE} is"
        ));
    }
    if !["required", "requisite"]
        .iter()
        .any(|known| flag.eq_ignore_ascii_case(known))
    {
        return Err(format!("the flag {flag} is not known; required is"));
    }
    Ok(Module { options })
}

fn options(words: &mut impl Iterator<Item = String>) -> Result<BTreeMap<String, String>, String> {
    let mut options = BTreeMap::new();
    loop {
        match words.next() {
            Some(end) if end == ";" => return Ok(options),
            Some(name) => {
                expect(words, "=")?;
                options.insert(name, words.next().unwrap_or_default());
            }
            None => return Err("a login module does not end with ;".to_owned()),
        }
    }
}

fn expect(words: &mut impl Iterator<Item = String>, wanted: &str) -> Result<(), String> {
    match words.next() {
        Some(word) if word == wanted => Ok(()),
        Some(word) => Err(format!("expected {wanted}, found {word}")),
        None => Err(format!("expected {wanted}, found the end")),
    }
}

/// The words and marks of a file, without comments and quotes.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match (letter, letters.peek()) {
            ('/', Some('/')) | ('#', _) => {
                letters.by_ref().find(|letter| *letter == '\n');
            }
            ('/', Some('*')) => {
                let mut before = ' ';
                let end = letters.by_ref().skip(1).find(|&letter| {
                    let is_end = before == '*' && letter == '/';
                    before = letter;
                    is_end
                });
                end.ok_or("a comment does not end")?;
            }
            ('{' | '}' | ';' | '=', _) => words.push(letter.to_string()),
            ('"', _) => words.push(quoted(&mut letters)?),
            (space, _) if space.is_whitespace() => (),
            (first, _) => {
                let mut word = String::from(first);
                let is_of_word = |letter: &char| {
                    !letter.is_whitespace() && !['{', '}', ';', '=', '"'].contains(letter)
                };
                while let Some(letter) = letters.next_if(is_of_word) {
                    word.push(letter);
                }
                words.push(word);
            }
        }
    }
    Ok(words)
}

fn quoted(letters: &mut impl Iterator<Item = char>) -> Result<String, String> {
    let mut text = String::new();
    loop {
        match letters.next() {
            Some('"') => return Ok(text),
            Some('\\') => text.extend(letters.next()),
            Some(letter) => text.push(letter),
            None => return Err("a quoted text does not end".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workers_entry_is_read() {
        let text = format!(
            "// who\nOther {{ a.B required; }};\n/* the {ENTRY} */ {ENTRY} {{\n  {MODULE} required\n  file=\"/a b\\\\c\"\n  debug=true;\n}};"
        );
        let read = modules(&text).unwrap();
        assert_eq!(read.len(), 1);
        assert_eq!(read[0].options["file"], "/a b\\c");
        assert_eq!(read[0].options["debug"], "true");
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        for (text, words) in [
            ("", "there is no entry KafkaConnect"),
            (
                "KafkaConnect { x.Y required; };",
                "the login module x.Y is not known",
            ),
            (
                "KafkaConnect { x.Y required",
                "a login module does not end with ;",
            ),
            ("KafkaConnect [", "expected {, found ["),
            ("/* x", "a comment does not end"),
            ("KafkaConnect { x \"", "a quoted text does not end"),
        ] {
            let error = modules(text).unwrap_err();
            assert!(error.starts_with(words), "{text}: {error}");
        }
        let optional = format!("KafkaConnect {{ {MODULE} optional file=x; }};");
        assert!(modules(&optional).unwrap_err().contains("optional"));
    }

    #[test]
    fn the_last_option_names_the_file() {
        assert_eq!(from_options("-Xmx1g"), None);
        let options = format!("-Xmx1g {OPTION}/a {OPTION}/b -Dx=y");
        assert_eq!(from_options(&options), Some("/b"));
    }

    proptest::proptest! {
        #[test]
        fn no_file_brings_the_reader_down(text in r##"(KafkaConnect )?[{};=/*"#\\a-c \n]{0,40}"##) {
            let _ = modules(&text);
        }
    }
}
