//! The requests this client speaks: key, name, versions, answer and the answer's layout.
//!
//! Every range is one that brokers 2.8 to 4.2 serve, and holds flexible encodings only, but for
//! `ApiVersions`, `SaslHandshake` and `OffsetDelete`, where the protocol leaves no choice. The
//! upper ends stop where a newer version means something else: topic ids in place of names
//! (Produce 13, OffsetCommit 10). Whether a transaction uses Produce 12 and EndTxn 5, with which
//! partitions join by themselves and each end is a new epoch, is `produce::transaction`'s choice.

use std::fmt;

use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddOffsetsToTxnResponse, AddPartitionsToTxnRequest,
    AddPartitionsToTxnResponse, ApiVersionsRequest, ApiVersionsResponse, CreateAclsRequest,
    CreateAclsResponse, CreatePartitionsRequest, CreatePartitionsResponse, CreateTopicsRequest,
    CreateTopicsResponse, DeleteGroupsRequest, DeleteGroupsResponse, DeleteTopicsRequest,
    DeleteTopicsResponse, DescribeAclsRequest, DescribeAclsResponse, DescribeClusterRequest,
    DescribeClusterResponse, DescribeConfigsRequest, DescribeConfigsResponse,
    DescribeGroupsRequest, DescribeGroupsResponse, EndTxnRequest, EndTxnResponse, FetchRequest,
    FetchResponse, FindCoordinatorRequest, FindCoordinatorResponse, HeartbeatRequest,
    HeartbeatResponse, IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse,
    InitProducerIdRequest, InitProducerIdResponse, JoinGroupRequest, JoinGroupResponse,
    LeaveGroupRequest, LeaveGroupResponse, ListGroupsRequest, ListGroupsResponse,
    ListOffsetsRequest, ListOffsetsResponse, MetadataRequest, MetadataResponse,
    OffsetCommitRequest, OffsetCommitResponse, OffsetDeleteRequest, OffsetDeleteResponse,
    OffsetFetchRequest, OffsetFetchResponse, OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse, ProduceRequest, ProduceResponse, SaslAuthenticateRequest,
    SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse, SyncGroupRequest,
    SyncGroupResponse, TxnOffsetCommitRequest, TxnOffsetCommitResponse,
};
use kafka_protocol::protocol::{Decodable, Encodable};

use super::shape::{Shape, admin, data, group, transaction};

/// What a request is: its number in the protocol, its name, and the versions this client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiInfo {
    /// The number of the request in the protocol.
    pub key: i16,
    /// The name of the request, as in Kafka's documentation.
    pub name: &'static str,
    /// Oldest version this client speaks.
    pub min_version: i16,
    /// Newest version this client speaks.
    pub max_version: i16,
    pub(crate) shape: &'static Shape,
}

impl ApiInfo {
    /// The request with this number, if this client speaks it.
    #[must_use]
    pub fn of(key: i16) -> Option<&'static Self> {
        let index = APIS.binary_search_by_key(&key, |api| api.key).ok()?;
        APIS.get(index)
    }

    /// The newest version both sides speak, given the range that a broker offers.
    #[must_use]
    pub fn negotiate(&self, offered: (i16, i16)) -> Option<i16> {
        let newest = self.max_version.min(offered.1);
        (newest >= self.min_version.max(offered.0)).then_some(newest)
    }

    /// Whether header and body of this version of the request use compact, tagged encodings.
    #[must_use]
    pub fn is_flexible(&self, version: i16) -> bool {
        self.shape.is_flexible(version)
    }
}

impl fmt::Display for ApiInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A request of the protocol, tied to its answer.
pub trait Api: Encodable + Send {
    /// The answer's type.
    type Response: Decodable + Send;
    /// Key, name and versions.
    const INFO: &'static ApiInfo;
}

/// Names each request once: its constant in the table below and its `Api` implementation.
macro_rules! apis {
    ($($name:literal $key:literal, $min:literal..=$max:literal, $shape:expr, $request:ty => $response:ty;)*) => {
        /// All requests, sorted by key.
        const APIS: &[ApiInfo] = &[$(ApiInfo {
            key: $key,
            name: $name,
            min_version: $min,
            max_version: $max,
            shape: &$shape,
        }),*];

        $(impl Api for $request {
            type Response = $response;
            const INFO: &'static ApiInfo = &ApiInfo {
                key: $key,
                name: $name,
                min_version: $min,
                max_version: $max,
                shape: &$shape,
            };
        })*
    };
}

