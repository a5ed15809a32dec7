//! A record's headers: found by the record's length, parsed only when somebody asks, order and duplicates kept; and written
//! one behind the other, as they will stand in a record.

use std::iter::FusedIterator;

use smallvec::SmallVec;

use crate::batch::record::{NULL, read_length, read_nullable};
use crate::batch::{RecordFault, varint};

/// Bytes of the smallest header: one each for the two lengths.
const HEADER_BYTES_MIN: usize = 2;
/// Bytes of a length that fits into a batch, at most.
const LENGTH_BYTES_MAX: usize = 5;

/// The headers of one record, not parsed yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RawHeaders<'a> {
    count: usize,
    bytes: &'a [u8],
}

impl<'a> RawHeaders<'a> {
    /// Takes what follows a record's value. Only the count is read, and held against the bytes.
    #[inline(always)]
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, RecordFault> {
        if bytes == [0] {
            return Ok(Self {
                count: 0,
                bytes: &[],
            });
        }
        Self::with_some(bytes)
    }

    /// So many headers that were [appended](append_header) one behind the other.
    pub(crate) fn of_appended(count: usize, bytes: &'a [u8]) -> Self {
        Self { count, bytes }
    }

    /// How many headers there are: no more than the bytes can hold.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The headers as they lie in the record, behind their count.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Parses the headers, in their order.
    pub fn iter(&self) -> HeaderRefs<'a> {
        HeaderRefs {
            left: self.count,
            rest: self.bytes,
        }
    }

    #[inline]
    fn with_some(bytes: &'a [u8]) -> Result<Self, RecordFault> {
        let (count, bytes) = read_length(bytes)?;
        let fits = if count == 0 {
            bytes.is_empty()
        } else {
            count <= bytes.len() / HEADER_BYTES_MIN
        };
        if fits {
            Ok(Self { count, bytes })
        } else {
            Err(RecordFault::Headers)
        }
    }
}

impl<'a> IntoIterator for RawHeaders<'a> {
    type Item = Result<HeaderRef<'a>, RecordFault>;
    type IntoIter = HeaderRefs<'a>;

    fn into_iter(self) -> HeaderRefs<'a> {
        self.iter()
    }
}

/// Appends a header to those before it. `write_value` appends its value, and answers whether there is one.
///
/// # Errors
/// Those of `write_value`; something may have been appended nevertheless.
pub(crate) fn append_header<E>(
    out: &mut Vec<u8>,
    key: &[u8],
    write_value: impl FnOnce(&mut Vec<u8>) -> Result<bool, E>,
) -> Result<(), E> {
    varint::write_u64(varint::of_length(key.len()), |byte| out.push(byte));
    out.extend_from_slice(key);
    // The length of nearly all values takes one byte; the others make room for theirs when it is known.
    let at = out.len();
    out.push(0);
    let length = match write_value(out)? {
        true => varint::of_length(out.len() - at - 1),
        false => {
            out.truncate(at + 1);
            NULL.into()
        }
    };
    let mut bytes = SmallVec::<[u8; LENGTH_BYTES_MAX]>::new();
    varint::write_u64(length, |byte| bytes.push(byte));
    match (bytes.as_slice(), out.get_mut(at)) {
        ([short], Some(place)) => *place = *short,
        _ => drop(out.splice(at..=at, bytes)),
    }
    Ok(())
}

/// One header, borrowed from its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderRef<'a> {
    /// The key, which ought to be UTF-8.
    pub key: &'a [u8],
    /// The value, if there is one.
    pub value: Option<&'a [u8]>,
}

/// Iterator over a record's headers. It ends after the first error.
#[derive(Debug, Clone)]
pub struct HeaderRefs<'a> {
    left: usize,
    rest: &'a [u8],
}

impl<'a> HeaderRefs<'a> {
    fn read(&mut self) -> Result<HeaderRef<'a>, RecordFault> {
        let (key_length, rest) = read_length(self.rest)?;
        let (key, rest) = rest
            .split_at_checked(key_length)
            .ok_or(RecordFault::Short)?;
        let (value, rest) = read_nullable(rest)?;
        self.left -= 1;
        self.rest = rest;
        Ok(HeaderRef { key, value })
    }

    fn stop(&mut self) {
        self.left = 0;
        self.rest = &[];
    }
}

impl<'a> Iterator for HeaderRefs<'a> {
    type Item = Result<HeaderRef<'a>, RecordFault>;

    fn next(&mut self) -> Option<Self::Item> {
        let header = if self.left > 0 {
            self.read()
        } else if self.rest.is_empty() {
            return None;
        } else {
            Err(RecordFault::Headers)
        };
        if header.is_err() {
            self.stop();
        }
        Some(header)
    }
}

impl FusedIterator for HeaderRefs<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appended_headers_are_read_as_they_were() {
        let long = vec![7; 10_000];
        let values = [0, 1, 63, 64, 8191, 8192, 10_000];
        let values = values.map(|length| long.get(..length));
        let key = b"key".as_slice();
        let mut out = Vec::new();
        for value in [None].into_iter().chain(values) {
            let appended = append_header(&mut out, key, |out| {
                out.extend_from_slice(value.unwrap_or(b"nothing"));
                Ok::<_, ()>(value.is_some())
            });
            appended.unwrap();
        }
        let headers = RawHeaders::of_appended(values.len() + 1, &out);
        let read: Vec<_> = headers.iter().map(Result::unwrap).collect();
        let expected = [None].into_iter().chain(values);
        let expected: Vec<_> = expected.map(|value| HeaderRef { key, value }).collect();
        assert_eq!(read, expected);
    }
}
