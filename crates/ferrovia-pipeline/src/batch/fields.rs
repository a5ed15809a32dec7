//! What a record carries into a batch, and how many bytes that takes: counted once for all who want to know.

use crate::batch::{HeaderRef, RawHeaders, varint};

/// The key, value and headers of a record that is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fields<'r> {
    pub(super) key: Option<&'r [u8]>,
    pub(super) value: Option<&'r [u8]>,
    pub(super) headers: HeaderFields<'r>,
    bytes: usize,
}

/// The headers of a record that is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeaderFields<'r> {
    /// One by one.
    Apart(&'r [HeaderRef<'r>]),
    /// As they stand in a record.
    Written(RawHeaders<'r>),
}

impl<'r> Fields<'r> {
    /// Counts their bytes.
    pub fn new(
        key: Option<&'r [u8]>,
        value: Option<&'r [u8]>,
        headers: &'r [HeaderRef<'r>],
    ) -> Self {
        let mut bytes = 0_usize;
        for header in headers {
            bytes = bytes
                .saturating_add(field_bytes(Some(header.key)))
                .saturating_add(field_bytes(header.value));
        }
        Self::with(
            key,
            value,
            HeaderFields::Apart(headers),
            headers.len(),
            bytes,
        )
    }

    /// Counts their bytes, where those of the headers are written already.
    #[inline]
    pub fn with_raw_headers(
        key: Option<&'r [u8]>,
        value: Option<&'r [u8]>,
        headers: RawHeaders<'r>,
    ) -> Self {
        let (count, bytes) = (headers.count(), headers.bytes().len());
        Self::with(key, value, HeaderFields::Written(headers), count, bytes)
    }

    #[inline]
    fn with(
        key: Option<&'r [u8]>,
        value: Option<&'r [u8]>,
        headers: HeaderFields<'r>,
        header_count: usize,
        header_bytes: usize,
    ) -> Self {
        let bytes = field_bytes(key)
            .saturating_add(field_bytes(value))
            .saturating_add(length_bytes(header_count))
            .saturating_add(header_bytes);
        Self {
            key,
            value,
            headers,
            bytes,
        }
    }

    /// The key.
    #[inline]
    pub fn key(&self) -> Option<&'r [u8]> {
        self.key
    }

    /// Bytes on the wire, with the lengths in front of them and the number of headers.
    #[inline]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Bytes of a field with its length in front.
#[inline]
fn field_bytes(field: Option<&[u8]>) -> usize {
    match field {
        None => 1,
        Some(bytes) => length_bytes(bytes.len()).saturating_add(bytes.len()),
    }
}

/// Bytes of a length or a number of headers.
#[inline]
fn length_bytes(length: usize) -> usize {
    varint::length(varint::of_length(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_of_the_fields_with_their_lengths() {
        let header = |value| HeaderRef { key: b"key", value };
        let bytes =
            |key, value, headers: &[HeaderRef<'_>]| Fields::new(key, value, headers).bytes();
        assert_eq!(bytes(None, None, &[]), 3);
        assert_eq!(bytes(Some(&[0; 63]), Some(&[0; 64]), &[]), 64 + 66 + 1);
        let headers = [header(None), header(Some(b"v"))];
        assert_eq!(bytes(None, None, &headers), 2 + 1 + (4 + 1) + (4 + 2));
    }
}
