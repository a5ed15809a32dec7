//! A reader of bytes that other members of the group wrote. It trusts no length.
//!
//! Kafka's non-flexible encoding, as far as subscriptions and assignments need it. A count is believed only
//! as far as the bytes behind it could hold that many elements, so memory stays linear in the input.

use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::TopicPartition;

/// Bytes from another member that do not follow the consumer protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedBytes {
    /// The bytes end inside a field.
    #[error("the bytes end inside {field}")]
    Short {
        /// The field being read.
        field: &'static str,
    },
    /// A length or count is negative, or larger than the bytes behind it.
    #[error("{field} claims a length of {length}, but {remaining} bytes follow")]
    Length {
        /// The field being read.
        field: &'static str,
        /// The length it claims.
        length: i32,
        /// How many bytes are left.
        remaining: usize,
    },
    /// A name is not UTF-8.
    #[error("{field} is not UTF-8")]
    Text {
        /// The field being read.
        field: &'static str,
    },
    /// The version is below zero.
    #[error("version {version} is not supported")]
    Version {
        /// The version found.
        version: i16,
    },
}

/// Reads forward through the bytes of one member.
#[derive(Debug)]
pub(super) struct Reader {
    bytes: Bytes,
}

impl Reader {
    /// Starts behind the version, which it also returns. A newer version is read as the newest known one:
    /// fields are only ever added at the end.
    pub(super) fn versioned(bytes: &Bytes) -> Result<(i16, Self), MalformedBytes> {
        let mut reader = Self {
            bytes: bytes.clone(),
        };
        let version = reader
            .bytes
            .try_get_i16()
            .map_err(|_| MalformedBytes::Short { field: "version" })?;
        if version < 0 {
            return Err(MalformedBytes::Version { version });
        }
        Ok((version, reader))
    }

    pub(super) fn int(&mut self, field: &'static str) -> Result<i32, MalformedBytes> {
        self.bytes
            .try_get_i32()
            .map_err(|_| MalformedBytes::Short { field })
    }

    pub(super) fn name(&mut self, field: &'static str) -> Result<Arc<str>, MalformedBytes> {
        let remaining = self.bytes.remaining();
        self.nullable_name(field)?.ok_or(MalformedBytes::Length {
            field,
            length: -1,
            remaining,
        })
    }

    pub(super) fn nullable_name(
        &mut self,
        field: &'static str,
    ) -> Result<Option<Arc<str>>, MalformedBytes> {
        let length = self
            .bytes
            .try_get_i16()
            .map_err(|_| MalformedBytes::Short { field })?;
        let Some(raw) = self.nullable(field, i32::from(length))? else {
            return Ok(None);
        };
        let text = std::str::from_utf8(&raw).map_err(|_| MalformedBytes::Text { field })?;
        Ok(Some(Arc::from(text)))
    }

    pub(super) fn nullable_bytes(
        &mut self,
        field: &'static str,
    ) -> Result<Option<Bytes>, MalformedBytes> {
        let length = self.int(field)?;
        self.nullable(field, length)
    }

    /// A count of elements of which each takes at least `smallest` bytes.
    pub(super) fn count(
        &mut self,
        field: &'static str,
        smallest: usize,
    ) -> Result<usize, MalformedBytes> {
        let length = self.int(field)?;
        let remaining = self.bytes.remaining();
        usize::try_from(length)
            .ok()
            .filter(|count| *count <= remaining / smallest)
            .ok_or(MalformedBytes::Length {
                field,
                length,
                remaining,
            })
    }

    pub(super) fn partitions(&mut self) -> Result<Vec<TopicPartition>, MalformedBytes> {
        let mut partitions = Vec::new();
        for _ in 0..self.count("partitions by topic", 6)? {
            let topic = self.name("topic")?;
            for _ in 0..self.count("partitions", 4)? {
                let partition = self.int("partition")?;
                partitions.push(TopicPartition {
                    topic: Arc::clone(&topic),
                    partition,
                });
            }
        }
        Ok(partitions)
    }

    fn nullable(
        &mut self,
        field: &'static str,
        length: i32,
    ) -> Result<Option<Bytes>, MalformedBytes> {
        if length == -1 {
            return Ok(None);
        }
        let remaining = self.bytes.remaining();
        let taken = usize::try_from(length)
            .ok()
            .filter(|length| *length <= remaining)
            .ok_or(MalformedBytes::Length {
                field,
                length,
                remaining,
            })?;
        Ok(Some(self.bytes.split_to(taken)))
    }
}

/// Writes a name. Names are topic and rack names, which Kafka keeps below 32 KiB; a longer one is cut.
pub(super) fn put_name(out: &mut BytesMut, name: &str) {
    let mut end = name.len().min(i16::MAX.unsigned_abs().into());
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    out.put_i16(i16::try_from(end).unwrap_or(i16::MAX));
    out.put_slice(name.as_bytes().get(..end).unwrap_or_default());
}

/// Writes a count of elements that are in memory, so it fits.
pub(super) fn put_count(out: &mut BytesMut, count: usize) {
    out.put_i32(i32::try_from(count).unwrap_or(i32::MAX));
}

/// Writes nullable bytes.
pub(super) fn put_nullable_bytes(out: &mut BytesMut, bytes: Option<&Bytes>) {
    match bytes {
        None => out.put_i32(-1),
        Some(bytes) => {
            put_count(out, bytes.len());
            out.put_slice(bytes);
        }
    }
}

/// Writes partitions by topic, a topic standing where it first occurs.
pub(super) fn put_partitions(out: &mut BytesMut, partitions: &[TopicPartition]) {
    let mut topics: Vec<(&str, Vec<i32>)> = Vec::new();
    let mut places = std::collections::BTreeMap::new();
    for TopicPartition { topic, partition } in partitions {
        let place = *places.entry(&**topic).or_insert_with(|| {
            topics.push((topic, Vec::new()));
            topics.len() - 1
        });
        if let Some((_, list)) = topics.get_mut(place) {
            list.push(*partition);
        }
    }
    put_count(out, topics.len());
    for (topic, list) in topics {
        put_name(out, topic);
        put_count(out, list.len());
        for partition in list {
            out.put_i32(partition);
        }
    }
}
