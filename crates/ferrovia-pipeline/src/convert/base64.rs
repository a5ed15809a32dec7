//! Bytes as text in the standard alphabet.
//!
//! # Source
//! RFC 4648

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
