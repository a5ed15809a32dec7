//! What a record carries into a batch, and how many bytes that takes: counted once for all who want to know.

use crate::batch::{HeaderRef, varint};

/// The key, value and headers of a record that is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fields<'r> {
    key: Option<&'r [u8]>,
    value: Option<&'r [u8]>,
    headers: &'r [HeaderRef<'r>],
    bytes: usize,
}

impl<'r> Fields<'r> {
    /// Counts their bytes.
    #[inline]
    pub fn new(
        key: Option<&'r [u8]>,
        value: Option<&'r [u8]>,
        headers: &'r [HeaderRef<'r>],
    ) -> Self {
        let bytes = [key, value]
            .into_iter()
            .chain(headers.iter().flat_map(|it| [Some(it.key), it.value]))
            .fold(length_bytes(headers.len()), |sum, field| {
                sum.saturating_add(field_bytes(field))
            });
        Self {
            key,
            value,
            headers,
            bytes,
        }
    }

    /// The key.
    pub fn key(&self) -> Option<&'r [u8]> {
        self.key
    }

    /// The value.
    pub fn value(&self) -> Option<&'r [u8]> {
        self.value
    }

    /// The headers, in order.
    pub fn headers(&self) -> &'r [HeaderRef<'r>] {
        self.headers
    }

    /// Bytes on the wire, with the lengths in front of them and the number of headers.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Bytes of a field with its length in front.
fn field_bytes(field: Option<&[u8]>) -> usize {
    field.map_or(1, |bytes| {
        length_bytes(bytes.len()).saturating_add(bytes.len())
    })
}

/// Bytes of a length or a number of headers.
fn length_bytes(length: usize) -> usize {
    varint::length((length as u64) << 1)
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
