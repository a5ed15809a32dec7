//! Java's `.properties` format, byte for byte as `java.util.Properties` reads it.
//!
//! Written here because no crate agrees with Java in all cases that files in the field contain: `java-properties` 2.0 takes
//! bytes 0x80–0x9f for Windows-1252 and refuses `\uD83D\uDE00`, Java's own way to write a character beyond the first
//! plane. The golden file beside the tests holds Java's answers.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The largest file that is read: a configuration is a few kilobytes, so anything beyond is a mistake.
pub const PROPERTIES_BYTES_MAX: u64 = 1024 * 1024;

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PropertiesError {
    /// The file is absent or not readable.
    #[error("{}: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The file is larger than [`PROPERTIES_BYTES_MAX`].
    #[error("{}: larger than {PROPERTIES_BYTES_MAX} bytes", file.display())]
    TooLarge {
        /// The file.
        file: PathBuf,
    },
    /// A backslash and `u` without four hexadecimal digits.
    #[error("{}:{line}: malformed \\uxxxx encoding: {escape}", file.display())]
    Escape {
        /// The file.
        file: PathBuf,
        /// The line on which the setting begins, from 1.
        line: usize,
        /// The text at fault.
        escape: String,
    },
}

/// Reads a file.
///
/// # Errors
/// [`PropertiesError`], which names the file and where in it the fault is.
pub fn load(file: &Path) -> Result<BTreeMap<String, String>, PropertiesError> {
    parse(&read_limited(file)?).map_err(|malformed| PropertiesError::Escape {
        file: file.to_owned(),
        line: malformed.line,
        escape: malformed.escape,
    })
}

/// The bytes of a file of settings, within [`PROPERTIES_BYTES_MAX`].
pub(super) fn read_limited(file: &Path) -> Result<Vec<u8>, PropertiesError> {
    let failed = |source| PropertiesError::Read {
        file: file.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(file).map_err(failed)?;
    opened
        .take(PROPERTIES_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if u64::try_from(bytes.len()).is_ok_and(|size| size <= PROPERTIES_BYTES_MAX) {
        Ok(bytes)
    } else {
        Err(PropertiesError::TooLarge {
            file: file.to_owned(),
        })
    }
}

/// A broken `\u` escape.
#[derive(Debug, PartialEq, Eq)]
pub struct MalformedEscape {
    /// The line on which the setting begins, from 1.
    pub line: usize,
    /// The escape and up to four characters after it.
    pub escape: String,
}

/// Reads the text of a file; a key that comes again replaces the earlier one.
///
/// # Errors
/// The first broken `\u` escape.
pub fn parse(bytes: &[u8]) -> Result<BTreeMap<String, String>, MalformedEscape> {
    let mut settings = BTreeMap::new();
    let mut lines = LogicalLines {
        rest: bytes,
        line: 1,
    };
    while let Some((line, text)) = lines.next_line() {
        let (key, value) = split(&text);
        let unescaped = |text| unescape(text).map_err(|escape| MalformedEscape { line, escape });
        settings.insert(unescaped(key)?, unescaped(value)?);
    }
    Ok(settings)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\x0c')
}

/// Lines with their continuations joined, and without comments and empty lines.
struct LogicalLines<'a> {
    rest: &'a [u8],
    /// The number of the natural line that `rest` begins with.
    line: usize,
}

impl<'a> LogicalLines<'a> {
    /// The number of the line's first natural line, and its bytes. `None` at the end.
    fn next_line(&mut self) -> Option<(usize, Vec<u8>)> {
        let mut joined = Vec::new();
        let mut first = self.line;
        let mut continues = false;
        while let Some(natural) = self.next_natural_line() {
            let text = without_leading_blanks(natural);
            if joined.is_empty() {
                first = self.line - 1;
                if matches!(text.first(), Some(b'#' | b'!')) || (text.is_empty() && !continues) {
                    continues = false;
                    continue;
                }
            }
            let backslashes = text.iter().rev().take_while(|&&byte| byte == b'\\').count();
            continues = backslashes % 2 == 1;
            joined.extend_from_slice(text);
            if !continues {
                if joined.is_empty() {
                    continue;
                }
                return Some((first, joined));
            }
            joined.pop();
        }
        // A backslash at the very end continues into nothing, which Java takes for a line of its own.
        (continues || !joined.is_empty()).then_some((first, joined))
    }

    /// Up to a line feed, a carriage return or both.
    fn next_natural_line(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        self.line += 1;
        let end = self
            .rest
            .iter()
            .position(|&byte| matches!(byte, b'\n' | b'\r'));
        let (text, after) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        let ending = if after.starts_with(b"\r\n") { 2 } else { 1 };
        self.rest = after.get(ending..).unwrap_or_default();
        Some(text)
    }
}

fn without_leading_blanks(bytes: &[u8]) -> &[u8] {
    let start = bytes
        .iter()
        .position(|&byte| !is_blank(byte))
        .unwrap_or(bytes.len());
    bytes.get(start..).unwrap_or_default()
}

/// Key and value, still escaped. They are parted by blanks, one `=` or `:` among them, that no backslash precedes.
fn split(line: &[u8]) -> (&[u8], &[u8]) {
    let mut escaped = false;
    let key_end = line.iter().position(|&byte| {
        let ends = !escaped && (is_blank(byte) || matches!(byte, b'=' | b':'));
        escaped = byte == b'\\' && !escaped;
        ends
    });
    let (key, rest) = line.split_at(key_end.unwrap_or(line.len()));
    let rest = without_leading_blanks(rest);
    let value = match rest.split_first() {
        Some((b'=' | b':', value)) => without_leading_blanks(value),
        _ => rest,
    };
    (key, value)
}

/// ISO-8859-1 bytes to text, with escapes resolved. A surrogate without its partner becomes U+FFFD.
fn unescape(bytes: &[u8]) -> Result<String, String> {
    let mut units: Vec<u16> = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            units.push(byte.into());
            continue;
        }
        let Some((&escape, after)) = rest.split_first() else {
            break;
        };
        rest = after;
        units.push(match escape {
            b't' => u16::from(b'\t'),
            b'n' => u16::from(b'\n'),
            b'r' => u16::from(b'\r'),
            b'f' => 0x0c,
            b'u' => {
                let (unit, after) = hexadecimal(rest).ok_or_else(|| shown(rest))?;
                rest = after;
                unit
            }
            other => other.into(),
        });
    }
    Ok(String::from_utf16_lossy(&units))
}

fn hexadecimal(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (digits, after) = bytes.split_at_checked(4)?;
    let unit = digits.iter().try_fold(0_u32, |unit, &digit| {
        char::from(digit)
            .to_digit(16)
            .map(|digit| unit * 16 + digit)
    })?;
    Some((u16::try_from(unit).ok()?, after))
}

fn shown(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().take(4).map(|&byte| char::from(byte)).collect();
    format!("\\u{}", digits.escape_default())
}

#[cfg(test)]
mod tests;
