//! The types of Kafka's older schemas, as far as Connect's group protocol uses them.
//!
//! Bytes from the group are another process's word: every length is held against the bytes that are left before anything
//! is allocated for it.
//!
//! # Source
//! `org.apache.kafka.common.protocol.types.Type` and `ArrayOf`.

use bytes::{BufMut, Bytes, BytesMut};

/// Bytes of the group protocol that say nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedBytes {
    /// The bytes end inside a field or before one that has to be there.
    #[error("{field} needs {needed} bytes, {left} are left")]
    Short {
        /// The field.
        field: &'static str,
        /// How many bytes it takes at least.
        needed: usize,
        /// How many there are.
        left: usize,
    },
    /// A length below zero where there is no null.
    #[error("{field} has the length {length}")]
    NegativeLength {
        /// The field.
        field: &'static str,
        /// What it says.
        length: i32,
    },
    /// A version that never was.
    #[error("unsupported version {0}")]
    Version(i16),
    /// A number that names neither a task nor the connector itself.
    #[error("{connector} has no task {task}")]
    Task {
        /// The connector.
        connector: String,
        /// The number.
        task: i32,
    },
}

/// Something that does not fit into the group protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unwritable {
    /// A text of more than 32767 bytes.
    #[error("{field} is {length} bytes long, more than {MAX_TEXT}")]
    Text {
        /// The field.
        field: &'static str,
        /// The length of the text in bytes.
        length: usize,
    },
    /// A list or a nested assignment of more than 2 GiB.
    #[error("{field} has the length {length}, more than {max}", max = i32::MAX)]
    Length {
        /// The field.
        field: &'static str,
        /// Its length.
        length: usize,
    },
    /// A task number beyond what the protocol can say.
    #[error("the number of task {0} is too large")]
    Task(u32),
}

/// Reads fields one after the other.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    left: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { left: bytes }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    fn take(&mut self, field: &'static str, needed: usize) -> Result<&'a [u8], MalformedBytes> {
        let short = MalformedBytes::Short {
            field,
            needed,
            left: self.left.len(),
        };
        let (taken, left) = self.left.split_at_checked(needed).ok_or(short)?;
        self.left = left;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], MalformedBytes> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(field, N)?);
        Ok(array)
    }

    pub(super) fn int16(&mut self, field: &'static str) -> Result<i16, MalformedBytes> {
        self.array(field).map(i16::from_be_bytes)
    }

    pub(super) fn int32(&mut self, field: &'static str) -> Result<i32, MalformedBytes> {
        self.array(field).map(i32::from_be_bytes)
    }

    pub(super) fn int64(&mut self, field: &'static str) -> Result<i64, MalformedBytes> {
        self.array(field).map(i64::from_be_bytes)
    }

    /// A version; later ones than are known are read as the last one that is.
    pub(super) fn version(&mut self) -> Result<i16, MalformedBytes> {
        match self.int16("version")? {
            version @ 0.. => Ok(version),
            version => Err(MalformedBytes::Version(version)),
        }
    }

    /// A text. What is no UTF-8 in it is replaced, as Java does.
    pub(super) fn string(&mut self, field: &'static str) -> Result<String, MalformedBytes> {
        let length = self.int16(field)?;
        let needed = usize::try_from(length).map_err(|_| MalformedBytes::NegativeLength {
            field,
            length: length.into(),
        })?;
        Ok(String::from_utf8_lossy(self.take(field, needed)?).into_owned())
    }

    /// Bytes, or null.
    pub(super) fn bytes(
        &mut self,
        field: &'static str,
    ) -> Result<Option<&'a [u8]>, MalformedBytes> {
        match usize::try_from(self.int32(field)?) {
            Ok(length) => self.take(field, length).map(Some),
            Err(_) => Ok(None),
        }
    }

    /// The number of entries of a list, or null. An entry takes a byte at least.
    pub(super) fn count(&mut self, field: &'static str) -> Result<Option<usize>, MalformedBytes> {
        let Ok(needed) = usize::try_from(self.int32(field)?) else {
            return Ok(None);
        };
        let left = self.left.len();
        if needed > left {
            return Err(MalformedBytes::Short {
                field,
                needed,
                left,
            });
        }
        Ok(Some(needed))
    }
}

/// Writes fields one after the other.
#[derive(Debug, Default)]
pub(super) struct Writer {
    written: BytesMut,
}

impl Writer {
    pub(super) fn int16(&mut self, value: i16) {
        self.written.put_i16(value);
    }

    pub(super) fn int32(&mut self, value: i32) {
        self.written.put_i32(value);
    }

    pub(super) fn int64(&mut self, value: i64) {
        self.written.put_i64(value);
    }

    pub(super) fn string(&mut self, field: &'static str, text: &str) -> Result<(), Unwritable> {
        let length = i16::try_from(text.len()).map_err(|_| Unwritable::Text {
            field,
            length: text.len(),
        })?;
        self.int16(length);
        self.written.put_slice(text.as_bytes());
        Ok(())
    }

    pub(super) fn count(&mut self, field: &'static str, length: usize) -> Result<(), Unwritable> {
        let length = i32::try_from(length).map_err(|_| Unwritable::Length { field, length })?;
        self.int32(length);
        Ok(())
    }

    pub(super) fn bytes(
        &mut self,
        field: &'static str,
        bytes: Option<&[u8]>,
    ) -> Result<(), Unwritable> {
        let Some(bytes) = bytes else {
            self.int32(NULL);
            return Ok(());
        };
        self.count(field, bytes.len())?;
        self.written.put_slice(bytes);
        Ok(())
    }

    pub(super) fn finish(self) -> Bytes {
        self.written.freeze()
    }
}

const MAX_TEXT: i16 = i16::MAX;
const NULL: i32 = -1;
