//! Decimal numbers of any size.

use num_bigint::BigInt;

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
}
