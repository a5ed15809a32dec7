//! From text to a number, as the parsers of Java's number classes read it and refuse it.

use std::str::FromStr;

use crate::data::{SchemaType, Value};
use crate::error::ConnectError;

/// What a text says. The error is the one that Java's parser throws.
pub(super) fn read(text: &str, target: SchemaType) -> Result<Value<'static>, ConnectError> {
    Ok(match target {
        SchemaType::Int8 => Value::Int8(read_narrow(text)?),
        SchemaType::Int16 => Value::Int16(read_narrow(text)?),
        SchemaType::Int32 => Value::Int32(read_whole(text)?),
        SchemaType::Int64 => Value::Int64(read_whole(text)?),
        SchemaType::Float32 => Value::Float32(read_float(text)?),
        SchemaType::Float64 => Value::Float64(read_float(text)?),
        _ => Value::Boolean(text.eq_ignore_ascii_case("true")),
    })
}

/// Java reads an `int` and then looks whether it is small enough.
fn read_narrow<N: TryFrom<i32>>(text: &str) -> Result<N, ConnectError> {
    N::try_from(read_whole(text)?).map_err(|_| {
        let message = format!("Value out of range. Value:\"{text}\" Radix:10");
        number_format(message)
    })
}

fn read_whole<N: FromStr>(text: &str) -> Result<N, ConnectError> {
    text.parse().map_err(|_| for_input(text))
}

/// Java takes white space around a number and a letter of its type behind it, and writes the special ones in one way.
/// Its hexadecimal form is not known here.
fn read_float<F: FromStr>(text: &str) -> Result<F, ConnectError> {
    let trimmed = text.trim_matches(|letter| letter <= ' ');
    let refused = || no_float(trimmed);
    let unsigned = trimmed.strip_prefix(['+', '-']).unwrap_or(trimmed);
    if matches!(unsigned, "NaN" | "Infinity") {
        return trimmed.parse().map_err(|_| refused());
    }
    let digits = trimmed
        .strip_suffix(['f', 'F', 'd', 'D'])
        .unwrap_or(trimmed);
    let is_number = |byte: u8| byte.is_ascii_digit() || b".+-eE".contains(&byte);
    if !digits.bytes().all(is_number) {
        return Err(refused());
    }
    digits.parse().map_err(|_| refused())
}

/// Why a text without white space around it is no number with a fraction.
fn no_float(trimmed: &str) -> ConnectError {
    if trimmed.is_empty() {
        return number_format("empty String".to_owned());
    }
    let unsigned = trimmed.strip_prefix(['+', '-']).unwrap_or(trimmed);
    let begin = unsigned.split(|letter: char| !letter.is_ascii_digit() && letter != '.');
    let points = begin.take(1).flat_map(|begin| begin.matches('.'));
    if points.count() > 1 {
        return number_format("multiple points".to_owned());
    }
    for_input(trimmed)
}

fn for_input(text: &str) -> ConnectError {
    number_format(format!("For input string: \"{text}\""))
}

fn number_format(message: String) -> ConnectError {
    ConnectError::java("java.lang.NumberFormatException", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Java 17 says it.
    #[test]
    fn refused_texts_are_told_in_javas_words() {
        let said = |text: &str, target| read(text, target).unwrap_err().to_string();
        let (byte, int, float) = (SchemaType::Int8, SchemaType::Int32, SchemaType::Float32);
        for (text, target, words) in [
            ("text", byte, "For input string: \"text\""),
            ("", int, "For input string: \"\""),
            (" 1", int, "For input string: \" 1\""),
            ("-129", byte, "Value out of range. Value:\"-129\" Radix:10"),
            ("2147483648", byte, "For input string: \"2147483648\""),
            ("2147483648", int, "For input string: \"2147483648\""),
            (" \t", float, "empty String"),
            (" 1.5x ", float, "For input string: \"1.5x\""),
            ("+1..5", float, "multiple points"),
            ("1.5e.", float, "For input string: \"1.5e.\""),
            ("x..", float, "For input string: \"x..\""),
        ] {
            assert_eq!(said(text, target), words);
        }
    }
}
