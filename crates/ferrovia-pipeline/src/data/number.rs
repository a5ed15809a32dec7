//! Floating-point numbers as Java 17 prints them, which is part of what sinks and converters write.
//!
//! Java's digits before version 19 are not always the shortest ones (`2.0E-3` is fine, but `2.2250738585072014E-308` or
//! `1.0E23` come out with a digit more or another last digit). The rules that make them so are repeated here: when the
//! number counts as a whole one, how wide the arithmetic is, and when the loop stops.
//!
//! # Source
//! `Double.toString` and `Float.toString` of Java 17 (`jdk.internal.math.FloatingDecimal`), JDK-4511638

use std::cmp::Ordering;
use std::fmt;

use num_bigint::BigUint;

/// Writes a double as `Double.toString` does.
///
/// # Errors
/// Those of `out`.
pub fn write_f64(out: &mut impl fmt::Write, value: f64) -> fmt::Result {
    if let Some(text) = special(value) {
        return out.write_str(text);
    }
    if value.is_sign_negative() {
        out.write_char('-')?;
    }
    let bits = value.to_bits();
    let stored = bits & ((1 << 52) - 1);
    let exponent = i32::try_from((bits >> 52) & 0x7ff).unwrap_or_default();
    let (fraction, exponent, significant) = if exponent == 0 {
        let lost = stored.leading_zeros().cast_signed() - 11;
        (stored << lost, 1 - lost, 53 - lost)
    } else {
        (stored | 1 << 52, exponent, 53)
    };
    Digits::of(fraction, exponent - 1023, significant).write(out)
}

/// Writes a float as `Float.toString` does.
///
/// # Errors
/// Those of `out`.
pub fn write_f32(out: &mut impl fmt::Write, value: f32) -> fmt::Result {
    if let Some(text) = special(f64::from(value)) {
        return out.write_str(text);
    }
    if value.is_sign_negative() {
        out.write_char('-')?;
    }
    let bits = value.to_bits();
    let stored = bits & ((1 << 23) - 1);
    let exponent = i32::try_from((bits >> 23) & 0xff).unwrap_or_default();
    let (fraction, exponent, significant) = if exponent == 0 {
        let lost = stored.leading_zeros().cast_signed() - 8;
        (stored << lost, 1 - lost, 24 - lost)
    } else {
        (stored | 1 << 23, exponent, 24)
    };
    Digits::of(u64::from(fraction) << 29, exponent - 127, significant).write(out)
}

