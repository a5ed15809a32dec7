//! One table of Kafka's error codes: name, text, and what a client should do about each.
//!
//! # Source
//! `org.apache.kafka.common.protocol.Errors` of 4.2.0 for codes, names, retriability and short
//! texts; long texts are told in fewer words.

use std::fmt;

use self::Cure::{Coordinator, Final, Leader, Retry};

/// An error code as a broker sent it. Codes this client does not know are kept as they are and
/// count as retriable, because a newer broker may have a good reason for them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ErrorCode(pub i16);

impl ErrorCode {
    /// Nothing went wrong.
    pub const NONE: Self = Self(0);
    /// The broker does not say what went wrong.
    pub const UNKNOWN_SERVER_ERROR: Self = Self(-1);
    /// The fetch offset is outside the log.
    pub const OFFSET_OUT_OF_RANGE: Self = Self(1);
    /// The broker does not host this topic or partition, or it does not exist.
    pub const UNKNOWN_TOPIC_OR_PARTITION: Self = Self(3);
    /// An election is going on.
    pub const LEADER_NOT_AVAILABLE: Self = Self(5);
    /// The broker does not lead this partition.
    pub const NOT_LEADER_OR_FOLLOWER: Self = Self(6);
    /// `MESSAGE_TOO_LARGE`
    pub const MESSAGE_TOO_LARGE: Self = Self(10);
    /// The group's coordinator is still reading its log.
    pub const COORDINATOR_LOAD_IN_PROGRESS: Self = Self(14);
    /// The group has no coordinator at the moment.
    pub const COORDINATOR_NOT_AVAILABLE: Self = Self(15);
    /// The broker is not the coordinator of this group.
    pub const NOT_COORDINATOR: Self = Self(16);
    /// There can be no topic of this name.
    pub const INVALID_TOPIC_EXCEPTION: Self = Self(17);
    /// The generation is not the group's newest.
    pub const ILLEGAL_GENERATION: Self = Self(22);
    /// The coordinator does not know this member.
    pub const UNKNOWN_MEMBER_ID: Self = Self(25);
    /// The group is rebalancing.
    pub const REBALANCE_IN_PROGRESS: Self = Self(27);
    /// The client may not use this topic.
    pub const TOPIC_AUTHORIZATION_FAILED: Self = Self(29);
    /// The client may not write to the cluster as a producer.
    pub const CLUSTER_AUTHORIZATION_FAILED: Self = Self(31);
    /// The broker does not serve this version of the request.
    pub const UNSUPPORTED_VERSION: Self = Self(35);
    /// A topic of this name exists already.
    pub const TOPIC_ALREADY_EXISTS: Self = Self(36);
    /// The number of partitions cannot be had.
    pub const INVALID_PARTITIONS: Self = Self(37);
    /// The request has to go to the controller.
    pub const NOT_CONTROLLER: Self = Self(41);
    /// A batch came before one that belongs in front of it.
    pub const OUT_OF_ORDER_SEQUENCE_NUMBER: Self = Self(45);
    /// The batch is in the log already.
    pub const DUPLICATE_SEQUENCE_NUMBER: Self = Self(46);
    /// The producer has started over, or another took its place.
    pub const INVALID_PRODUCER_EPOCH: Self = Self(47);
    /// The transaction is not in a state that allows the request.
    pub const INVALID_TXN_STATE: Self = Self(48);
    /// The producer id does not belong to the transactional id.
    pub const INVALID_PRODUCER_ID_MAPPING: Self = Self(49);
    /// The transaction before is still being completed.
    pub const CONCURRENT_TRANSACTIONS: Self = Self(51);
    /// The client may not use this transactional id.
    pub const TRANSACTIONAL_ID_AUTHORIZATION_FAILED: Self = Self(53);
    /// No authorizer is set up at the broker.
    pub const SECURITY_DISABLED: Self = Self(54);
    /// Another part of the request failed first.
    pub const OPERATION_NOT_ATTEMPTED: Self = Self(55);
    /// The partition's leader remembers nothing of the producer.
    pub const UNKNOWN_PRODUCER_ID: Self = Self(59);
    /// The group has members, which stand in the way.
    pub const NON_EMPTY_GROUP: Self = Self(68);
    /// There is no such group.
    pub const GROUP_ID_NOT_FOUND: Self = Self(69);
    /// The broker does not know the fetch session.
    pub const FETCH_SESSION_ID_NOT_FOUND: Self = Self(70);
    /// The fetch session's epoch is not the expected one.
    pub const INVALID_FETCH_SESSION_EPOCH: Self = Self(71);
    /// The client's leader epoch is older than the broker's.
    pub const FENCED_LEADER_EPOCH: Self = Self(74);
    /// The client's leader epoch is newer than the broker's.
    pub const UNKNOWN_LEADER_EPOCH: Self = Self(75);
    /// The join has to be repeated with the member id in the answer.
    pub const MEMBER_ID_REQUIRED: Self = Self(79);
    /// Another member took over this static instance.
    pub const FENCED_INSTANCE_ID: Self = Self(82);
    /// The group's members read this topic.
    pub const GROUP_SUBSCRIBED_TO_TOPIC: Self = Self(86);
    /// Offsets of an open transaction are in the way.
    pub const UNSTABLE_OFFSET_COMMIT: Self = Self(88);
    /// Another producer with the same transactional id took over.
    pub const PRODUCER_FENCED: Self = Self(90);
    /// The broker does not know the topic id.
    pub const UNKNOWN_TOPIC_ID: Self = Self(100);
    /// The topic id does not belong to the topic name.
    pub const INCONSISTENT_TOPIC_ID: Self = Self(103);
    /// The transaction has to be aborted; the producer may go on.
    pub const TRANSACTION_ABORTABLE: Self = Self(120);
    /// The client has to start over from its bootstrap servers.
    pub const REBOOTSTRAP_REQUIRED: Self = Self(129);

