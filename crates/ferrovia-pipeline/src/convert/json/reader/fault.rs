//! What can be wrong with a JSON document, in Jackson's words.

mod word;

use super::Reader;
use word::is_latin_start;

/// What is wrong, as an exception that Java users know.
#[derive(Debug, thiserror::Error)]
#[error("{class}: {message}")]
pub(in crate::convert::json) struct Fault {
    class: &'static str,
    message: String,
}

const PARSE: &str = "com.fasterxml.jackson.core.JsonParseException";
const END: &str = "com.fasterxml.jackson.core.io.JsonEOFException";
const LIMIT: &str = "com.fasterxml.jackson.core.exc.StreamConstraintsException";
const VALID_VALUES: &str =
    "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";

impl Fault {
    /// Something is longer or deeper than it may be.
    #[cold]
    pub(super) fn too_much(what: &str, count: usize, most: usize, limit: &str) -> Box<Self> {
        let message = format!(
            "{what} ({count}) exceeds the maximum allowed ({most}, from `StreamReadConstraints.getMax{limit}()`)"
        );
        Box::new(Self {
            class: LIMIT,
            message,
        })
    }

    /// A number whose exponent is out of range.
    #[cold]
    pub(super) fn not_decimal(text: &str) -> Box<Self> {
        let exponent = text.split(['e', 'E']).nth(1).unwrap_or_default();
        let digits = exponent.trim_start_matches(['-', '+']);
        let reason = if digits.trim_start_matches('0').len() > 10 {
            "Too many nonzero exponent digits."
        } else if exponent.parse::<i32>().is_err() {
            "Exponent overflow."
        } else {
            "Scale out of range."
        };
        Box::new(Self {
            class: "java.lang.NumberFormatException",
            message: format!(
                "Value \"{text}\" can not be deserialized as `java.math.BigDecimal`, reason:  {reason}"
            ),
        })
    }
}