apis! {
    "Produce" 0, 9..=12, data::PRODUCE, ProduceRequest => ProduceResponse;
    "Fetch" 1, 12..=17, data::FETCH, FetchRequest => FetchResponse;
    "ListOffsets" 2, 6..=9, data::LIST_OFFSETS, ListOffsetsRequest => ListOffsetsResponse;
    "Metadata" 3, 10..=13, data::METADATA, MetadataRequest => MetadataResponse;
    "OffsetCommit" 8, 8..=9, group::OFFSET_COMMIT, OffsetCommitRequest => OffsetCommitResponse;
    "OffsetFetch" 9, 7..=7, group::OFFSET_FETCH, OffsetFetchRequest => OffsetFetchResponse;
    "FindCoordinator" 10, 3..=3, group::FIND_COORDINATOR, FindCoordinatorRequest => FindCoordinatorResponse;
    "JoinGroup" 11, 6..=9, group::JOIN_GROUP, JoinGroupRequest => JoinGroupResponse;
    "Heartbeat" 12, 4..=4, group::HEARTBEAT, HeartbeatRequest => HeartbeatResponse;
    "LeaveGroup" 13, 4..=5, group::LEAVE_GROUP, LeaveGroupRequest => LeaveGroupResponse;
    "SyncGroup" 14, 5..=5, group::SYNC_GROUP, SyncGroupRequest => SyncGroupResponse;
    "DescribeGroups" 15, 5..=5, group::DESCRIBE_GROUPS, DescribeGroupsRequest => DescribeGroupsResponse;
    "ListGroups" 16, 4..=4, group::LIST_GROUPS, ListGroupsRequest => ListGroupsResponse;
    "SaslHandshake" 17, 1..=1, admin::SASL_HANDSHAKE, SaslHandshakeRequest => SaslHandshakeResponse;
    "ApiVersions" 18, 0..=3, data::API_VERSIONS, ApiVersionsRequest => ApiVersionsResponse;
    "CreateTopics" 19, 5..=7, admin::CREATE_TOPICS, CreateTopicsRequest => CreateTopicsResponse;
    "DeleteTopics" 20, 5..=5, admin::DELETE_TOPICS, DeleteTopicsRequest => DeleteTopicsResponse;
    "InitProducerId" 22, 4..=5, transaction::INIT_PRODUCER_ID, InitProducerIdRequest => InitProducerIdResponse;
    "OffsetForLeaderEpoch" 23, 4..=4, data::OFFSET_FOR_LEADER_EPOCH, OffsetForLeaderEpochRequest => OffsetForLeaderEpochResponse;
    "AddPartitionsToTxn" 24, 3..=3, transaction::ADD_PARTITIONS_TO_TXN, AddPartitionsToTxnRequest => AddPartitionsToTxnResponse;
    "AddOffsetsToTxn" 25, 3..=3, transaction::ADD_OFFSETS_TO_TXN, AddOffsetsToTxnRequest => AddOffsetsToTxnResponse;
    "EndTxn" 26, 3..=5, transaction::END_TXN, EndTxnRequest => EndTxnResponse;
    "TxnOffsetCommit" 28, 3..=3, transaction::TXN_OFFSET_COMMIT, TxnOffsetCommitRequest => TxnOffsetCommitResponse;
    "DescribeAcls" 29, 2..=3, admin::DESCRIBE_ACLS, DescribeAclsRequest => DescribeAclsResponse;
    "CreateAcls" 30, 2..=3, admin::CREATE_ACLS, CreateAclsRequest => CreateAclsResponse;
    "DescribeConfigs" 32, 4..=4, admin::DESCRIBE_CONFIGS, DescribeConfigsRequest => DescribeConfigsResponse;
    "SaslAuthenticate" 36, 2..=2, admin::SASL_AUTHENTICATE, SaslAuthenticateRequest => SaslAuthenticateResponse;
    "CreatePartitions" 37, 2..=3, admin::CREATE_PARTITIONS, CreatePartitionsRequest => CreatePartitionsResponse;
    "DeleteGroups" 42, 2..=2, group::DELETE_GROUPS, DeleteGroupsRequest => DeleteGroupsResponse;
    "IncrementalAlterConfigs" 44, 1..=1, admin::INCREMENTAL_ALTER_CONFIGS, IncrementalAlterConfigsRequest => IncrementalAlterConfigsResponse;
    "OffsetDelete" 47, 0..=0, group::OFFSET_DELETE, OffsetDeleteRequest => OffsetDeleteResponse;
    "DescribeCluster" 60, 0..=1, admin::DESCRIBE_CLUSTER, DescribeClusterRequest => DescribeClusterResponse;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_sorted_so_that_lookup_finds_every_key() {
        for api in APIS {
            assert_eq!(ApiInfo::of(api.key).map(|found| found.name), Some(api.name));
        }
        assert!(ApiInfo::of(999).is_none());
    }

    #[test]
    fn negotiation_takes_the_newest_common_version() {
        let fetch = FetchRequest::INFO;
        assert_eq!(fetch.negotiate((0, 12)), Some(12));
        assert_eq!(fetch.negotiate((4, 99)), Some(17));
        assert_eq!(fetch.negotiate((0, 11)), None);
        assert_eq!(fetch.negotiate((20, 3)), None);
    }
}
