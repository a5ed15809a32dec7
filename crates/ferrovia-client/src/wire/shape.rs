//! Layouts of answers, walked over the bytes before anything is decoded.
//!
//! A walk proves that every count and length fits the bytes that are there, so that the decoder
//! after it can reserve what they claim. It allocates nothing and skips over record bytes.

pub(crate) mod admin;
pub(crate) mod data;
pub mod group;
pub(crate) mod transaction;

mod cursor;

pub(crate) use self::cursor::Cursor;
pub use self::cursor::ShapeError;

/// The layout of a message over all versions this client speaks.
#[derive(Debug, PartialEq, Eq)]
pub struct Shape {
    flexible_since: i16,
    fields: &'static [Field],
}

impl Shape {
    pub(crate) const fn new(flexible_since: i16, fields: &'static [Field]) -> Self {
        Self {
            flexible_since,
            fields,
        }
    }

    pub(crate) fn is_flexible(&self, version: i16) -> bool {
        version >= self.flexible_since
    }

    /// Proves that `bytes` are one message of this layout and nothing else.
    /// Gives its throttle time in milliseconds, 0 where it has none.
    ///
    /// # Errors
    /// [`ShapeError`] names the field that does not fit.
    pub fn check(&self, bytes: &[u8], version: i16) -> Result<i32, ShapeError> {
        self.check_at(&mut Cursor::new(bytes), version)
    }

    pub(crate) fn check_at(
        &self,
        cursor: &mut Cursor<'_>,
        version: i16,
    ) -> Result<i32, ShapeError> {
        let mut walk = Walk {
            version,
            flexible: self.is_flexible(version),
            throttle_ms: 0,
        };
        walk.fields(self.fields, cursor)?;
        match cursor.remaining() {
            0 => Ok(walk.throttle_ms),
            left => Err(ShapeError::TrailingBytes { left }),
        }
    }
}

/// One field of a message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Field {
    name: &'static str,
    kind: Kind,
    since: i16,
    until: i16,
    nullable: bool,
    tag: Option<u32>,
}

/// A field that all versions have; the methods below narrow it.
pub(crate) const fn field(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        since: 0,
        until: i16::MAX,
        nullable: false,
        tag: None,
    }
}

impl Field {
    pub(crate) const fn since(mut self, version: i16) -> Self {
        self.since = version;
        self
    }

    pub(crate) const fn until(mut self, version: i16) -> Self {
        self.until = version;
        self
    }

    pub(crate) const fn nullable(mut self) -> Self {
        self.nullable = true;
        self
    }

    pub(crate) const fn tagged(mut self, tag: u32) -> Self {
        self.tag = Some(tag);
        self
    }

    fn is_in(&self, version: i16) -> bool {
        (self.since..=self.until).contains(&version)
    }
}

/// What a field is made of.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    I8,
    I16,
    I32,
    I64,
    Uuid,
    Text,
    Blob,
    /// `throttle_time_ms`, whose value the walk reports.
    Throttle,
    Array(&'static Self),
    Struct(&'static [Field]),
}

/// The layout has no flexible version.
pub(crate) const NEVER_FLEXIBLE: i16 = i16::MAX;

struct Walk {
    version: i16,
    flexible: bool,
    throttle_ms: i32,
}

impl Walk {
    fn fields(&mut self, fields: &[Field], cursor: &mut Cursor<'_>) -> Result<(), ShapeError> {
        let version = self.version;
        let plain = |field: &&Field| field.tag.is_none() && field.is_in(version);
        for field in fields.iter().filter(plain) {
            self.value(&field.kind, field, cursor)?;
        }
        if self.flexible {
            self.tags(fields, cursor)
        } else {
            Ok(())
        }
    }

    /// Tagged fields. A known one must fill its declared size exactly, because the decoder reads
    /// it without looking at that size.
    fn tags(&mut self, fields: &[Field], cursor: &mut Cursor<'_>) -> Result<(), ShapeError> {
        let count = cursor.varint("tag count")?;
        for _ in 0..count {
            let tag = cursor.varint("tag")?;
            let size = cursor.varint("tag size")?;
            let end = cursor.end_of(size, "tag")?;
            let known = fields.iter().find(|field| field.tag == Some(tag));
            match known.filter(|field| field.is_in(self.version)) {
                Some(field) => {
                    self.value(&field.kind, field, cursor)?;
                    if cursor.position() != end {
                        return Err(ShapeError::TagSize { field: field.name });
                    }
                }
                None => cursor.skip_to(end),
            }
        }
        Ok(())
    }

    fn value(
        &mut self,
        kind: &Kind,
        field: &Field,
        cursor: &mut Cursor<'_>,
    ) -> Result<(), ShapeError> {
        match kind {
            Kind::Bool | Kind::I8 => cursor.fixed(1, field.name),
            Kind::I16 => cursor.fixed(2, field.name),
            Kind::I32 => cursor.fixed(4, field.name),
            Kind::I64 => cursor.fixed(8, field.name),
            Kind::Uuid => cursor.fixed(16, field.name),
            Kind::Throttle => {
                self.throttle_ms = cursor.i32(field.name)?;
                Ok(())
            }
            Kind::Text => self.run(Width::Two, field, cursor),
            Kind::Blob => self.run(Width::Four, field, cursor),
            Kind::Array(element) => {
                let Some(count) = self.length(Width::Four, field, cursor)? else {
                    return Ok(());
                };
                // No element is empty, so more elements than bytes is a lie found at once.
                if count > cursor.remaining() {
                    return Err(ShapeError::Count {
                        field: field.name,
                        count,
                        left: cursor.remaining(),
                    });
                }
                (0..count).try_for_each(|_| self.value(element, field, cursor))
            }
            Kind::Struct(fields) => self.fields(fields, cursor),
        }
    }

    /// Text or bytes: a length and that many bytes.
    fn run(&self, width: Width, field: &Field, cursor: &mut Cursor<'_>) -> Result<(), ShapeError> {
        match self.length(width, field, cursor)? {
            Some(length) => cursor.fixed(length, field.name),
            None => Ok(()),
        }
    }

    /// A length or count; `None` is a null that the field allows.
    fn length(
        &self,
        width: Width,
        field: &Field,
        cursor: &mut Cursor<'_>,
    ) -> Result<Option<usize>, ShapeError> {
        let length = if self.flexible {
            i64::from(cursor.varint(field.name)?) - 1
        } else {
            match width {
                Width::Two => i64::from(cursor.i16(field.name)?),
                Width::Four => i64::from(cursor.i32(field.name)?),
            }
        };
        match length {
            -1 if field.nullable => Ok(None),
            _ => usize::try_from(length)
                .map(Some)
                .map_err(|_| ShapeError::NegativeLength {
                    field: field.name,
                    length,
                }),
        }
    }
}

/// How wide a length is where it is not a varint.
#[derive(Clone, Copy)]
enum Width {
    Two,
    Four,
}

#[cfg(test)]
mod tests;