    /// Whether the code says that all is well.
    #[must_use]
    pub fn is_none(self) -> bool {
        self == Self::NONE
    }

    /// `Ok` for code 0, else the code itself.
    ///
    /// # Errors
    /// The code, when it is not 0.
    pub fn ok(self) -> Result<(), Self> {
        if self.is_none() { Ok(()) } else { Err(self) }
    }

    /// Kafka's name of the code, such as `NOT_LEADER_OR_FOLLOWER`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().map_or("UNKNOWN_ERROR_CODE", |row| row.name)
    }

    /// One sentence that says what happened.
    #[must_use]
    pub fn message(self) -> &'static str {
        self.row().map_or(
            "The broker sent an error code that this client does not know.",
            |row| row.text,
        )
    }

    /// Whether the same request may succeed when it is sent again.
    #[must_use]
    pub fn is_retriable(self) -> bool {
        self.row().is_none_or(|row| row.cure != Final)
    }

    /// Whether the client's view of topics and leaders is out of date.
    #[must_use]
    pub fn needs_metadata_refresh(self) -> bool {
        self.row().is_some_and(|row| row.cure == Leader)
    }

    /// Whether the coordinator has to be looked up again.
    #[must_use]
    pub fn needs_coordinator_refresh(self) -> bool {
        self.row().is_some_and(|row| row.cure == Coordinator)
    }

    /// Whether a producer that hears this is of no further use.
    #[must_use]
    pub fn is_fatal_to_producers(self) -> bool {
        [
            Self::CLUSTER_AUTHORIZATION_FAILED,
            Self::UNSUPPORTED_VERSION,
            Self::INVALID_PRODUCER_ID_MAPPING,
            Self::TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
            Self::PRODUCER_FENCED,
        ]
        .contains(&self)
    }

    /// The class of the exception that Java's clients make of the code; those that producers see
    /// have their own, all others are a `KafkaException` here.
    #[must_use]
    pub fn java_class(self) -> &'static str {
        PRODUCER_CLASSES
            .iter()
            .find(|(code, _)| *code == self.0)
            .map_or("org.apache.kafka.common.KafkaException", |(_, class)| class)
    }

    fn row(self) -> Option<&'static Row> {
        // The table is sorted by code (a test holds it to that).
        let index = TABLE.binary_search_by_key(&self.0, |row| row.code).ok()?;
        TABLE.get(index)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.0)
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What makes a failed request succeed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cure {
    /// Nothing: the request is wrong or forbidden.
    Final,
    /// Time.
    Retry,
    /// Newer metadata, then the same request.
    Leader,
    /// Another look for the coordinator, then the same request.
    Coordinator,
}

