//! Bytes as text in the standard alphabet.
//!
//! # Source
//! RFC 4648; reading is as lenient as Jackson's `MIME-NO-LINEFEEDS`: white space between groups is skipped, bits that
//! are left over are ignored, padding is demanded

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The text of bytes, padded.
pub(crate) fn encoded(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let at = |index: usize| u32::from(group.get(index).copied().unwrap_or_default());
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4 {
            let digit = usize::try_from(bits >> (18 - 6 * place) & 0x3F).unwrap_or_default();
            let is_padding = place > group.len();
            let letter = ALPHABET.get(digit).copied().unwrap_or_default();
            text.push(char::from(if is_padding { b'=' } else { letter }));
        }
    }
    text
}

/// What is wrong with a text, in Jackson's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Base64Error {
    /// It ends within a group.
    #[error(
        "Unexpected end of base64-encoded String: base64 variant 'MIME-NO-LINEFEEDS' expects padding (one or more '=' \
         characters) at the end. This Base64Variant might have been incorrectly configured"
    )]
    End,
    /// White space within a group.
    #[error(
        "Illegal white space character (code 0x{code:x}) as character #{place} of 4-char base64 unit: can only used \
         between units"
    )]
    Space {
        /// The character.
        code: u8,
        /// Its place in the group, from 1.
        place: u8,
    },
    /// Padding where a group must go on.
    #[error(
        "Unexpected padding character ('=') as character #{0} of 4-char base64 unit: padding only legal as 3rd or 4th \
         character"
    )]
    Padding(u8),
    /// Half a padding.
    #[error("Illegal character '{0}' (code 0x{code:x}) in base64 content: expected padding character '='", code = u32::from(*.0))]
    NoPadding(char),
    /// A character that means nothing.
    #[error("Illegal character '{0}' (code 0x{code:x}) in base64 content", code = u32::from(*.0))]
    Unknown(char),
}

/// The bytes of a text.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn decoded(text: &str) -> Result<Vec<u8>, Base64Error> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let mut letters = text.chars();
    // White space is skipped only before a group.
    while let Some(first) = letters.find(|letter| *letter > ' ') {
        let first = digit(first, 1)?;
        let second = digit(letters.next().ok_or(Base64Error::End)?, 2)?;
        bytes.push(low_8(first << 2 | second >> 4));
        let third = letters.next().ok_or(Base64Error::End)?;
        if third == '=' {
            match letters.next() {
                Some('=') => continue,
                Some(other) => return Err(Base64Error::NoPadding(other)),
                None => return Err(Base64Error::End),
            }
        }
        let third = digit(third, 3)?;
        bytes.push(low_8(second << 4 | third >> 2));
        let fourth = letters.next().ok_or(Base64Error::End)?;
        if fourth != '=' {
            bytes.push(low_8(third << 6 | digit(fourth, 4)?));
        }
    }
    Ok(bytes)
}

fn digit(letter: char, place: u8) -> Result<u32, Base64Error> {
    match u8::try_from(letter) {
        Ok(upper @ b'A'..=b'Z') => Ok(u32::from(upper - b'A')),
        Ok(lower @ b'a'..=b'z') => Ok(u32::from(lower - b'a') + 26),
        Ok(number @ b'0'..=b'9') => Ok(u32::from(number - b'0') + 52),
        Ok(b'+') => Ok(62),
        Ok(b'/') => Ok(63),
        Ok(b'=') => Err(Base64Error::Padding(place)),
        Ok(code @ 0..=b' ') => Err(Base64Error::Space { code, place }),
        _ => Err(Base64Error::Unknown(letter)),
    }
}

fn low_8(bits: u32) -> u8 {
    let [low, ..] = bits.to_le_bytes();
    low
}
