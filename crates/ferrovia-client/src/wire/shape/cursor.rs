//! A reading position in bytes that nobody vouches for.

use thiserror::Error;

/// Why bytes are not the message they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ShapeError {
    /// The message ends inside a field.
    #[error("{field} needs {needed} bytes where {left} are left")]
    Short {
        /// The field that does not fit.
        field: &'static str,
        /// Bytes the field should have.
        needed: usize,
        /// Bytes that are there.
        left: usize,
    },
    /// An array claims more elements than there are bytes.
    #[error("{field} claims {count} elements where {left} bytes are left")]
    Count {
        /// The array.
        field: &'static str,
        /// Elements it claims to have.
        count: usize,
        /// Bytes that are there.
        left: usize,
    },
    /// A length below zero, or a null where none is allowed.
    #[error("{field} has length {length}")]
    NegativeLength {
        /// The field.
        field: &'static str,
        /// Its length.
        length: i64,
    },
    /// A variable-length integer of more than 32 bits.
    #[error("{field} has a length that is not a 32-bit number")]
    Varint {
        /// The field.
        field: &'static str,
    },
    /// A tagged field whose contents do not fill its declared size.
    #[error("tagged field {field} does not have the size it declares")]
    TagSize {
        /// The field.
        field: &'static str,
    },
    /// Bytes after the end of the message.
    #[error("{left} bytes follow the message")]
    TrailingBytes {
        /// How many.
        left: usize,
    },
}

/// A position in a byte slice; every step is checked.
#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    pub(crate) fn position(&self) -> usize {
        self.position
    }

    pub(crate) fn remaining(&self) -> usize {
        self.bytes.len().saturating_sub(self.position)
    }

    pub(super) fn fixed(&mut self, length: usize, field: &'static str) -> Result<(), ShapeError> {
        let left = self.remaining();
        if length > left {
            return Err(ShapeError::Short {
                field,
                needed: length,
                left,
            });
        }
        self.position += length;
        Ok(())
    }

    pub(super) fn i16(&mut self, field: &'static str) -> Result<i16, ShapeError> {
        self.array(field).map(i16::from_be_bytes)
    }

    pub(super) fn i32(&mut self, field: &'static str) -> Result<i32, ShapeError> {
        self.array(field).map(i32::from_be_bytes)
    }

    /// An unsigned variable-length integer of at most five bytes.
    pub(super) fn varint(&mut self, field: &'static str) -> Result<u32, ShapeError> {
        let mut value = 0_u64;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.array::<1>(field)?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return u32::try_from(value).map_err(|_| ShapeError::Varint { field });
            }
        }
        Err(ShapeError::Varint { field })
    }

    /// Where a run of `size` bytes from here ends.
    pub(super) fn end_of(&self, size: u32, field: &'static str) -> Result<usize, ShapeError> {
        let left = self.remaining();
        match usize::try_from(size) {
            Ok(needed) if needed <= left => Ok(self.position + needed),
            _ => Err(ShapeError::Short {
                field,
                needed: size.try_into().unwrap_or(usize::MAX),
                left,
            }),
        }
    }

    pub(super) fn skip_to(&mut self, end: usize) {
        self.position = end.min(self.bytes.len());
    }

    /// Tagged fields of which none is known, as in an answer's header.
    pub(crate) fn unknown_tags(&mut self) -> Result<(), ShapeError> {
        let count = self.varint("tag count")?;
        for _ in 0..count {
            self.varint("tag")?;
            let size = self.varint("tag size")?;
            let end = self.end_of(size, "tag")?;
            self.skip_to(end);
        }
        Ok(())
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], ShapeError> {
        let left = self.remaining();
        let short = ShapeError::Short {
            field,
            needed: N,
            left,
        };
        let array = self
            .bytes
            .get(self.position..)
            .and_then(<[u8]>::first_chunk)
            .ok_or(short)?;
        self.position += N;
        Ok(*array)
    }
}