struct Row {
    code: i16,
    name: &'static str,
    cure: Cure,
    text: &'static str,
}

const fn row(code: i16, name: &'static str, cure: Cure, text: &'static str) -> Row {
    Row {
        code,
        name,
        cure,
        text,
    }
}

#[rustfmt::skip]
const TABLE: &[Row] = &[
    row(-1, "UNKNOWN_SERVER_ERROR", Final, "The server experienced an unexpected error when processing the request."),
    row(0, "NONE", Final, ""),
    row(1, "OFFSET_OUT_OF_RANGE", Final, "The requested offset is not within the range of offsets maintained by the server."),
    row(2, "CORRUPT_MESSAGE", Retry, "The message is corrupt: bad CRC, bad size, or no key for a compacted topic."),
    row(3, "UNKNOWN_TOPIC_OR_PARTITION", Leader, "This server does not host this topic-partition."),
    row(4, "INVALID_FETCH_SIZE", Final, "The requested fetch size is invalid."),
    row(5, "LEADER_NOT_AVAILABLE", Leader, "There is no leader for this topic-partition as we are in the middle of a leadership election."),
    row(6, "NOT_LEADER_OR_FOLLOWER", Leader, "The broker is not the leader, or not a replica, of the topic partition."),
    row(7, "REQUEST_TIMED_OUT", Retry, "The request timed out."),
    row(8, "BROKER_NOT_AVAILABLE", Final, "The broker is not available."),
    row(9, "REPLICA_NOT_AVAILABLE", Leader, "The replica is not available for the requested topic-partition."),
    row(10, "MESSAGE_TOO_LARGE", Final, "The request included a message larger than the max message size the server will accept."),
    row(11, "STALE_CONTROLLER_EPOCH", Final, "The controller moved to another broker."),
    row(12, "OFFSET_METADATA_TOO_LARGE", Final, "The metadata field of the offset request was too large."),
    row(13, "NETWORK_EXCEPTION", Leader, "The server disconnected before a response was received."),
    row(14, "COORDINATOR_LOAD_IN_PROGRESS", Retry, "The coordinator is loading and hence can't process requests."),
    row(15, "COORDINATOR_NOT_AVAILABLE", Coordinator, "The coordinator is not available."),
    row(16, "NOT_COORDINATOR", Coordinator, "This is not the correct coordinator."),
    row(17, "INVALID_TOPIC_EXCEPTION", Final, "The request attempted to perform an operation on an invalid topic."),
    row(18, "RECORD_LIST_TOO_LARGE", Final, "The request included message batch larger than the configured segment size on the server."),
    row(19, "NOT_ENOUGH_REPLICAS", Retry, "Messages are rejected since there are fewer in-sync replicas than required."),
    row(20, "NOT_ENOUGH_REPLICAS_AFTER_APPEND", Retry, "Messages are written to the log, but to fewer in-sync replicas than required."),
    row(21, "INVALID_REQUIRED_ACKS", Final, "Produce request specified an invalid value for required acks."),
    row(22, "ILLEGAL_GENERATION", Final, "Specified group generation id is not valid."),
    row(23, "INCONSISTENT_GROUP_PROTOCOL", Final, "The member's protocols do not match those of the group."),
    row(24, "INVALID_GROUP_ID", Final, "The group id is invalid."),
    row(25, "UNKNOWN_MEMBER_ID", Final, "The coordinator is not aware of this member."),
    row(26, "INVALID_SESSION_TIMEOUT", Final, "The session timeout is outside the range that the broker allows."),
    row(27, "REBALANCE_IN_PROGRESS", Final, "The group is rebalancing, so a rejoin is needed."),
    row(28, "INVALID_COMMIT_OFFSET_SIZE", Final, "The committing offset data size is not valid."),
    row(29, "TOPIC_AUTHORIZATION_FAILED", Final, "Topic authorization failed."),
    row(30, "GROUP_AUTHORIZATION_FAILED", Final, "Group authorization failed."),
    row(31, "CLUSTER_AUTHORIZATION_FAILED", Final, "Cluster authorization failed."),
    row(32, "INVALID_TIMESTAMP", Final, "The timestamp of the message is out of acceptable range."),
    row(33, "UNSUPPORTED_SASL_MECHANISM", Final, "The broker does not support the requested SASL mechanism."),
    row(34, "ILLEGAL_SASL_STATE", Final, "Request is not valid given the current SASL state."),
    row(35, "UNSUPPORTED_VERSION", Final, "The version of API is not supported."),
    row(36, "TOPIC_ALREADY_EXISTS", Final, "Topic with this name already exists."),
    row(37, "INVALID_PARTITIONS", Final, "Number of partitions is below 1."),
    row(38, "INVALID_REPLICATION_FACTOR", Final, "Replication factor is below 1 or larger than the number of available brokers."),
    row(39, "INVALID_REPLICA_ASSIGNMENT", Final, "Replica assignment is invalid."),
    row(40, "INVALID_CONFIG", Final, "Configuration is invalid."),
    row(41, "NOT_CONTROLLER", Retry, "This is not the correct controller for this cluster."),
    row(42, "INVALID_REQUEST", Final, "The broker could not make sense of the request; its log says more."),
    row(43, "UNSUPPORTED_FOR_MESSAGE_FORMAT", Final, "The message format version on the broker does not support the request."),
    row(44, "POLICY_VIOLATION", Final, "Request parameters do not satisfy the configured policy."),
    row(45, "OUT_OF_ORDER_SEQUENCE_NUMBER", Final, "The broker received an out of order sequence number."),
    row(46, "DUPLICATE_SEQUENCE_NUMBER", Final, "The broker received a duplicate sequence number."),
    row(47, "INVALID_PRODUCER_EPOCH", Final, "Producer attempted to produce with an old epoch."),
    row(48, "INVALID_TXN_STATE", Final, "The producer attempted a transactional operation in an invalid state."),
    row(49, "INVALID_PRODUCER_ID_MAPPING", Final, "The producer attempted to use a producer id which is not currently assigned to its transactional id."),
    row(50, "INVALID_TRANSACTION_TIMEOUT", Final, "The transaction timeout is larger than the broker allows."),
    row(51, "CONCURRENT_TRANSACTIONS", Retry, "Another operation on the same transaction is still going on."),
    row(52, "TRANSACTION_COORDINATOR_FENCED", Final, "The transaction coordinator is no longer the one of this producer."),
    row(53, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", Final, "Transactional Id authorization failed."),
    row(54, "SECURITY_DISABLED", Final, "Security features are disabled."),
    row(55, "OPERATION_NOT_ATTEMPTED", Final, "The broker did not attempt this operation, as another of the same request failed."),
    row(56, "KAFKA_STORAGE_ERROR", Leader, "Disk error when trying to access log file on the disk."),
    row(57, "LOG_DIR_NOT_FOUND", Final, "The user-specified log directory is not found in the broker config."),
    row(58, "SASL_AUTHENTICATION_FAILED", Final, "SASL Authentication failed."),
    row(59, "UNKNOWN_PRODUCER_ID", Final, "The broker knows nothing of this producer id, perhaps since its records were deleted."),
    row(60, "REASSIGNMENT_IN_PROGRESS", Final, "A partition reassignment is in progress."),
    row(61, "DELEGATION_TOKEN_AUTH_DISABLED", Final, "Delegation Token feature is not enabled."),
    row(62, "DELEGATION_TOKEN_NOT_FOUND", Final, "Delegation Token is not found on server."),
    row(63, "DELEGATION_TOKEN_OWNER_MISMATCH", Final, "Specified Principal is not valid Owner/Renewer."),
    row(64, "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED", Final, "Delegation token requests are not allowed on this channel."),
    row(65, "DELEGATION_TOKEN_AUTHORIZATION_FAILED", Final, "Delegation Token authorization failed."),
    row(66, "DELEGATION_TOKEN_EXPIRED", Final, "Delegation Token is expired."),
    row(67, "INVALID_PRINCIPAL_TYPE", Final, "Supplied principalType is not supported."),
    row(68, "NON_EMPTY_GROUP", Final, "The group is not empty."),
    row(69, "GROUP_ID_NOT_FOUND", Final, "The group id does not exist."),
    row(70, "FETCH_SESSION_ID_NOT_FOUND", Retry, "The fetch session ID was not found."),
    row(71, "INVALID_FETCH_SESSION_EPOCH", Retry, "The fetch session epoch is invalid."),
    row(72, "LISTENER_NOT_FOUND", Leader, "The leader has no listener of the name used for the metadata request."),
    row(73, "TOPIC_DELETION_DISABLED", Final, "Topic deletion is disabled."),
    row(74, "FENCED_LEADER_EPOCH", Leader, "The leader epoch in the request is older than the epoch on the broker."),
    row(75, "UNKNOWN_LEADER_EPOCH", Retry, "The leader epoch in the request is newer than the epoch on the broker."),
    row(76, "UNSUPPORTED_COMPRESSION_TYPE", Final, "The requesting client does not support the compression type of given partition."),
    row(77, "STALE_BROKER_EPOCH", Final, "Broker epoch has changed."),
    row(78, "OFFSET_NOT_AVAILABLE", Retry, "The leader's high watermark has not caught up since its election."),
    row(79, "MEMBER_ID_REQUIRED", Final, "The group member needs to have a valid member id before actually entering a consumer group."),
    row(80, "PREFERRED_LEADER_NOT_AVAILABLE", Leader, "The preferred leader was not available."),
    row(81, "GROUP_MAX_SIZE_REACHED", Final, "The group has reached its maximum size."),
    row(82, "FENCED_INSTANCE_ID", Final, "Another member has registered with the same group.instance.id."),
    row(83, "ELIGIBLE_LEADERS_NOT_AVAILABLE", Leader, "Eligible topic partition leaders are not available."),
    row(84, "ELECTION_NOT_NEEDED", Leader, "Leader election not needed for topic partition."),
    row(85, "NO_REASSIGNMENT_IN_PROGRESS", Final, "No partition reassignment is in progress."),
    row(86, "GROUP_SUBSCRIBED_TO_TOPIC", Final, "Deleting offsets of a topic is forbidden while the consumer group is actively subscribed to it."),
    row(87, "INVALID_RECORD", Final, "This record has failed the validation on broker and hence will be rejected."),
    row(88, "UNSTABLE_OFFSET_COMMIT", Retry, "There are unstable offsets that need to be cleared."),
    row(89, "THROTTLING_QUOTA_EXCEEDED", Retry, "The throttling quota has been exceeded."),
    row(90, "PRODUCER_FENCED", Final, "There is a newer producer with the same transactionalId which fences the current one."),
    row(91, "RESOURCE_NOT_FOUND", Final, "A request illegally referred to a resource that does not exist."),
    row(92, "DUPLICATE_RESOURCE", Final, "A request illegally referred to the same resource twice."),
    row(93, "UNACCEPTABLE_CREDENTIAL", Final, "Requested credential would not meet criteria for acceptability."),
    row(94, "INCONSISTENT_VOTER_SET", Final, "Sender or recipient of a voter-only request is not a voter."),
    row(95, "INVALID_UPDATE_VERSION", Final, "The given update version was invalid."),
    row(96, "FEATURE_UPDATE_FAILED", Final, "Unable to update finalized features due to an unexpected server error."),
    row(97, "PRINCIPAL_DESERIALIZATION_FAILURE", Final, "The forwarded principal could not be read, which points at the cluster's security setup."),
    row(98, "SNAPSHOT_NOT_FOUND", Final, "Requested snapshot was not found."),
    row(99, "POSITION_OUT_OF_RANGE", Final, "Requested position is not greater than or equal to zero, and less than the size of the snapshot."),
    row(100, "UNKNOWN_TOPIC_ID", Leader, "This server does not host this topic ID."),
    row(101, "DUPLICATE_BROKER_REGISTRATION", Final, "This broker ID is already in use."),
    row(102, "BROKER_ID_NOT_REGISTERED", Final, "The given broker ID was not registered."),
    row(103, "INCONSISTENT_TOPIC_ID", Leader, "The log's topic ID did not match the topic ID in the request."),
    row(104, "INCONSISTENT_CLUSTER_ID", Final, "The clusterId in the request does not match that found on the server."),
    row(105, "TRANSACTIONAL_ID_NOT_FOUND", Final, "The transactionalId could not be found."),
    row(106, "FETCH_SESSION_TOPIC_ID_ERROR", Retry, "The fetch session encountered inconsistent topic ID usage."),
    row(107, "INELIGIBLE_REPLICA", Final, "The new ISR contains at least one ineligible replica."),
    row(108, "NEW_LEADER_ELECTED", Final, "The AlterPartition request successfully updated the partition state but the leader has changed."),
    row(109, "OFFSET_MOVED_TO_TIERED_STORAGE", Final, "The requested offset is moved to tiered storage."),
    row(110, "FENCED_MEMBER_EPOCH", Final, "The member epoch is fenced: give up all partitions and rejoin."),
    row(111, "UNRELEASED_INSTANCE_ID", Final, "The instance ID is still used by another member in the consumer group. That member must leave first."),
    row(112, "UNSUPPORTED_ASSIGNOR", Final, "The assignor or its version range is not supported by the consumer group."),
    row(113, "STALE_MEMBER_EPOCH", Final, "The member epoch is stale: retry with the newest one."),
    row(114, "MISMATCHED_ENDPOINT_TYPE", Final, "The request was sent to an endpoint of the wrong type."),
    row(115, "UNSUPPORTED_ENDPOINT_TYPE", Final, "This endpoint type is not supported yet."),
    row(116, "UNKNOWN_CONTROLLER_ID", Final, "This controller ID is not known."),
    row(117, "UNKNOWN_SUBSCRIPTION_ID", Final, "Client sent a push telemetry request with an invalid or outdated subscription ID."),
    row(118, "TELEMETRY_TOO_LARGE", Final, "Client sent a push telemetry request larger than the maximum size the broker will accept."),
    row(119, "INVALID_REGISTRATION", Final, "The controller has considered the broker registration to be invalid."),
    row(120, "TRANSACTION_ABORTABLE", Final, "The transaction failed; after an abort the transactional id can be used again."),
    row(121, "INVALID_RECORD_STATE", Final, "The record state is invalid. The acknowledgement of delivery could not be completed."),
    row(122, "SHARE_SESSION_NOT_FOUND", Retry, "The share session was not found."),
    row(123, "INVALID_SHARE_SESSION_EPOCH", Retry, "The share session epoch is invalid."),
    row(124, "FENCED_STATE_EPOCH", Final, "The share coordinator rejected the request because the share-group state epoch did not match."),
    row(125, "INVALID_VOTER_KEY", Final, "The voter key doesn't match the receiving replica's key."),
    row(126, "DUPLICATE_VOTER", Final, "The voter is already part of the set of voters."),
    row(127, "VOTER_NOT_FOUND", Final, "The voter is not part of the set of voters."),
    row(128, "INVALID_REGULAR_EXPRESSION", Final, "The regular expression is not valid."),
    row(129, "REBOOTSTRAP_REQUIRED", Final, "Client metadata is stale. The client should rebootstrap to obtain new metadata."),
    row(130, "STREAMS_INVALID_TOPOLOGY", Final, "The supplied topology is invalid."),
    row(131, "STREAMS_INVALID_TOPOLOGY_EPOCH", Final, "The supplied topology epoch is invalid."),
    row(132, "STREAMS_TOPOLOGY_FENCED", Final, "The supplied topology epoch is outdated."),
    row(133, "SHARE_SESSION_LIMIT_REACHED", Retry, "The limit of share sessions has been reached."),
];

/// Exceptions of the codes that producers see.
#[rustfmt::skip]
const PRODUCER_CLASSES: &[(i16, &str)] = &[
    (-1, "org.apache.kafka.common.errors.UnknownServerException"),
    (2, "org.apache.kafka.common.errors.CorruptRecordException"),
    (3, "org.apache.kafka.common.errors.UnknownTopicOrPartitionException"),
    (5, "org.apache.kafka.common.errors.LeaderNotAvailableException"),
    (6, "org.apache.kafka.common.errors.NotLeaderOrFollowerException"),
    (7, "org.apache.kafka.common.errors.TimeoutException"),
    (10, "org.apache.kafka.common.errors.RecordTooLargeException"),
    (13, "org.apache.kafka.common.errors.NetworkException"),
    (14, "org.apache.kafka.common.errors.CoordinatorLoadInProgressException"),
    (15, "org.apache.kafka.common.errors.CoordinatorNotAvailableException"),
    (16, "org.apache.kafka.common.errors.NotCoordinatorException"),
    (17, "org.apache.kafka.common.errors.InvalidTopicException"),
    (18, "org.apache.kafka.common.errors.RecordBatchTooLargeException"),
    (19, "org.apache.kafka.common.errors.NotEnoughReplicasException"),
    (20, "org.apache.kafka.common.errors.NotEnoughReplicasAfterAppendException"),
    (21, "org.apache.kafka.common.errors.InvalidRequiredAcksException"),
    (29, "org.apache.kafka.common.errors.TopicAuthorizationException"),
    (31, "org.apache.kafka.common.errors.ClusterAuthorizationException"),
    (32, "org.apache.kafka.common.errors.InvalidTimestampException"),
    (35, "org.apache.kafka.common.errors.UnsupportedVersionException"),
    (43, "org.apache.kafka.common.errors.UnsupportedForMessageFormatException"),
    (44, "org.apache.kafka.common.errors.PolicyViolationException"),
    (45, "org.apache.kafka.common.errors.OutOfOrderSequenceException"),
    (46, "org.apache.kafka.common.errors.DuplicateSequenceException"),
    (47, "org.apache.kafka.common.errors.InvalidProducerEpochException"),
    (48, "org.apache.kafka.common.errors.InvalidTxnStateException"),
    (49, "org.apache.kafka.common.errors.InvalidPidMappingException"),
    (50, "org.apache.kafka.common.errors.InvalidTxnTimeoutException"),
    (51, "org.apache.kafka.common.errors.ConcurrentTransactionsException"),
    (52, "org.apache.kafka.common.errors.TransactionCoordinatorFencedException"),
    (53, "org.apache.kafka.common.errors.TransactionalIdAuthorizationException"),
    (56, "org.apache.kafka.common.errors.KafkaStorageException"),
    (59, "org.apache.kafka.common.errors.UnknownProducerIdException"),
    (74, "org.apache.kafka.common.errors.FencedLeaderEpochException"),
    (76, "org.apache.kafka.common.errors.UnsupportedCompressionTypeException"),
    (87, "org.apache.kafka.common.InvalidRecordException"),
    (90, "org.apache.kafka.common.errors.ProducerFencedException"),
    (100, "org.apache.kafka.common.errors.UnknownTopicIdException"),
    (120, "org.apache.kafka.common.errors.TransactionAbortableException"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_sorted_by_code_without_gaps() {
        for (code, row) in (-1_i16..).zip(TABLE) {
            assert_eq!(row.code, code, "{}", row.name);
        }
        assert_eq!(TABLE.len(), 135);
    }

    #[test]
    fn codes_say_what_to_do() {
        assert!(ErrorCode::NOT_LEADER_OR_FOLLOWER.needs_metadata_refresh());
        assert!(ErrorCode::NOT_COORDINATOR.needs_coordinator_refresh());
        assert!(!ErrorCode::COORDINATOR_LOAD_IN_PROGRESS.needs_coordinator_refresh());
        assert!(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS.is_retriable());
        assert!(!ErrorCode::TOPIC_AUTHORIZATION_FAILED.is_retriable());
        assert_eq!(
            ErrorCode::FENCED_LEADER_EPOCH.to_string(),
            "FENCED_LEADER_EPOCH (74)"
        );
    }

    #[test]
    fn unknown_code_is_retriable_and_keeps_its_number() {
        assert!(ErrorCode(31_000).is_retriable());
        assert_eq!(ErrorCode(31_000).to_string(), "UNKNOWN_ERROR_CODE (31000)");
    }
}
