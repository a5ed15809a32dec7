//! Counts as figures that people read.

/// Millions of bytes.
pub(crate) fn megabytes(bytes: u64) -> f64 {
    as_float(bytes) / 1e6
}

/// A count as a figure to divide. Counts beyond 2^53 lose their last digits, which no figure shows.
#[expect(
    clippy::cast_precision_loss,
    reason = "figures are shown with few digits"
)]
pub(crate) fn as_float(count: u64) -> f64 {
    count as f64
}