fn special(value: f64) -> Option<&'static str> {
    if value.is_nan() {
        Some("NaN")
    } else if value.is_infinite() {
        Some(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else if value == 0.0 {
        Some(if value.is_sign_negative() {
            "-0.0"
        } else {
            "0.0"
        })
    } else {
        None
    }
}

/// Decimal digits, and how many of them stand before the point.
struct Digits {
    text: [u8; Self::MOST],
    len: usize,
    exponent: i32,
}

/// A number as fractions that are scaled to whole numbers: `fraction` × 5^`b5` × 2^`b2` over 5^`s5` × 2^`s2`, and half
/// the distance to its neighbours as 5^`b5` × 2^`m2`.
struct Scaled {
    fraction: u64,
    b5: i32,
    b2: i32,
    s5: i32,
    s2: i32,
    m2: i32,
    exponent: i32,
}

/// How the last digit is found.
struct Stop {
    low: bool,
    high: bool,
    /// What remains, doubled, against ten: where the remainder is in the middle.
    middle: Ordering,
}

impl Digits {
    /// More digits than Java ever makes of a double.
    const MOST: usize = 32;

    /// The digits of `fraction` × 2^(`exponent` - 52), where bit 52 of the fraction is set and `significant` bits count.
    fn of(fraction: u64, exponent: i32, significant: i32) -> Self {
        let tail = fraction.trailing_zeros().cast_signed();
        let fraction_bits = 53 - tail;
        let tiny_bits = (fraction_bits - exponent - 1).max(0);
        if tiny_bits == 0 && (-21..=62).contains(&exponent) {
            return Self::of_whole(fraction, exponent, significant);
        }
        let decimal = estimate(fraction, exponent);
        let b5 = (-decimal).max(0);
        let s5 = decimal.max(0);
        let b2 = b5 + tiny_bits + exponent;
        let s2 = s5 + tiny_bits;
        let m2 = b2 - significant;
        let b2 = b2 - (fraction_bits - 1);
        let shared = b2.min(s2);
        let (mut b2, mut s2, mut m2) = (b2 - shared, s2 - shared, m2 - shared);
        if fraction_bits == 1 {
            // Below a power of two the neighbour is half as far away.
            m2 -= 1;
        }
        if m2 < 0 {
            b2 -= m2;
            s2 -= m2;
            m2 = 0;
        }
        Self::develop(&Scaled {
            fraction: fraction >> tail,
            b5,
            b2,
            s5,
            s2,
            m2,
            exponent: decimal,
        })
    }

    fn develop(scaled: &Scaled) -> Self {
        let mut digits = Self {
            text: [b'0'; Self::MOST],
            len: 0,
            exponent: scaled.exponent,
        };
        let fraction_bits = 64 - scaled.fraction.leading_zeros().cast_signed();
        let b_bits = fraction_bits + scaled.b2 + bits_of_five(scaled.b5);
        let ten_s_bits = scaled.s2 + 1 + bits_of_five(scaled.s5 + 1);
        let stop = if b_bits < 32 && ten_s_bits < 32 {
            digits.develop_i32(scaled)
        } else if b_bits < 64 && ten_s_bits < 64 {
            digits.develop_i64(scaled)
        } else {
            digits.develop_big(scaled)
        };
        digits.exponent += 1;
        let rounds_up = match (stop.high, stop.low) {
            (true, false) => true,
            (true, true) => match stop.middle {
                Ordering::Equal => digits.last() & 1 == 1,
                order => order == Ordering::Greater,
            },
            (false, _) => false,
        };
        if rounds_up {
            digits.round_up();
        }
        digits
    }

    /// A whole number. Of powers of two beyond the significant bits the last digits do not count.
    fn of_whole(fraction: u64, exponent: i32, significant: i32) -> Self {
        let insignificant = if exponent > significant {
            insignificant_digits(exponent - significant - 1)
        } else {
            0
        };
        let mut whole = if exponent >= 52 {
            fraction << (exponent - 52)
        } else {
            fraction >> (52 - exponent)
        };
        let mut exponent = 0;
        if insignificant != 0 {
            let power = 10_u64.pow(insignificant.cast_unsigned());
            let rest = whole % power;
            whole /= power;
            exponent += insignificant;
            whole += u64::from(rest >= power / 2);
        }
        while whole.is_multiple_of(10) && whole != 0 {
            whole /= 10;
            exponent += 1;
        }
        let mut digits = Self {
            text: [b'0'; Self::MOST],
            len: 0,
            exponent: 0,
        };
        for digit in whole.to_string().bytes() {
            digits.push(u64::from(digit - b'0'));
            exponent += 1;
        }
        digits.exponent = exponent;
        digits
    }

    /// With numbers of any size. Unlike the narrow arithmetic this takes a tie at the top as the end.
    fn develop_big(&mut self, scaled: &Scaled) -> Stop {
        let power = |five: i32, two: i32| {
            BigUint::from(5_u32).pow(five.cast_unsigned()) << two.cast_unsigned()
        };
        let s = power(scaled.s5, scaled.s2);
        let mut b = power(scaled.b5, scaled.b2) * scaled.fraction;
        let mut m = power(scaled.b5, scaled.m2) * 10_u32;
        let tens = &s * 10_u32;
        let step = |b: &mut BigUint| {
            let digit = &*b / &s;
            *b = (&*b - &digit * &s) * 10_u32;
            u64::try_from(digit).unwrap_or_default()
        };
        let digit = step(&mut b);
        let mut low = b < m;
        let mut high = &b + &m >= tens;
        self.first(digit, high);
        if self.must_have_two() {
            (low, high) = (false, false);
        }
        while !low && !high {
            let digit = step(&mut b);
            m *= 10_u32;
            low = b < m;
            high = &b + &m >= tens;
            self.push(digit);
        }
        Stop {
            low,
            high,
            middle: (b << 1_u32).cmp(&tens),
        }
    }

    fn first(&mut self, digit: u64, high: bool) {
        if digit == 0 && !high {
            // The estimate was one too high.
            self.exponent -= 1;
        } else {
            self.push(digit);
        }
    }

    /// Whether the number will be shown with an exponent, where a digit behind the point is always looked for.
    fn must_have_two(&self) -> bool {
        self.exponent < -3 || self.exponent >= 8
    }

    fn push(&mut self, digit: u64) {
        if let Some(slot) = self.text.get_mut(self.len) {
            *slot = b'0' + u8::try_from(digit).unwrap_or_default();
            self.len += 1;
        }
    }

    fn text(&self) -> &str {
        let digits = self.text.get(..self.len).unwrap_or_default();
        str::from_utf8(digits).unwrap_or_default()
    }

    fn last(&self) -> u8 {
        self.text().as_bytes().last().copied().unwrap_or_default()
    }

    fn round_up(&mut self) {
        for slot in self.text.iter_mut().take(self.len).rev() {
            if *slot != b'9' {
                *slot += 1;
                return;
            }
            *slot = b'0';
        }
        // All were nines.
        self.exponent += 1;
        self.text[0] = b'1';
    }

    fn write(&self, out: &mut impl fmt::Write) -> fmt::Result {
        let text = self.text();
        let exponent = self.exponent;
        match usize::try_from(exponent) {
            Ok(before @ 1..8) => {
                let (whole, rest) = text.split_at(before.min(text.len()));
                let rest = if rest.is_empty() { "0" } else { rest };
                write!(out, "{whole:0<before$}.{rest}")
            }
            _ if exponent <= 0 && exponent > -3 => {
                let zeros = usize::try_from(-exponent).unwrap_or_default();
                write!(out, "0.{:0<zeros$}{text}", "")
            }
            _ => {
                let (first, rest) = text.split_at(1.min(text.len()));
                let rest = if rest.is_empty() { "0" } else { rest };
                write!(out, "{first}.{rest}E{}", exponent - 1)
            }
        }
    }
}

/// Java computes in 32 or 64 bits where the numbers fit, overflow included.
macro_rules! develop {
    ($name:ident, $number:ty) => {
        impl Digits {
            fn $name(&mut self, scaled: &Scaled) -> Stop {
                let five = |power: i32| {
                    let base: $number = 5;
                    base.wrapping_pow(power.cast_unsigned())
                };
                let fraction = <$number>::try_from(scaled.fraction).unwrap_or_default();
                let mut b = fraction
                    .wrapping_mul(five(scaled.b5))
                    .wrapping_shl(scaled.b2.cast_unsigned());
                let s = five(scaled.s5).wrapping_shl(scaled.s2.cast_unsigned());
                let mut m = five(scaled.b5).wrapping_shl(scaled.m2.cast_unsigned());
                let tens = s.wrapping_mul(10);
                let step = |b: &mut $number| {
                    let digit = *b / s;
                    *b = (*b % s).wrapping_mul(10);
                    u64::try_from(digit).unwrap_or_default()
                };
                let digit = step(&mut b);
                m = m.wrapping_mul(10);
                let mut low = b < m;
                let mut high = b.wrapping_add(m) > tens;
                self.first(digit, high);
                if self.must_have_two() {
                    (low, high) = (false, false);
                }
                while !low && !high {
                    let digit = step(&mut b);
                    m = m.wrapping_mul(10);
                    // Where it has overflown it is larger than the remainder for certain.
                    low = m <= 0 || b < m;
                    high = m <= 0 || b.wrapping_add(m) > tens;
                    self.push(digit);
                }
                let twice = b.wrapping_shl(1).wrapping_sub(tens);
                Stop {
                    low,
                    high,
                    middle: twice.cmp(&0),
                }
            }
        }
    };
}

develop!(develop_i32, i32);
develop!(develop_i64, i64);

/// Which power of ten a number begins with: right, or one too high.
#[expect(
    clippy::cast_possible_truncation,
    reason = "exponents of doubles have three digits"
)]
#[expect(
    clippy::approx_constant,
    reason = "the constants are the JDK's, so that the text is"
)]
fn estimate(fraction: u64, exponent: i32) -> i32 {
    let mantissa = f64::from_bits((1023 << 52) | (fraction & ((1 << 52) - 1)));
    let power = (mantissa - 1.5) * 0.289_529_654
        + 0.176_091_259
        + f64::from(exponent) * 0.301_029_995_663_981;
    power.floor() as i32
}

/// How many bits 5^`power` has; beyond 26 an upper bound. Java's table says none for 1.
fn bits_of_five(power: i32) -> i32 {
    match power {
        0 => 0,
        1..27 => {
            64 - 5_u64
                .pow(power.cast_unsigned())
                .leading_zeros()
                .cast_signed()
        }
        _ => power * 3,
    }
}

/// How many digits of a number say nothing when its `power` last bits do not count.
fn insignificant_digits(power: i32) -> i32 {
    if power > 1 && power < 64 {
        (1_u64 << power).ilog10().cast_signed()
    } else {
        0
    }
}
