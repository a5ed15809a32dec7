//! Asks the coordinator what the machine wants to know.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::{
    AddPartitionsToTxnRequest, EndTxnRequest, ProducerId, TopicName, TransactionalId,
};
use kafka_protocol::protocol::StrBytes;

use super::machine::{Protocol, Reply, Request};
use crate::cluster::Cluster;
use crate::error::ClientError;
use crate::net::Connection;
use crate::produce::idempotence::{identity_of, init_producer_id};
use crate::produce::stamp::ProducerIdentity;
use crate::topic_partition::TopicPartition;
use crate::wire::error_code::ErrorCode;

/// One producer's way to its coordinator.
#[derive(Debug, Clone)]
pub(in crate::produce) struct Coordinator {
    pub(in crate::produce) cluster: Cluster,
    pub(in crate::produce) transactional_id: Arc<str>,
    pub(in crate::produce) transaction_timeout: Duration,
}

/// A reply, and the protocol that its sender offers.
pub(in crate::produce) type Told = (Reply, Protocol);

impl Coordinator {
    /// Asks once.
    ///
    /// # Errors
    /// Those of the look-up and of a connection. Error codes are in the reply.
    pub(in crate::produce) async fn ask(&self, request: &Request) -> Result<Told, ClientError> {
        let found = self
            .cluster
            .transaction_coordinator(&self.transactional_id)
            .await;
        let connection = found?;
        let offered = Protocol::of(connection.transaction_version());
        let reply = match request {
            Request::Init(own) => {
                let id = Some(self.transactional_id.as_ref());
                let timeout = self.transaction_timeout;
                Reply::Init(init_producer_id(&connection, id, timeout, *own).await?)
            }
            Request::Add(identity, partitions) => {
                self.add(&connection, *identity, partitions).await?
            }
            Request::End {
                identity,
                commits,
                protocol,
            } => {
                self.end(&connection, *identity, *commits, *protocol)
                    .await?
            }
        };
        Ok((reply, offered))
    }

    /// Looks the coordinator up again before the next request.
    pub(in crate::produce) fn forget(&self) {
        self.cluster
            .forget_transaction_coordinator(&self.transactional_id);
    }

    async fn add(
        &self,
        connection: &Connection,
        identity: ProducerIdentity,
        partitions: &BTreeSet<TopicPartition>,
    ) -> Result<Reply, ClientError> {
        let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
        for partition in partitions {
            let numbers = topics.entry(&partition.topic).or_default();
            numbers.push(partition.partition);
        }
        let topics = topics.into_iter().map(|(name, numbers)| {
            AddPartitionsToTxnTopic::default()
                .with_name(TopicName(StrBytes::from_string(name.to_owned())))
                .with_partitions(numbers)
        });
        let request = AddPartitionsToTxnRequest::default()
            .with_v3_and_below_transactional_id(self.id())
            .with_v3_and_below_producer_id(ProducerId(identity.id))
            .with_v3_and_below_producer_epoch(identity.epoch)
            .with_v3_and_below_topics(topics.collect());
        let answer = connection.call(request).await?;
        let mut codes = BTreeMap::new();
        for topic in &answer.results_by_topic_v3_and_below {
            let name: Arc<str> = topic.name.as_str().into();
            for result in &topic.results_by_partition {
                let partition = TopicPartition::new(Arc::clone(&name), result.partition_index);
                codes.insert(partition, ErrorCode(result.partition_error_code));
            }
        }
        Ok(Reply::Added(codes))
    }

    async fn end(
        &self,
        connection: &Connection,
        identity: ProducerIdentity,
        commits: bool,
        protocol: Protocol,
    ) -> Result<Reply, ClientError> {
        let request = EndTxnRequest::default()
            .with_transactional_id(self.id())
            .with_producer_id(ProducerId(identity.id))
            .with_producer_epoch(identity.epoch)
            .with_committed(commits);
        let versions = match protocol {
            Protocol::V1 => (0, LAST_END_OF_V1),
            Protocol::V2 => (LAST_END_OF_V1 + 1, i16::MAX),
        };
        let answer = connection.start(request, versions)?.await?;
        let next = || identity_of(answer.producer_id, answer.producer_epoch);
        Ok(Reply::Ended(
            ErrorCode(answer.error_code).ok().map(|()| next()),
        ))
    }

    fn id(&self) -> TransactionalId {
        TransactionalId(StrBytes::from_string(self.transactional_id.to_string()))
    }
}

/// The newest EndTxn that leaves the epoch as it is.
const LAST_END_OF_V1: i16 = 4;
