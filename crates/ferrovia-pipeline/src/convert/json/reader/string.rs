//! Strings and names: borrowed as long as nothing in them is escaped.
//!
//! # Source
//! `UTF8StreamJsonParser._finishString2`, which takes overlong and surrogate encodings for what they stand for

use std::borrow::Cow;

use super::{Fault, Reader};

/// How long a name may be, in bytes.
const MAX_NAME: usize = 50_000;
/// How long a string may be, in characters.
const MAX_STRING: usize = 20_000_000;

impl<'a> Reader<'a> {
    /// Reads a string whose opening quote has been read.
    #[inline]
    pub(super) fn string(&mut self) -> Result<Cow<'a, str>, Box<Fault>> {
        let text = self.quoted("string value")?;
        if text.len() > MAX_STRING {
            return Err(Fault::too_much(
                "String value length",
                text.len(),
                MAX_STRING,
                "StringLength",
            ));
        }
        Ok(text)
    }

    /// Reads a name whose opening quote has been read.
    #[inline]
    pub(super) fn name(&mut self) -> Result<Cow<'a, str>, Box<Fault>> {
        let name = self.quoted("name")?;
        if name.len() > MAX_NAME {
            return Err(Fault::too_much(
                "Name length",
                name.len(),
                MAX_NAME,
                "NameLength",
            ));
        }
        Ok(name)
    }

    #[inline]
    fn quoted(&mut self, what: &'static str) -> Result<Cow<'a, str>, Box<Fault>> {
        let start = self.position;
        let end = plain_end(self.bytes, start);
        if self.bytes.get(end) == Some(&b'"')
            && let Some(text) = self.text.and_then(|text| text.get(start..end))
        {
            self.position = end + 1;
            return Ok(Cow::Borrowed(text));
        }
        self.quoted_slowly(what).map(Cow::Owned)
    }

    /// Reads a string with escapes, or of a document that is not all UTF-8.
    fn quoted_slowly(&mut self, what: &'static str) -> Result<String, Box<Fault>> {
        let mut text = Text::default();
        loop {
            let start = self.position;
            let end = plain_end(self.bytes, start);
            match self.text.and_then(|text| text.get(start..end)) {
                Some(plain) => text.push_str(plain),
                None => self.decode(start, end, &mut text)?,
            }
            self.position = end;
            match self.peek() {
                Some(b'"') => {
                    self.position += 1;
                    return Ok(text.finish());
                }
                Some(b'\\') => {
                    self.position += 1;
                    self.escape(&mut text)?;
                }
                Some(control) => return Err(self.control_within(control, what)),
                None => return Err(self.end_within(what)),
            }
        }
    }

    fn escape(&mut self, text: &mut Text) -> Result<(), Box<Fault>> {
        let Some(escaped) = self.peek() else {
            return Err(self.end_within("character escape sequence"));
        };
        let unit = match escaped {
            b'b' => 8,
            b't' => 9,
            b'n' => 10,
            b'f' => 12,
            b'r' => 13,
            b'"' | b'/' | b'\\' => u16::from(escaped),
            b'u' => {
                self.position += 1;
                let unit = self.hex_digits()?;
                text.push_unit(unit);
                return Ok(());
            }
            other => return Err(self.unknown_escape(other)),
        };
        self.position += 1;
        text.push_unit(unit);
        Ok(())
    }

    fn hex_digits(&mut self) -> Result<u16, Box<Fault>> {
        let mut unit = 0;
        for _ in 0..4 {
            let Some(byte) = self.peek() else {
                return Err(self.end_within("character escape sequence"));
            };
            let Some(digit) = char::from(byte).to_digit(16) else {
                return Err(
                    self.unexpected(byte, "expected a hex-digit for character escape sequence")
                );
            };
            unit = unit << 4 | u16::try_from(digit).unwrap_or_default();
            self.position += 1;
        }
        Ok(unit)
    }

    /// Decodes bytes without a special one among them, as leniently as Jackson does.
    #[cold]
    fn decode(&mut self, start: usize, end: usize, text: &mut Text) -> Result<(), Box<Fault>> {
        let mut at = start;
        while at < end {
            let first = self.bytes.get(at).copied().unwrap_or_default();
            at += 1;
            let (bits, more) = match first {
                0..0x80 => (u32::from(first), 0),
                0xC0..0xE0 => (u32::from(first & 0x1F), 1),
                0xE0..0xF0 => (u32::from(first & 0x0F), 2),
                0xF0..0xF8 => (u32::from(first & 0x07), 3),
                _ => return Err(self.bad_byte("start", first, at)),
            };
            let mut code = bits;
            for _ in 0..more {
                let Some(next) = self.bytes.get(at).copied() else {
                    self.position = at;
                    return Err(self.end_within("string value"));
                };
                at += 1;
                if next & 0xC0 != 0x80 {
                    return Err(self.bad_byte("middle", next, at));
                }
                code = code << 6 | u32::from(next & 0x3F);
            }
            if more == 3 {
                let code = code.wrapping_sub(0x1_0000);
                text.push_unit(low_16(0xD800 | (code >> 10)));
                text.push_unit(low_16(0xDC00 | (code & 0x3FF)));
            } else {
                text.push_unit(low_16(code));
            }
        }
        Ok(())
    }
}

fn low_16(code: u32) -> u16 {
    u16::try_from(code & 0xffff).unwrap_or_default()
}

/// Text that grows by the units of UTF-16: halves of a surrogate pair find each other. One that stays alone becomes
/// U+FFFD.
#[derive(Debug, Default)]
struct Text {
    text: String,
    high: Option<u16>,
}

impl Text {
    fn push_str(&mut self, text: &str) {
        if !text.is_empty() {
            self.settle();
            self.text.push_str(text);
        }
    }

    fn push_unit(&mut self, unit: u16) {
        if let (Some(high), 0xDC00..=0xDFFF) = (self.high, unit) {
            self.high = None;
            self.text.extend(
                char::decode_utf16([high, unit]).map(|decoded| decoded.unwrap_or('\u{fffd}')),
            );
            return;
        }
        self.settle();
        if (0xD800..=0xDBFF).contains(&unit) {
            self.high = Some(unit);
        } else {
            self.text
                .push(char::from_u32(u32::from(unit)).unwrap_or('\u{fffd}'));
        }
    }

    fn settle(&mut self) {
        if self.high.take().is_some() {
            self.text.push('\u{fffd}');
        }
    }

    fn finish(mut self) -> String {
        self.settle();
        self.text
    }
}

/// Where the plain part of a string ends: at a quote, a backslash, a control character or the end of the document.
#[inline]
fn plain_end(bytes: &[u8], start: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let rest = bytes.get(start..).unwrap_or_default();
    let mut end = start;
    // Eight bytes at a time; in each mask the lowest bit set is right, those above it may not be.
    let (chunks, tail) = rest.as_chunks::<8>();
    for chunk in chunks {
        let chunk = u64::from_le_bytes(*chunk);
        let zeros_in = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
        let controls = chunk.wrapping_sub(ONES * 0x20) & !chunk & HIGHS;
        let quotes = zeros_in(chunk ^ (ONES * 0x22));
        let backslashes = zeros_in(chunk ^ (ONES * 0x5C));
        let special = controls | quotes | backslashes;
        if special != 0 {
            return end + special.trailing_zeros() as usize / 8;
        }
        end += 8;
    }
    let plain = |byte: &u8| *byte >= 0x20 && *byte != b'"' && *byte != b'\\';
    end + tail.iter().take_while(|byte| plain(byte)).count()
}
