//! The outline of a request, walked before it is decoded.
//!
//! kafka-protocol's array decoder reserves memory for as many elements as the peer announces.
//! A request is therefore first walked along its outline: every announced element must be there,
//! and all elements together stay below [`ENTRIES_MAX`]. The walk allocates nothing.

/// Array elements and tagged fields one request may hold, over all nesting levels.
pub(crate) const ENTRIES_MAX: usize = 200_000;

/// The outline of one request over its versions.
#[derive(Debug)]
pub(crate) struct Shape {
    /// First version with compact lengths and tagged fields.
    pub(crate) flexible_from: i16,
    /// The fields in wire order.
    pub(crate) fields: &'static [Field],
}

/// One field and the versions that carry it.
#[derive(Debug)]
pub(crate) struct Field {
    kind: Kind,
    from: i16,
    until: i16,
}

#[derive(Debug)]
enum Kind {
    Fixed(usize),
    Text,
    Blob,
    Values(&'static Field),
    Rows(&'static [Field]),
    Maybe(&'static [Field]),
}

/// Why a request does not follow its outline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ShapeError {
    #[error("the request ends inside a field")]
    Truncated,
    #[error("a length or count is negative or malformed")]
    BadLength,
    #[error("more than {ENTRIES_MAX} array elements")]
    TooManyEntries,
    #[error("bytes follow the last field")]
    TrailingBytes,
}

/// A number or flag of `bytes` bytes.
pub(crate) const fn fixed(bytes: usize) -> Field {
    Field::always(Kind::Fixed(bytes))
}

/// A string, or null.
pub(crate) const fn text() -> Field {
    Field::always(Kind::Text)
}

/// Bytes or records, or null.
pub(crate) const fn blob() -> Field {
    Field::always(Kind::Blob)
}

/// An array of a primitive, or null.
pub(crate) const fn values(of: &'static Field) -> Field {
    Field::always(Kind::Values(of))
}

/// An array of structs, or null.
pub(crate) const fn rows(of: &'static [Field]) -> Field {
    Field::always(Kind::Rows(of))
}

/// A nullable struct.
pub(crate) const fn maybe(of: &'static [Field]) -> Field {
    Field::always(Kind::Maybe(of))
}

impl Field {
    const fn always(kind: Kind) -> Self {
        Self {
            kind,
            from: 0,
            until: i16::MAX,
        }
    }

    /// The field appeared in version `from`.
    pub(crate) const fn since(mut self, from: i16) -> Self {
        self.from = from;
        self
    }

    /// The field was last sent in version `until`.
    pub(crate) const fn until(mut self, until: i16) -> Self {
        self.until = until;
        self
    }
}

impl Shape {
    /// Walks `body` (after the request header) as `version` of this request.
    ///
    /// # Errors
    /// What is wrong with it; the connection should be closed.
    pub(crate) fn check(&self, body: &[u8], version: i16) -> Result<(), ShapeError> {
        let flexible = version >= self.flexible_from;
        let mut walk = Walk {
            rest: body,
            version,
            flexible,
            entries: 0,
        };
        walk.fields(self.fields)?;
        if walk.rest.is_empty() {
            Ok(())
        } else {
            Err(ShapeError::TrailingBytes)
        }
    }
}

struct Walk<'a> {
    rest: &'a [u8],
    version: i16,
    flexible: bool,
    entries: usize,
}

impl Walk<'_> {
    fn fields(&mut self, fields: &'static [Field]) -> Result<(), ShapeError> {
        for field in fields {
            if (field.from..=field.until).contains(&self.version) {
                self.field(field)?;
            }
        }
        if self.flexible {
            self.tagged_fields()
        } else {
            Ok(())
        }
    }

    fn field(&mut self, field: &'static Field) -> Result<(), ShapeError> {
        match &field.kind {
            Kind::Fixed(bytes) => self.skip(*bytes),
            Kind::Text => {
                let length = if self.flexible {
                    self.compact()?
                } else {
                    self.length16()?
                };
                self.skip(length)
            }
            Kind::Blob => {
                let length = self.count()?;
                self.skip(length)
            }
            Kind::Values(of) => self.elements(|walk| walk.field(of)),
            Kind::Rows(of) => self.elements(|walk| walk.fields(of)),
            Kind::Maybe(of) => match self.byte()? {
                0xff => Ok(()),
                _ => self.fields(of),
            },
        }
    }

