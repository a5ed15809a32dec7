//! The checksum of a batch: CRC-32C (Castagnoli), over everything behind the checksum itself.

/// CRC-32C of some bytes, by the fastest instructions of this processor.
///
/// The crate was chosen by the `crc` benchmark.
#[inline]
pub fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_value_of_the_polynomial_is_right() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(b""), 0);
    }
}
