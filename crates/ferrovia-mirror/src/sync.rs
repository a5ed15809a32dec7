//! Offset syncs: which offset at the target stands for which one at the source.

use ferrovia_client::TopicPartition;

use crate::bytes::{BytesError, Reader, Writer};

/// A record of the topic of offset syncs.
///
/// # Source
/// `org.apache.kafka.connect.mirror.OffsetSync`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetSync {
    /// The partition at the source.
    pub partition: TopicPartition,
    /// An offset there.
    pub upstream: i64,
    /// The offset of its copy at the target.
    pub downstream: i64,
}

impl OffsetSync {
    /// The bytes of the record's key.
    pub fn key(&self) -> Vec<u8> {
        let TopicPartition { topic, partition } = &self.partition;
        Writer::default().text(topic).int(*partition).into_bytes()
    }

    /// The bytes of the record's value.
    pub fn value(&self) -> Vec<u8> {
        let numbers = Writer::default().long(self.upstream).long(self.downstream);
        numbers.into_bytes()
    }

    /// Reads a record.
    ///
    /// # Errors
    /// It is no offset sync.
    pub(crate) fn read(key: &[u8], value: &[u8]) -> Result<Self, BytesError> {
        let (mut key, mut value) = (Reader::new(key), Reader::new(value));
        Ok(Self {
            partition: TopicPartition::new(key.text()?, key.int()?),
            upstream: value.long()?,
            downstream: value.long()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_javas() {
        let sync = OffsetSync {
            partition: TopicPartition::new("orders", 3),
            upstream: 1_000,
            downstream: -2,
        };
        assert_eq!(sync.key(), b"\x00\x06orders\x00\x00\x00\x03");
        assert_eq!(
            sync.value(),
            b"\x00\x00\x00\x00\x00\x00\x03\xe8\xff\xff\xff\xff\xff\xff\xff\xfe"
        );
        assert_eq!(
            OffsetSync::read(&sync.key(), &sync.value()),
            Ok(sync.clone())
        );
        let short = OffsetSync::read(&sync.key(), b"\x00");
        assert_eq!(short, Err(BytesError::Short));
    }
}
