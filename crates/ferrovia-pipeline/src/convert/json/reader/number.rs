//! Numbers, kept as the digits they are written with until it is known what they are needed for.

use super::{Fault, Reader};
use crate::data::Decimal;

/// How many digits a number may have, zeros before it aside.
const MAX_DIGITS: usize = 1_000;
/// Exponents with fewer digits fit every decimal.
const HARMLESS_EXPONENT: usize = 9;

/// A number as it is written, without zeros before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::convert::json) struct Number<'a> {
    /// Its text.
    pub text: &'a str,
    /// Whether it has a fraction or an exponent.
    pub is_float: bool,
}

impl<'a> Reader<'a> {
    /// Reads a number, of which the first byte has been looked at.
    #[inline]
    pub(super) fn number(&mut self) -> Result<Number<'a>, Box<Fault>> {
        let start = self.position;
        if self.peek() == Some(b'-') {
            self.position += 1;
        }
        let first = self.position;
        self.digits();
        if self.position == first {
            return Err(
                self.no_digit("expected digit (0-9) to follow minus sign, for valid numeric value")
            );
        }
        let whole = self.position - first;
        let mut length = whole;
        let mut is_float = false;
        if self.peek() == Some(b'.') {
            is_float = true;
            self.position += 1;
            let fraction = self.digits();
            if fraction == 0 {
                return Err(self.no_fraction());
            }
            length += fraction;
        }
        let mut exponent = 0;
        if let Some(b'e' | b'E') = self.peek() {
            is_float = true;
            self.position += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.position += 1;
            }
            exponent = self.digits();
            if exponent == 0 {
                return Err(self.no_digit("Exponent indicator not followed by a digit"));
            }
            length += exponent;
        }
        if length > MAX_DIGITS {
            let zeros = self.since(first).iter().take_while(|digit| **digit == b'0');
            let length = length - zeros.count().min(whole - 1);
            if length > MAX_DIGITS {
                return Err(Fault::too_much(
                    "Number value length",
                    length,
                    MAX_DIGITS,
                    "NumberLength",
                ));
            }
        }
        let text = str::from_utf8(self.since(start)).unwrap_or_default();
        if exponent >= HARMLESS_EXPONENT && Decimal::parse(text).is_none() {
            return Err(Fault::not_decimal(text));
        }
        Ok(Number { text, is_float })
    }

    /// Skips digits and answers how many there were.
    #[inline]
    fn digits(&mut self) -> usize {
        let start = self.position;
        while let Some(b'0'..=b'9') = self.peek() {
            self.position += 1;
        }
        self.position - start
    }
}

/// A whole number as a long: of what is too large the low 64 bits stay.
#[inline]
pub(in crate::convert::json) fn wrapped(text: &str) -> i64 {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let number = digits.bytes().fold(0_u64, |number, digit| {
        number
            .wrapping_mul(10)
            .wrapping_add(u64::from(digit.wrapping_sub(b'0')))
    });
    let number = number.cast_signed();
    if is_negative {
        number.wrapping_neg()
    } else {
        number
    }
}

/// A number as a double. Java's decimals know no minus zero.
#[inline]
pub(in crate::convert::json) fn double(text: &str) -> f64 {
    let number = text.parse().unwrap_or_default();
    if number == 0.0 && is_zero(text) {
        0.0
    } else {
        number
    }
}

/// A number as a float.
pub(in crate::convert::json) fn float(text: &str) -> f32 {
    let number = text.parse().unwrap_or_default();
    if number == 0.0 && is_zero(text) {
        0.0
    } else {
        number
    }
}

fn is_zero(text: &str) -> bool {
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    mantissa
        .bytes()
        .all(|byte| matches!(byte, b'0' | b'-' | b'.'))
}
