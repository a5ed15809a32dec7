//! JSON that is not written in UTF-8.
//!
//! # Source
//! `com.fasterxml.jackson.core.json.ByteSourceJsonBootstrapper`: the encoding is seen from the first bytes, because a
//! document begins with an ASCII character

use std::ops::RangeInclusive;

/// What stands for bytes that are no character.
const WRONG: char = char::REPLACEMENT_CHARACTER;
/// The first halves of surrogate pairs.
const FIRST_HALVES: RangeInclusive<u16> = 0xD800..=0xDBFF;

/// The text of a document in UTF-16 or UTF-32; `None` for what is UTF-8 or looks like it.
pub(super) fn transcoded(bytes: &[u8]) -> Option<String> {
    let (width, is_big_endian, skipped) = detected(bytes)?;
    let chunks = bytes.get(skipped..)?.chunks_exact(width);
    let is_cut = !chunks.remainder().is_empty();
    let units = chunks.map(|chunk| {
        let push = |unit: u32, byte: &u8| unit << 8 | u32::from(*byte);
        if is_big_endian {
            chunk.iter().fold(0, push)
        } else {
            chunk.iter().rev().fold(0, push)
        }
    });
    Some(if width == 4 {
        utf32(units, is_cut)
    } else {
        let units = units.map(|unit| u16::try_from(unit).unwrap_or_default());
        utf16(units, is_cut)
    })
}

/// As Java's decoder: the first half of a pair takes the unit behind it away, even if that is no second half.
fn utf16(mut units: impl Iterator<Item = u16>, is_cut: bool) -> String {
    let mut text = String::new();
    while let Some(unit) = units.next() {
        if !FIRST_HALVES.contains(&unit) {
            text.extend(char::decode_utf16([unit]).map(|one| one.unwrap_or(WRONG)));
            continue;
        }
        let Some(next) = units.next() else {
            text.push(WRONG);
            return text;
        };
        let pair = char::decode_utf16([unit, next]).next();
        text.push(pair.and_then(Result::ok).unwrap_or(WRONG));
    }
    if is_cut {
        text.push(WRONG);
    }
    text
}

fn utf32(units: impl Iterator<Item = u32> + Clone, is_cut: bool) -> String {
    if units.clone().any(|unit| unit > u32::from(char::MAX)) {
        // Jackson refuses the whole document, wherever the unit stands. No JSON begins with this character.
        return WRONG.into();
    }
    let mut text: String = units
        .map(|unit| char::from_u32(unit).unwrap_or(WRONG))
        .collect();
    if is_cut {
        text.push(WRONG);
    }
    text
}

/// How wide a unit is, whether its first byte is the highest, and how many bytes stand before the text.
fn detected(bytes: &[u8]) -> Option<(usize, bool, usize)> {
    match *bytes {
        [0, 0, 0xFE, 0xFF, ..] => Some((4, true, 4)),
        [0xFF, 0xFE, 0, 0, ..] => Some((4, false, 4)),
        [0xFE, 0xFF, _, _, ..] => Some((2, true, 2)),
        [0xFF, 0xFE, _, _, ..] => Some((2, false, 2)),
        [0, 0, 0, _, ..] => Some((4, true, 0)),
        [_, 0, 0, 0, ..] => Some((4, false, 0)),
        [0, _, ..] => Some((2, true, 0)),
        [_, 0, ..] => Some((2, false, 0)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_cut_as_java_cuts_them() {
        let text = |bytes: &[u8]| transcoded(bytes).unwrap();
        assert_eq!(text(b"\0a\0"), "a\u{fffd}");
        assert_eq!(text(b"\0a\xd8\xff\0n\0b"), "a\u{fffd}b");
        assert_eq!(text(b"\0a\xdc\0\0n"), "a\u{fffd}n");
        assert_eq!(text(b"\0a\xd8\xff\0"), "a\u{fffd}");
        assert_eq!(text(b"\0a\xd8\x3d\xde\0"), "a😀");
        assert_eq!(text(b"\0\0\0a\0\0"), "a\u{fffd}");
        assert_eq!(text(b"\0\0\0a\0\x11\0\0"), "\u{fffd}");
    }
}
