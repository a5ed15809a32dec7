//! What the leader answers to each member: the partitions it is to own.
//!
//! # Source
//! `ConsumerProtocolAssignment.json` versions 0 to 3 (all alike), `ConsumerProtocol.java`.

use bytes::{BufMut, Bytes, BytesMut};

use super::reader::{MalformedBytes, Reader, put_nullable_bytes, put_partitions};
use crate::TopicPartition;

/// One member's assignment as it travels in SyncGroup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberAssignment {
    /// The partitions, in the leader's order.
    pub partitions: Vec<TopicPartition>,
    /// What the leader's assignor adds; Kafka's own assignors add nothing.
    pub user_data: Option<Bytes>,
}

impl MemberAssignment {
    /// The bytes that Java's leader sends: version 3, topics in the order of their first partition.
    pub fn encode(&self) -> Bytes {
        let mut out = BytesMut::new();
        out.put_i16(NEWEST_VERSION);
        put_partitions(&mut out, &self.partitions);
        put_nullable_bytes(&mut out, self.user_data.as_ref());
        out.freeze()
    }

    /// Reads any version from 0 on.
    ///
    /// # Errors
    /// [`MalformedBytes`] when the bytes do not follow the protocol, or are missing altogether.
    pub fn decode(bytes: &Bytes) -> Result<Self, MalformedBytes> {
        let (_, mut reader) = Reader::versioned(bytes)?;
        let partitions = reader.partitions()?;
        let user_data = reader.nullable_bytes("user data")?;
        Ok(Self {
            partitions,
            user_data,
        })
    }
}

const NEWEST_VERSION: i16 = 3;
