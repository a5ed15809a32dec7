//! Strings and names: borrowed as long as nothing in them is escaped.
//!
//! # Source
//! `UTF8StreamJsonParser._finishString2`, which takes overlong and surrogate encodings for what they stand for

use std::borrow::Cow;

use super::{Fault, Reader};

/// What stands in quotes, and how long it may be.
#[derive(Debug)]
struct Quoted {
    /// What messages call it where it is broken.
    what: &'static str,
    /// What they call it where it is too long.
    length: &'static str,
    limit: &'static str,
    length_max: usize,
}

const NAME: Quoted = Quoted {
    what: "name",
    length: "Name length",
    limit: "NameLength",
    length_max: 50_000,
};

const STRING: Quoted = Quoted {
    what: "string value",
    length: "String value length",
    limit: "StringLength",
    length_max: 20_000_000,
};

impl<'a> Reader<'a> {
    /// Reads a string whose opening quote has been read.
    #[inline(always)]
    pub(super) fn string(&mut self) -> Result<Cow<'a, str>, Box<Fault>> {
        self.quoted(&STRING)
    }

    /// Reads a name whose opening quote has been read.
    #[inline(always)]
    pub(super) fn name(&mut self) -> Result<Cow<'a, str>, Box<Fault>> {
        self.quoted(&NAME)
    }

    #[inline(always)]
    fn quoted(&mut self, kind: &Quoted) -> Result<Cow<'a, str>, Box<Fault>> {
        match self.plain() {
            Some(text) if text.len() <= kind.length_max => Ok(Cow::Borrowed(text)),
            Some(text) => Err(kind.too_long(text)),
            None => self.quoted_slowly(kind).map(Cow::Owned),
        }
    }

    /// Reads to the closing quote, if nothing before it is escaped; nothing is read otherwise.
    ///
    /// Inlined, because the position stays in a register then; but not where that would only make each level of nesting
    /// take more of the stack.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn plain(&mut self) -> Option<&'a str> {
        let start = self.position;
        let end = plain_end(self.bytes, start);
        if self.bytes.get(end) != Some(&b'"') {
            return None;
        }
        let text = self.text?.get(start..end)?;
        self.position = end + 1;
        Some(text)
    }

    /// Reads a string with escapes, or of a document that is not all UTF-8.
    #[cold]
    fn quoted_slowly(&mut self, kind: &Quoted) -> Result<String, Box<Fault>> {
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
                    let text = text.finish();
                    if text.len() > kind.length_max {
                        return Err(kind.too_long(&text));
                    }
                    return Ok(text);
                }
                Some(b'\\') => {
                    self.position += 1;
                    self.escape(&mut text)?;
                }
                Some(control) => return Err(self.control_within(control, kind.what)),
                None => return Err(self.end_within(kind.what)),
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

impl Quoted {
    #[cold]
    fn too_long(&self, text: &str) -> Box<Fault> {
        Fault::too_much(self.length, text.len(), self.length_max, self.limit)
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
#[inline(always)]
fn plain_end(bytes: &[u8], start: usize) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    let mut end = start;
    // As many bytes at a time as most strings have, because leaving a loop early or late is what takes time.
    let (chunks, tail) = rest.as_chunks::<16>();
    for chunk in chunks {
        let chunk = u128::from_le_bytes(*chunk);
        let low = special_in(low_64(chunk));
        if low != 0 {
            return end + low.trailing_zeros() as usize / 8;
        }
        let high = special_in(low_64(chunk >> 64));
        if high != 0 {
            return end + 8 + high.trailing_zeros() as usize / 8;
        }
        end += 16;
    }
    let plain = |byte: &u8| *byte >= 0x20 && *byte != b'"' && *byte != b'\\';
    end + tail.iter().take_while(|byte| plain(byte)).count()
}

/// Marks quotes, backslashes and control characters among eight bytes with the highest bit of each. The lowest bit set is
/// right, those above it may not be.
#[inline]
fn special_in(bytes: u64) -> u64 {
    const ONES: u64 = u64::MAX / 0xff;
    const HIGHS: u64 = ONES << 7;
    // A quote and the space change places, so that one comparison finds it and the control characters.
    let below_quotes = (bytes ^ (ONES * 0x02)).wrapping_sub(ONES * 0x21);
    let backslashes = (bytes ^ (ONES * 0x5C)).wrapping_sub(ONES);
    (below_quotes | backslashes) & !bytes & HIGHS
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the other half is looked at by itself"
)]
#[inline]
fn low_64(bytes: u128) -> u64 {
    bytes as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn byte() -> impl Strategy<Value = u8> {
        prop_oneof![8 => Just(b'a'), 4 => any::<u8>(), 1 => Just(b'"'), 1 => Just(b'\\'), 1 => Just(0x1f)]
    }

    proptest! {
        #[test]
        fn plain_part_ends_where_it_does_byte_by_byte(
            bytes in proptest::collection::vec(byte(), 0..60),
            start in 0_usize..8,
        ) {
            let start = start.min(bytes.len());
            let plain = |byte: &&u8| **byte >= 0x20 && **byte != b'"' && **byte != b'\\';
            let expected = start + bytes[start..].iter().take_while(plain).count();
            prop_assert_eq!(plain_end(&bytes, start), expected);
        }
    }
}
