//! A checkpoint: how far a group has read a partition, at the source and at the target.

use std::sync::Arc;

use ferrovia_client::TopicPartition;

use crate::bytes::{BytesError, Reader, Writer};

/// How far a group has read a partition.
///
/// # Source
/// `org.apache.kafka.connect.mirror.Checkpoint`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Checkpoint {
    pub(super) group: String,
    /// The partition as it is called at the target.
    pub(super) partition: TopicPartition,
    /// The next offset that the group reads at the source.
    pub(super) upstream: i64,
    /// The next offset that it would read at the target.
    pub(super) downstream: i64,
    /// The committer's remark.
    pub(super) metadata: Arc<str>,
}

impl Checkpoint {
    pub(super) fn key(&self) -> Vec<u8> {
        Writer::default()
            .text(&self.group)
            .text(&self.partition.topic)
            .int(self.partition.partition)
            .into_bytes()
    }

    pub(super) fn value(&self) -> Vec<u8> {
        Writer::default()
            .short(VERSION)
            .long(self.upstream)
            .long(self.downstream)
            .text(&self.metadata)
            .into_bytes()
    }

    pub(super) fn decode(key: &[u8], value: &[u8]) -> Result<Self, BytesError> {
        let mut value = Reader::new(value);
        match value.short()? {
            VERSION => {}
            other => return Err(BytesError::Version(other)),
        }
        let (upstream, downstream) = (value.long()?, value.long()?);
        let metadata = value.text()?.into();
        let mut key = Reader::new(key);
        let group = key.text()?.to_owned();
        let topic = key.text()?;
        Ok(Self {
            group,
            partition: TopicPartition::new(topic, key.int()?),
            upstream,
            downstream,
            metadata,
        })
    }
}

/// The version of the value's layout.
const VERSION: i16 = 0;

#[cfg(test)]
mod tests {
    use super::*;

    fn unhex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text
            .chars()
            .map(|digit| u8::try_from(digit.to_digit(16).unwrap()).unwrap())
            .collect();
        digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect()
    }

    #[test]
    fn checkpoint_has_the_bytes_that_java_writes() {
        let checkpoint = Checkpoint {
            group: "my-group".to_owned(),
            partition: TopicPartition::new("A.orders", 7),
            upstream: 1_234_567_890_123,
            downstream: -2,
            metadata: "meta".into(),
        };
        let key = unhex("00086d792d67726f75700008412e6f726465727300000007");
        let value = unhex("00000000011f71fb04cbfffffffffffffffe00046d657461");
        assert_eq!((checkpoint.key(), checkpoint.value()), (key, value));
        let decoded = Checkpoint::decode(&checkpoint.key(), &checkpoint.value());
        assert_eq!(decoded, Ok(checkpoint));
    }

    #[test]
    fn later_version_is_refused() {
        let error = Checkpoint::decode(&[], &[0, 1]).unwrap_err();
        assert_eq!(error, BytesError::Version(1));
    }
}