impl Reader<'_> {
    #[cold]
    fn fault(&self, class: &'static str, message: &str, position: usize) -> Box<Fault> {
        let message = format!("{message}\n at {}", self.location(position));
        Box::new(Fault { class, message })
    }

    fn location(&self, position: usize) -> String {
        let before = self.bytes.get(..position).unwrap_or(self.bytes);
        // A line ends with LF, CR or both.
        let ends = |index: &usize| match before.get(*index) {
            Some(b'\n') => true,
            Some(b'\r') => self.bytes.get(index + 1) != Some(&b'\n'),
            _ => false,
        };
        let line = (0..before.len()).filter(ends).count() + 1;
        let last = (0..before.len()).rev().find(ends);
        let column = before.len() - last.map_or(0, |index| index + 1) + 1;
        format!(
            "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: {line}, column: {column}]"
        )
    }

    #[cold]
    pub(super) fn unexpected(&self, byte: u8, wanted: &str) -> Box<Fault> {
        let message = format!("Unexpected character ({}): {wanted}", shown(byte));
        self.fault(PARSE, &message, self.position)
    }

    /// How the character at which the reader stands is shown where it is decoded, and where its last byte stands.
    fn shown_letter(&self) -> Result<(String, usize), Box<Fault>> {
        let (unit, end) = self.decoded(self.position)?;
        Ok((shown_unit(unit), end - 1))
    }

    /// A byte where a name or a value should begin.
    #[cold]
    pub(super) fn unexpected_begin(&self, byte: u8, wanted: &str) -> Box<Fault> {
        let comment = "maybe a (non-standard) comment? (not recognized as one since Feature 'ALLOW_COMMENTS' not enabled \
                       for parser)";
        if byte == b'/' {
            return self.unexpected(byte, comment);
        }
        match self.shown_letter() {
            Ok((shown, position)) => {
                let message = format!("Unexpected character ({shown}): {wanted}");
                self.fault(PARSE, &message, position)
            }
            Err(fault) => fault,
        }
    }

    #[cold]
    fn unexpected_in_number(&self, byte: u8, wanted: &str, position: usize) -> Box<Fault> {
        let shown = shown(byte);
        let message = format!("Unexpected character ({shown}) in numeric value: {wanted}");
        self.fault(PARSE, &message, position)
    }

    /// A byte with which no value begins.
    #[cold]
    pub(super) fn no_value(&mut self, byte: u8) -> Box<Fault> {
        match byte {
            b']' | b'}' if self.depth == 0 => {
                let kind = if byte == b']' { "Array" } else { "Object" };
                let close = char::from(byte);
                let message = format!("Unexpected close marker '{close}': no open {kind} to close");
                self.fault(PARSE, &message, self.position)
            }
            b',' | b'}' => self.unexpected(byte, "expected a value"),
            // Behind the comma of an array; behind a colon the reader stands after it.
            b']' if self.is_after(b',') => self.unexpected(byte, "expected a value"),
            b'+' => {
                self.position += 1;
                if self.peek().is_none() {
                    return self.end_within("a Number value");
                }
                let wanted = "JSON spec does not allow numbers to have plus signs: enable \
                              `JsonReadFeature.ALLOW_LEADING_PLUS_SIGN_FOR_NUMBERS` to allow";
                self.unexpected_in_number(byte, wanted, self.position)
            }
            _ if is_latin_start(byte) => self.unknown_word(),
            0x80.. => self.unexpected(byte, &format!("expected a valid value {VALID_VALUES}")),
            _ => self.unexpected_begin(byte, &format!("expected a valid value {VALID_VALUES}")),
        }
    }

    fn is_after(&self, byte: u8) -> bool {
        let before = self.bytes.get(..self.position).unwrap_or_default();
        before.trim_ascii_end().last() == Some(&byte)
    }

    #[cold]
    pub(super) fn no_digit(&mut self, wanted: &str) -> Box<Fault> {
        let before = self.position.saturating_sub(1);
        let rest = self.bytes.get(before..).unwrap_or_default();
        match *rest {
            [b'-', b'I'] => self.end_within("a Number value"),
            [b'-', b'I', b'n' | b'N', ..] => {
                self.position = before;
                self.unknown_word()
            }
            [b'-', b'I', byte, ..] => self.unexpected_in_number(byte, wanted, self.position + 1),
            [_, byte, ..] => self.unexpected_in_number(byte, wanted, self.position),
            _ => self.end_after_token(self.position),
        }
    }

    #[cold]
    pub(super) fn no_fraction(&mut self) -> Box<Fault> {
        let wanted = "Decimal point not followed by a digit";
        match self.peek() {
            Some(byte) => self.unexpected_in_number(byte, wanted, self.position),
            None => self.unexpected_in_number(b'.', wanted, self.position - 1),
        }
    }

    #[cold]
    pub(super) fn unknown_escape(&self, _: u8) -> Box<Fault> {
        match self.shown_letter() {
            Ok((shown, position)) => {
                let message = format!("Unrecognized character escape {shown}");
                self.fault(PARSE, &message, position)
            }
            Err(fault) => fault,
        }
    }

    #[cold]
    pub(super) fn control_between(&self, byte: u8) -> Box<Fault> {
        let message = format!(
            "Illegal character ({}): only regular white space (\\r, \\n, \\t) is allowed between tokens",
            shown(byte)
        );
        self.fault(PARSE, &message, self.position + 1)
    }

    #[cold]
    pub(super) fn control_within(&self, byte: u8, what: &str) -> Box<Fault> {
        let message = format!(
            "Illegal unquoted character ({}): has to be escaped using backslash to be included in {what}",
            shown(byte)
        );
        self.fault(PARSE, &message, self.position)
    }

    #[cold]
    pub(super) fn bad_byte(&self, place: &str, byte: u8, position: usize) -> Box<Fault> {
        let message = format!("Invalid UTF-8 {place} byte 0x{byte:x}");
        self.fault(PARSE, &message, position)
    }

    #[cold]
    pub(super) fn wrong_close(&self, byte: u8, start: usize) -> Box<Fault> {
        let (expected, kind) = if byte == b']' {
            ('}', "Object")
        } else {
            (']', "Array")
        };
        let message = format!(
            "Unexpected close marker '{}': expected '{expected}' (for {kind} starting at {})",
            char::from(byte),
            self.location(start)
        );
        self.fault(PARSE, &message, self.position)
    }

    /// The document ends in an array or object that could have been closed.
    #[cold]
    pub(super) fn end_open(&self, start: usize) -> Box<Fault> {
        let kind = if self.bytes.get(start) == Some(&b'[') {
            "Array"
        } else {
            "Object"
        };
        let message = format!(
            "Unexpected end-of-input: expected close marker for {kind} (start marker at {})",
            self.location(start)
        );
        self.fault(END, &message, self.position)
    }

    /// The document ends where something has to follow.
    #[cold]
    pub(super) fn end_between(&self, kind: &str) -> Box<Fault> {
        let class = if self.is_after(b',') { PARSE } else { END };
        let message = format!("Unexpected end-of-input within/between {kind} entries");
        self.fault(class, &message, self.position)
    }

    #[cold]
    pub(super) fn end_within(&self, what: &str) -> Box<Fault> {
        let message = match what {
            "string value" => "Unexpected end-of-input in VALUE_STRING",
            "name" if self.bytes.get(self.position.saturating_sub(1)) != Some(&b'"') => {
                "Unexpected end-of-input in field name"
            }
            "a Number value" => "Unexpected end-of-input in a Number value",
            "name" => "Unexpected end-of-input: was expecting closing '\"' for name",
            _ => "Unexpected end-of-input in character escape sequence",
        };
        self.fault(END, message, self.bytes.len())
    }
}

fn shown(byte: u8) -> String {
    shown_unit(u16::from(byte))
}

/// Half of a surrogate pair is shown as Java writes it.
fn shown_unit(unit: u16) -> String {
    let letter = char::from_u32(u32::from(unit)).unwrap_or('?');
    match unit {
        0..0x20 | 0x7F..0xA0 => format!("(CTRL-CHAR, code {unit})"),
        0x100.. => format!("'{letter}' (code {unit} / 0x{unit:x})"),
        _ => format!("'{letter}' (code {unit})"),
    }
}
