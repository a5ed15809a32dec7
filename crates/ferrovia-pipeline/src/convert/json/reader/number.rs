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
        let text = match self.text {
            Some(text) => text.get(start..self.position),
            None => str::from_utf8(self.since(start)).ok(),
        };
        let text = text.unwrap_or_default();
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
    if let Some(number) = short_double(text) {
        return number;
    }
    let number = text.parse().unwrap_or_default();
    if number == 0.0 && is_zero(text) {
        0.0
    } else {
        number
    }
}

/// A number of few digits and without an exponent: a quotient of two whole numbers that doubles hold exactly, so that it
/// is rounded once, as it should be.
#[inline]
fn short_double(text: &str) -> Option<f64> {
    const DIGITS_MAX: usize = 15;
    const POWERS: [f64; DIGITS_MAX + 1] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ];
    if text.len() > DIGITS_MAX {
        return None;
    }
    let (mut digits, mut behind_point) = (0_u64, None);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'0'..=b'9' => digits = digits * 10 + u64::from(byte - b'0'),
            b'.' => behind_point = Some(text.len() - at - 1),
            b'-' if at == 0 => {}
            _ => return None,
        }
    }
    let number = digits as f64 / POWERS.get(behind_point.unwrap_or(0))?;
    let is_negative = text.starts_with('-') && digits != 0;
    Some(if is_negative { -number } else { number })
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn short_double_is_what_the_digits_stand_for(text in "-?[0-9]{1,12}(\\.[0-9]{1,12})?") {
            let expected: f64 = text.parse().unwrap();
            prop_assert_eq!(double(&text), expected);
            prop_assert_eq!(short_double(&text).is_some(), text.len() <= 15);
        }
    }

    #[test]
    fn zero_has_no_sign_and_exponents_are_left_to_others() {
        assert!(short_double("-0.00").unwrap().is_sign_positive());
        assert_eq!(short_double("1e5"), None);
        assert_eq!(double("-1.5e3"), -1500.0);
    }
}
