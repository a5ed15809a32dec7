//! Why a replacement is no number, in the words of Java's decimals.
//!
//! # Source
//! `java.math.BigDecimal.BigDecimal(char[], int, int)`

/// How many digits Java reads one by one.
const SHORT_LEN: usize = 18;
/// How many digits an exponent may have behind its zeros.
const EXPONENT_DIGITS_MAX: usize = 10;

/// What is wrong with a text that is no decimal.
pub(super) fn why_refused(text: &str) -> String {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_short = unsigned.encode_utf16().count() <= SHORT_LEN;
    let (mut has_digit, mut has_point) = (false, false);
    let mut letters = unsigned.chars();
    while let Some(letter) = letters.next() {
        let words = match letter {
            '0'..='9' => {
                has_digit = true;
                continue;
            }
            '.' if !has_point => {
                has_point = true;
                continue;
            }
            '.' => "Character array contains more than one decimal point.",
            'e' | 'E' => in_exponent(letters.as_str(), has_digit),
            _ if is_short => {
                return format!(
                    "Character {letter} is neither a decimal digit number, decimal point, nor \"e\" notation \
                     exponential mark."
                );
            }
            _ => "Character array is missing \"e\" notation exponential mark.",
        };
        return words.to_owned();
    }
    "No digits found.".to_owned()
}

fn in_exponent(exponent: &str, has_digit: bool) -> &'static str {
    let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if digits.is_empty() {
        "No exponent digits."
    } else if digits.trim_start_matches('0').len() > EXPONENT_DIGITS_MAX {
        "Too many nonzero exponent digits."
    } else if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        "Not a digit."
    } else if has_digit {
        "Exponent overflow."
    } else {
        "No digits found."
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Java 17 says it.
    #[test]
    fn replacements_are_refused_in_javas_words() {
        let neither = "is neither a decimal digit number, decimal point, nor \"e\" notation exponential mark.";
        for (text, words) in [
            ("***", format!("Character * {neither}")),
            ("+-1", format!("Character - {neither}")),
            ("-", "No digits found.".to_owned()),
            ("e5", "No digits found.".to_owned()),
            ("1ex", "Not a digit.".to_owned()),
            ("1e2147483648", "Exponent overflow.".to_owned()),
            (
                "1e12345678901",
                "Too many nonzero exponent digits.".to_owned(),
            ),
            (
                "1234567890123456789..",
                "Character array contains more than one decimal point.".to_owned(),
            ),
            (
                "1234567890123456789x",
                "Character array is missing \"e\" notation exponential mark.".to_owned(),
            ),
        ] {
            assert_eq!(why_refused(text), words, "{text}");
        }
    }
}
