//! What a member tells the leader when it joins: topics, what it still owns, and since which generation.
//!
//! # Source
//! `ConsumerProtocolSubscription.json` versions 0 to 3, `ConsumerProtocol.java`, KIP-429, KIP-792, KIP-881.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};

use super::reader::{
    MalformedBytes, Reader, put_count, put_name, put_nullable_bytes, put_partitions,
};
use crate::TopicPartition;

/// One member's subscription as it travels in JoinGroup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberSubscription {
    /// The topics the member wants, in the order of the wire.
    pub topics: Vec<Arc<str>>,
    /// What the member's assignor adds for the leader's assignor.
    pub user_data: Option<Bytes>,
    /// Partitions the member has not given up (from version 1).
    pub owned: Vec<TopicPartition>,
    /// The generation in which `owned` was assigned (from version 2).
    pub generation: Option<i32>,
    /// `client.rack` (from version 3).
    pub rack: Option<Arc<str>>,
}

impl MemberSubscription {
    /// The bytes that Java's consumer sends: version 3, topics and owned partitions sorted.
    pub fn encode(&self) -> Bytes {
        let mut topics: Vec<&str> = self.topics.iter().map(|topic| &**topic).collect();
        topics.sort_unstable();
        let mut owned = self.owned.clone();
        owned.sort_unstable();

        let mut out = BytesMut::new();
        out.put_i16(NEWEST_VERSION);
        put_count(&mut out, topics.len());
        for topic in topics {
            put_name(&mut out, topic);
        }
        put_nullable_bytes(&mut out, self.user_data.as_ref());
        put_partitions(&mut out, &owned);
        out.put_i32(self.generation.unwrap_or(-1));
        match &self.rack {
            None => out.put_i16(-1),
            Some(rack) => put_name(&mut out, rack),
        }
        out.freeze()
    }

    /// Reads any version; what a version lacks is left empty, and a newer one is read as version 3.
    ///
    /// # Errors
    /// [`MalformedBytes`] when the bytes do not follow the protocol. A leader then treats the member as one
    /// without topics.
    pub fn decode(bytes: &Bytes) -> Result<Self, MalformedBytes> {
        let (version, mut reader) = Reader::versioned(bytes)?;
        let mut subscription = Self::default();
        for _ in 0..reader.count("topics", 2)? {
            subscription.topics.push(reader.name("topic")?);
        }
        subscription.user_data = reader.nullable_bytes("user data")?;
        if version >= 1 {
            subscription.owned = reader.partitions()?;
        }
        if version >= 2 {
            subscription.generation =
                Some(reader.int("generation")?).filter(|generation| *generation >= 0);
        }
        if version >= 3 {
            subscription.rack = reader
                .nullable_name("rack")?
                .filter(|rack| !rack.is_empty());
        }
        Ok(subscription)
    }
}

const NEWEST_VERSION: i16 = 3;

#[cfg(test)]
mod tests;
