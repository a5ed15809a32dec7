//! Words that JSON does not know, read on for as long as Jackson reads on to tell of them.
//!
//! # Source
//! `_handleUnexpectedValue`, `_reportInvalidToken`, `_checkMatchEnd` and `_decodeCharForError` of
//! `com.fasterxml.jackson.core.json.UTF8StreamJsonParser`

use std::sync::LazyLock;

use fancy_regex::Regex;

use super::super::Reader;
use super::{END, Fault, PARSE, VALID_VALUES};

/// How much of an unknown word is quoted, in UTF-16 units.
const MAX_WORD: usize = 256;
/// The words that a parser could be told to take.
const OTHER_NUMBERS: [&str; 4] = ["NaN", "Infinity", "-Infinity", "-INF"];
/// The words that come here only for what stands behind them.
const WORDS: [&str; 3] = ["true", "false", "null"];

impl Reader<'_> {
    /// The word at which the reader stands.
    #[cold]
    pub(in crate::convert::json::reader) fn unknown_word(&mut self) -> Box<Fault> {
        self.read_word().unwrap_or_else(|fault| fault)
    }

    /// What is wrong with the word, or with a byte within.
    fn read_word(&mut self) -> Result<Box<Fault>, Box<Fault>> {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let starts = |word: &&&str| rest.starts_with(word.as_bytes());
        if let Some(word) = OTHER_NUMBERS.iter().find(starts) {
            self.check_end(word)?;
            if !self.goes_on(word) {
                let position = self.position + word.len();
                let message = format!(
                    "Non-standard token '{word}': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow"
                );
                return Ok(self.fault(PARSE, &message, position));
            }
        } else if let Some(word) = WORDS.iter().find(starts) {
            self.check_end(word)?;
        }
        let mut word = String::new();
        // The first byte counts as a whole character, a sign as part of the word.
        let first = rest.first().copied().unwrap_or_default();
        word.push(char::from(first));
        self.position += 1;
        let mut units = 1;
        while self.position < self.bytes.len() {
            let (unit, end) = self.decoded(self.position)?;
            self.position = end;
            let Some(letter) = char::from_u32(u32::from(unit)).filter(|it| is_part(*it)) else {
                break;
            };
            word.push(letter);
            units += 1;
            if units == MAX_WORD {
                word.push_str("...");
                break;
            }
        }
        let message = format!("Unrecognized token '{word}': was expecting {VALID_VALUES}");
        Ok(self.fault(PARSE, &message, self.position))
    }

    /// What follows a known word is decoded as if its first byte stood there twice.
    fn check_end(&self, word: &str) -> Result<(), Box<Fault>> {
        let end = self.position + word.len();
        match self.bytes.get(end).copied() {
            Some(byte @ 0xC0..0xF8) => Err(self.bad_byte("middle", byte, end + 1)),
            Some(byte @ 0x80..) => Err(self.bad_byte("start", byte, end)),
            _ => Ok(()),
        }
    }

    fn goes_on(&self, word: &str) -> bool {
        let next = self.bytes.get(self.position + word.len());
        next.is_some_and(|byte| *byte >= b'0' && is_part(char::from(*byte)))
    }

    /// The lowest 16 bits of the character at `position`, and where it ends.
    pub(super) fn decoded(&self, position: usize) -> Result<(u16, usize), Box<Fault>> {
        let first = self.bytes.get(position).copied().unwrap_or_default();
        let mut at = position + 1;
        let (mut code, more) = match first {
            0..0x80 => (u16::from(first), 0),
            0xC0..0xE0 => (u16::from(first & 0x1F), 1),
            0xE0..0xF0 => (u16::from(first & 0x0F), 2),
            0xF0..0xF8 => (u16::from(first & 0x07), 3),
            _ => return Err(self.bad_byte("start", first, at)),
        };
        for _ in 0..more {
            let Some(next) = self.bytes.get(at).copied() else {
                return Err(self.end_after_token(position));
            };
            at += 1;
            if next & 0xC0 != 0x80 {
                return Err(self.bad_byte("middle", next, at));
            }
            code = code << 6 | u16::from(next & 0x3F);
        }
        Ok((code, at))
    }

    /// The document ends where only the token before is known.
    pub(super) fn end_after_token(&self, position: usize) -> Box<Fault> {
        let message = format!("Unexpected end-of-input in {}", self.token_before(position));
        self.fault(END, &message, self.bytes.len())
    }

    /// Jackson's name for the token before the word that reaches to `position`.
    fn token_before(&self, position: usize) -> &'static str {
        let before = self.bytes.get(..position).unwrap_or_default();
        let is_of_word = |byte: &u8| !b" \t\r\n,:[{".contains(byte);
        let word = before.iter().rev().take_while(|it| is_of_word(it)).count();
        let before = before.get(..before.len() - word).unwrap_or_default();
        let before = before.trim_ascii_end();
        match before {
            [.., b'['] => "START_ARRAY",
            [.., b'{'] => "START_OBJECT",
            [.., b':'] => "FIELD_NAME",
            [before @ .., b','] => value_before(before.trim_ascii_end()),
            _ => "null",
        }
    }
}

/// Jackson's name for the last token of a piece of a document that ends with a value.
fn value_before(before: &[u8]) -> &'static str {
    match before {
        [.., b'"'] => "VALUE_STRING",
        [.., b']'] => "END_ARRAY",
        [.., b'}'] => "END_OBJECT",
        [.., b'u', b'e'] => "VALUE_TRUE",
        [.., b's', b'e'] => "VALUE_FALSE",
        [.., b'l'] => "VALUE_NULL",
        _ => {
            let is_of_number = |byte: &&u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
            let mut number = before.iter().rev().take_while(is_of_number);
            if number.any(|byte| b".eE".contains(byte)) {
                "VALUE_NUMBER_FLOAT"
            } else {
                "VALUE_NUMBER_INT"
            }
        }
    }
}

/// `Character.isJavaIdentifierStart` of a byte taken for a character.
pub(super) fn is_latin_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic()
        || matches!(byte, b'_' | b'$' | 0xA2..=0xA5 | 0xAA | 0xB5 | 0xBA)
        || matches!(byte, 0xC0..=0xD6 | 0xD8..=0xF6 | 0xF8..)
}

/// `Character.isJavaIdentifierPart`, which control characters are, too.
fn is_part(letter: char) -> bool {
    static PART: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"[\p{L}\p{Nl}\p{Nd}\p{Sc}\p{Pc}\p{Mn}\p{Mc}\p{Cf}]").ok());
    match letter {
        '\0'..='\u{8}' | '\u{e}'..='\u{1b}' | '\u{7f}'..='\u{9f}' => true,
        _ if letter.is_ascii() => letter.is_ascii_alphanumeric() || "_$".contains(letter),
        _ => PART.as_ref().is_some_and(|part| {
            let is_match = part.is_match(letter.encode_utf8(&mut [0; 4]));
            is_match.unwrap_or_default()
        }),
    }
}
