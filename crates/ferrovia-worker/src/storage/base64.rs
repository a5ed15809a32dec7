//! Bytes as text in the standard alphabet, as `java.util.Base64` reads and writes them.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The text of bytes, padded.
pub(super) fn encoded(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let at = |index: usize| u32::from(group.get(index).copied().unwrap_or_default());
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4_usize {
            let digit = usize::try_from(bits >> (18 - 6 * place) & 0x3f).unwrap_or_default();
            let letter = ALPHABET.get(digit).copied().unwrap_or_default();
            text.push(char::from(if place > group.len() { b'=' } else { letter }));
        }
    }
    text
}

/// The bytes of a text; `None` if it is none that Java's strict decoder reads. Padding may be left out.
pub(super) fn decoded(text: &str) -> Option<Vec<u8>> {
    let unpadded = text.trim_end_matches('=');
    let padding = text.len() - unpadded.len();
    let is_padded_rightly = padding == 0 || (padding <= 2 && text.len().is_multiple_of(4));
    if !is_padded_rightly || unpadded.len() % 4 == 1 {
        return None;
    }
    let mut bytes = Vec::with_capacity(unpadded.len() * 3 / 4);
    for group in unpadded.as_bytes().chunks(4) {
        let mut bits = 0_u32;
        for place in 0..4 {
            let digit = match group.get(place) {
                Some(letter) => ALPHABET.iter().position(|known| known == letter)?,
                None => 0,
            };
            bits = bits << 6 | u32::try_from(digit).ok()?;
        }
        let [_, first, second, third] = bits.to_be_bytes();
        bytes.extend([first, second, third].into_iter().take(group.len() - 1));
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive_the_way_there_and_back() {
        for length in 0..50_u8 {
            let bytes: Vec<u8> = (0..length).map(|byte| byte.wrapping_mul(37)).collect();
            assert_eq!(decoded(&encoded(&bytes)), Some(bytes));
        }
        assert_eq!(encoded(&[0]), "AA==");
        assert_eq!(decoded("AA"), Some(vec![0]));
    }

    #[test]
    fn what_java_refuses_is_refused() {
        for text in ["A", "A===", "AA=", "AA ==", "A-==", "=", "AAAA=", "é"] {
            assert_eq!(decoded(text), None, "{text}");
        }
    }
}
