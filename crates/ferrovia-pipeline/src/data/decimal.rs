//! Decimal numbers of any size.

use std::fmt;

use num_bigint::{BigInt, Sign};

/// A whole number and where the decimal point stands in it.
///
/// # Source
/// `java.math.BigDecimal`; two are equal only if their scales are, as in Java
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal {
    /// The digits as a whole number.
    pub unscaled: BigInt,
    /// How many of them stand behind the point; below zero, how many zeros follow.
    pub scale: i32,
}

impl Decimal {
    /// `unscaled` × 10^-`scale`
    pub fn new(unscaled: impl Into<BigInt>, scale: i32) -> Self {
        Self {
            unscaled: unscaled.into(),
            scale,
        }
    }

    /// The number that a text stands for, as `new BigDecimal(text)` reads it; `None` where that throws.
    pub fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let (is_negative, whole) = match whole.strip_prefix(['-', '+']) {
            Some(rest) => (whole.starts_with('-'), rest),
            None => (false, whole),
        };
        let digits = [whole, fraction].concat();
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let scale = i64::try_from(fraction.len()).ok()? - exponent;
        let unscaled = BigInt::parse_bytes(digits.as_bytes(), 10)?;
        Some(Self {
            unscaled: if is_negative { -unscaled } else { unscaled },
            scale: i32::try_from(scale).ok()?,
        })
    }

    /// The number of a double's shortest text, as `BigDecimal.valueOf` makes it; `None` for what is no number.
    pub fn from_f64(value: f64) -> Option<Self> {
        let mut text = String::new();
        super::number::write_f64(&mut text, value).ok()?;
        Self::parse(&text)
    }

    /// Whether it is zero.
    pub fn is_zero(&self) -> bool {
        self.unscaled.sign() == Sign::NoSign
    }

    /// The whole number it is, without a fraction; `None` if it has one or if it has more than about `digits` digits.
    pub fn to_whole(&self, digits: i64) -> Option<BigInt> {
        if self.is_zero() {
            return Some(BigInt::ZERO);
        }
        if self.magnitude() > digits || self.magnitude() < 0 {
            return None;
        }
        let power = BigInt::from(10).pow(self.scale.unsigned_abs());
        if self.scale <= 0 {
            return Some(&self.unscaled * power);
        }
        let whole = &self.unscaled / &power;
        (&whole * power == self.unscaled).then_some(whole)
    }

    /// As `longValue()`: the fraction is cut off, and of what is too large the low 64 bits stay.
    pub fn to_i64(&self) -> i64 {
        // Below that scale the low bits are zero, and a number without a digit before the point is none.
        if self.is_zero() || self.scale <= -64 || self.magnitude() < 0 {
            return 0;
        }
        let power = BigInt::from(10).pow(self.scale.unsigned_abs());
        low_bits(&if self.scale > 0 {
            &self.unscaled / power
        } else {
            &self.unscaled * power
        })
    }

    /// As `doubleValue()`.
    pub fn to_f64(&self) -> f64 {
        if self.is_zero() {
            return 0.0;
        }
        self.digits_and_exponent().parse().unwrap_or(f64::NAN)
    }

    /// As `floatValue()`.
    pub fn to_f32(&self) -> f32 {
        if self.is_zero() {
            return 0.0;
        }
        self.digits_and_exponent().parse().unwrap_or(f32::NAN)
    }

    /// The place of the first digit: 0 for ones, 1 for tens, -1 for tenths.
    pub fn magnitude(&self) -> i64 {
        let digits = self.unscaled.magnitude().to_string().len();
        i64::try_from(digits).unwrap_or(i64::MAX) - 1 - i64::from(self.scale)
    }

    fn digits_and_exponent(&self) -> String {
        format!("{}e{}", self.unscaled, -i64::from(self.scale))
    }
}

/// The low 64 bits of a whole number, as `BigInteger.longValue()` gives them.
pub fn low_bits(number: &BigInt) -> i64 {
    let magnitude = number.magnitude().iter_u64_digits().next().unwrap_or(0);
    let low = magnitude.cast_signed();
    if number.sign() == Sign::Minus {
        low.wrapping_neg()
    } else {
        low
    }
}

/// Java takes ten digits at most, zeros before them aside, and a number of 32 bits.
fn parse_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let significant = digits.trim_start_matches('0');
    if significant.len() > 10 {
        return None;
    }
    let value: i64 = if significant.is_empty() {
        0
    } else {
        significant.parse().ok()?
    };
    let value = if text.starts_with('-') { -value } else { value };
    i32::try_from(value).ok().map(i64::from)
}

/// As `toString()`: with an exponent where the scale is negative or the first digit is far behind the point.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scale == 0 {
            return self.unscaled.fmt(f);
        }
        if self.unscaled.sign() == Sign::Minus {
            f.write_str("-")?;
        }
        let digits = self.unscaled.magnitude().to_string();
        let count = i64::try_from(digits.len()).unwrap_or(i64::MAX);
        let magnitude = count - 1 - i64::from(self.scale);
        if self.scale > 0 && magnitude >= -6 {
            let before = count - i64::from(self.scale);
            return match usize::try_from(before) {
                Ok(before @ 1..) => {
                    let (whole, fraction) = digits.split_at(before);
                    write!(f, "{whole}.{fraction}")
                }
                _ => {
                    let zeros = usize::try_from(-before).unwrap_or_default();
                    write!(f, "0.{:0<zeros$}{digits}", "")
                }
            };
        }
        let (first, rest) = digits.split_at(1);
        f.write_str(first)?;
        if !rest.is_empty() {
            write!(f, ".{rest}")?;
        }
        match magnitude {
            0 => Ok(()),
            _ => write!(f, "E{magnitude:+}"),
        }
    }
}
