//! JSON that is not written in UTF-8.
//!
//! # Source
//! `com.fasterxml.jackson.core.json.ByteSourceJsonBootstrapper`: the encoding is seen from the first bytes, because a
//! document begins with an ASCII character

/// The text of a document in UTF-16 or UTF-32; `None` for what is UTF-8 or looks like it.
pub(super) fn transcoded(bytes: &[u8]) -> Option<String> {
    let (width, is_big_endian, skipped) = detected(bytes)?;
    let body = bytes.get(skipped..)?;
    let unit = |chunk: &[u8]| {
        let push = |unit: u32, byte: &u8| unit << 8 | u32::from(*byte);
        if is_big_endian {
            chunk.iter().fold(0, push)
        } else {
            chunk.iter().rev().fold(0, push)
        }
    };
    let units = body.chunks_exact(width).map(unit);
    if width == 4 {
        let characters = units.map(|unit| char::from_u32(unit).unwrap_or('\u{fffd}'));
        return Some(characters.collect());
    }
    let units = units.map(|unit| u16::try_from(unit).unwrap_or_default());
    let characters = char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{fffd}'));
    Some(characters.collect())
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
