//! Variable-length integers of the record format: seven bits a byte, least significant first, signed ones in zigzag.
//!
//! The hot loop of the reader. Almost all lengths and deltas take one or two bytes, and are decided by two well-predicted
//! branches, which measured twice as fast as gathering every value from an eight-byte load (8 against 15 ns a record).
//! Longer values take that load, out of line; the last few bytes of a batch and values over 56 bits take a loop.
//!
//! # Source
//! `org.apache.kafka.common.utils.ByteUtils`. Unlike Java, bits beyond the width are refused instead of dropped.

const CONTINUES: u64 = 0x8080_8080_8080_8080;

/// Reads an unsigned value of up to 64 bits and gives the bytes after it; `None` if it is cut off or too wide.
#[inline(always)]
pub(super) fn read_u64(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    if first < 0x80 {
        return Some((u64::from(first), rest));
    }
    match rest.split_first() {
        Some((&second, rest)) if second < 0x80 => {
            Some((u64::from(first & 0x7f) | u64::from(second) << 7, rest))
        }
        _ => read_long_u64(bytes),
    }
}

/// Reads a value of three bytes or more.
#[inline(never)]
fn read_long_u64(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let Some(chunk) = bytes.first_chunk::<8>() else {
        return read_u64_bytewise(bytes);
    };
    let word = u64::from_le_bytes(*chunk);
    let stops = !word & CONTINUES;
    if stops == 0 {
        return read_u64_bytewise(bytes);
    }
    // Everything up to and including the first byte without a continuation bit.
    let kept = word & (stops ^ (stops - 1));
    let pairs = (kept & 0x007f_007f_007f_007f) | ((kept & 0x7f00_7f00_7f00_7f00) >> 1);
    let quads = (pairs & 0x0000_3fff_0000_3fff) | ((pairs & 0x3fff_0000_3fff_0000) >> 2);
    let value = (quads & 0x0000_0000_0fff_ffff) | ((quads & 0x0fff_ffff_0000_0000) >> 4);
    let length = stops.trailing_zeros() / 8 + 1;
    Some((value, bytes.get(length as usize..)?))
}

/// Reads an unsigned value of up to 32 bits.
#[inline(always)]
pub(super) fn read_u32(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (value, rest) = read_u64(bytes)?;
    Some((u32::try_from(value).ok()?, rest))
}

/// Reads a signed 64-bit value.
#[inline(always)]
pub(super) fn read_i64(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (value, rest) = read_u64(bytes)?;
    Some((
        (value >> 1).cast_signed() ^ -(value & 1).cast_signed(),
        rest,
    ))
}

/// Reads a signed 32-bit value.
#[inline(always)]
pub(super) fn read_i32(bytes: &[u8]) -> Option<(i32, &[u8])> {
    let (value, rest) = read_u32(bytes)?;
    Some((
        (value >> 1).cast_signed() ^ -(value & 1).cast_signed(),
        rest,
    ))
}

/// Zigzag of a signed 64-bit value.
pub(super) const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

/// A length as it is written, which is signed.
pub(super) const fn of_length(length: usize) -> u64 {
    (length as u64) << 1
}

/// Bytes that an unsigned value takes: 1 to 10.
pub(super) const fn length(value: u64) -> usize {
    let bits = 64 - (value | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

/// Writes an unsigned value byte by byte. `put` had better store them where they belong: a copy of bytes that were just
/// stored one by one waits for them, and costs more than it gathers.
#[inline(always)]
pub(super) fn write_u64(mut value: u64, mut put: impl FnMut(u8)) {
    while value >= 0x80 {
        let [low, ..] = value.to_le_bytes();
        put(low | 0x80);
        value >>= 7;
    }
    let [low, ..] = value.to_le_bytes();
    put(low);
}

#[cold]
fn read_u64_bytewise(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    let mut rest = bytes;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        rest = after;
        let bits = u64::from(byte & 0x7f);
        // The tenth byte has room for one bit only.
        if shift == 63 && bits > 1 {
            return None;
        }
        value |= bits << shift;
        if byte < 0x80 {
            return Some((value, rest));
        }
    }
    None
}

#[cfg(test)]
mod tests;