    fn elements(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<(), ShapeError>,
    ) -> Result<(), ShapeError> {
        for _ in 0..self.count()? {
            self.enter()?;
            element(self)?;
        }
        Ok(())
    }

    fn tagged_fields(&mut self) -> Result<(), ShapeError> {
        for _ in 0..self.varint()? {
            self.enter()?;
            self.varint()?;
            let size = self.varint()?;
            self.skip(usize::try_from(size).map_err(|_| ShapeError::BadLength)?)?;
        }
        Ok(())
    }

    fn enter(&mut self) -> Result<(), ShapeError> {
        self.entries += 1;
        if self.entries > ENTRIES_MAX {
            Err(ShapeError::TooManyEntries)
        } else {
            Ok(())
        }
    }

    /// A 32-bit or compact count; null counts as nothing.
    fn count(&mut self) -> Result<usize, ShapeError> {
        if self.flexible {
            return self.compact();
        }
        match i32::from_be_bytes(self.take::<4>()?) {
            -1 => Ok(0),
            count => usize::try_from(count).map_err(|_| ShapeError::BadLength),
        }
    }

    fn compact(&mut self) -> Result<usize, ShapeError> {
        let length = self.varint()?.saturating_sub(1);
        usize::try_from(length).map_err(|_| ShapeError::BadLength)
    }

    fn length16(&mut self) -> Result<usize, ShapeError> {
        match i16::from_be_bytes(self.take::<2>()?) {
            -1 => Ok(0),
            length => usize::try_from(length).map_err(|_| ShapeError::BadLength),
        }
    }

    fn varint(&mut self) -> Result<u32, ShapeError> {
        let mut value = 0u32;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.byte()?;
            if shift == 28 && byte > 0x0f {
                return Err(ShapeError::BadLength);
            }
            value |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        Ok(value)
    }

    fn byte(&mut self) -> Result<u8, ShapeError> {
        let [byte] = self.take::<1>()?;
        Ok(byte)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], ShapeError> {
        let (head, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or(ShapeError::Truncated)?;
        self.rest = rest;
        Ok(*head)
    }

    fn skip(&mut self, bytes: usize) -> Result<(), ShapeError> {
        self.rest = self.rest.get(bytes..).ok_or(ShapeError::Truncated)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static ROWS: Shape = Shape {
        flexible_from: 2,
        fields: &[rows(&[fixed(4), text().since(1)])],
    };

    fn check(body: &[u8], version: i16, expected: Result<(), ShapeError>) {
        assert_eq!(ROWS.check(body, version), expected, "{body:?} v{version}");
    }

    #[test]
    fn an_announced_element_must_be_there() {
        check(&[0, 0, 0, 1, 1, 2, 3, 4], 0, Ok(()));
        check(&[0, 0, 0, 2, 1, 2, 3, 4], 0, Err(ShapeError::Truncated));
        check(&[0x7f, 0xff, 0xff, 0xff], 0, Err(ShapeError::Truncated));
        check(&[0xff, 0xff, 0xff, 0x0f, 0], 2, Err(ShapeError::Truncated));
    }

    #[test]
    fn null_counts_as_empty_and_other_negatives_are_refused() {
        check(&[0xff; 4], 0, Ok(()));
        check(&[0xff, 0xff, 0xff, 0xfe], 0, Err(ShapeError::BadLength));
        check(&[0xff; 5], 2, Err(ShapeError::BadLength));
    }

    #[test]
    fn fields_follow_the_version() {
        check(&[0, 0, 0, 1, 1, 2, 3, 4, 0, 1, b'x'], 1, Ok(()));
        check(&[2, 1, 2, 3, 4, 2, b'x', 0, 0], 2, Ok(()));
        check(
            &[2, 1, 2, 3, 4, 2, b'x', 0, 0, 0],
            2,
            Err(ShapeError::TrailingBytes),
        );
    }

    #[test]
    fn elements_of_one_request_are_bounded() {
        static BYTES: Shape = Shape {
            flexible_from: 9,
            fields: &[values(&fixed(1))],
        };
        let count = u32::try_from(ENTRIES_MAX).unwrap() + 1;
        let mut body = count.to_be_bytes().to_vec();
        body.resize(4 + ENTRIES_MAX + 1, 0);
        assert_eq!(BYTES.check(&body, 0), Err(ShapeError::TooManyEntries));
    }
}
