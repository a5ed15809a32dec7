//! The requests this broker answers: one file per API key, each with its versions, its outline
//! and its answer. Only what is listed here is advertised.

use std::future::Future;
use std::ops::RangeInclusive;
use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::ApiKey;
use kafka_protocol::protocol::{Decodable, Encodable, Request};

use crate::body::Body;
use crate::broker::Broker;
use crate::shape::{Shape, ShapeError};

/// One kind of request.
pub(crate) trait Api {
    /// The decoded request.
    type Request: Request;
    /// Versions answered.
    const VERSIONS: RangeInclusive<i16>;
    /// The request's outline over these versions.
    const SHAPE: Shape;

    /// Does what is asked.
    fn answer(
        call: &Call,
        request: Self::Request,
    ) -> impl Future<Output = Answer<<Self::Request as Request>::Response>> + Send;

    /// The answer that carries `error` wherever the request expects a result.
    fn refuse(
        call: &Call,
        request: Self::Request,
        error: i16,
    ) -> <Self::Request as Request>::Response;
}

/// Who asks, and in which version.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) broker: Arc<Broker>,
    pub(crate) version: i16,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
}

/// What goes back.
#[derive(Debug)]
pub(crate) enum Answer<R> {
    Message(R),
    /// Already encoded.
    Encoded(Body),
    /// The client expects no answer.
    Silence,
}

/// Why a request is not answered but its connection closed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    #[error("api key {0} is not answered")]
    UnknownApi(i16),
    #[error("version {version} of {api:?} is not answered")]
    UnknownVersion { api: ApiKey, version: i16 },
    #[error("malformed {api:?} version {version}")]
    Shape {
        api: ApiKey,
        version: i16,
        #[source]
        source: ShapeError,
    },
    #[error("cannot decode {api:?} version {version}: {reason}")]
    Decode {
        api: ApiKey,
        version: i16,
        reason: String,
    },
    #[error("cannot encode the answer to {api:?} version {version}: {reason}")]
    Encode {
        api: ApiKey,
        version: i16,
        reason: String,
    },
}

/// What to do with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    Answer,
    /// An injected fault: answer with this error code.
    Refuse(i16),
}

macro_rules! apis {
    ($($module:ident::$api:ident,)*) => {
        $(mod $module;)*

        /// Answers one request; `None` when the client expects nothing back.
        ///
        /// # Errors
        /// The connection must be closed.
        pub(crate) async fn serve(
            call: &Call,
            api: ApiKey,
            body: Bytes,
            wish: Wish,
        ) -> Result<Option<Body>, RequestError> {
            match api as i16 {
                $(<$module::$api as Api>::Request::KEY => {
                    Box::pin(serve_one::<$module::$api>(call, api, body, wish)).await
                })*
                other => Err(RequestError::UnknownApi(other)),
            }
        }

        /// Every answered API key with its versions, in the order of keys.
        pub(crate) fn advertised() -> Vec<(i16, RangeInclusive<i16>)> {
            vec![$((<$module::$api as Api>::Request::KEY, $module::$api::VERSIONS),)*]
        }
    };
}

apis! {
    produce::Produce,
    fetch::Fetch,
    list_offsets::ListOffsets,
    metadata::Metadata,
    offset_commit::OffsetCommit,
    offset_fetch::OffsetFetch,
    find_coordinator::FindCoordinator,
    join_group::JoinGroup,
    heartbeat::Heartbeat,
    leave_group::LeaveGroup,
    sync_group::SyncGroup,
    describe_groups::DescribeGroups,
    list_groups::ListGroups,
    api_versions::ApiVersions,
    create_topics::CreateTopics,
    delete_topics::DeleteTopics,
    init_producer_id::InitProducerId,
    offset_for_leader_epoch::OffsetForLeaderEpoch,
    add_partitions_to_txn::AddPartitionsToTxn,
    add_offsets_to_txn::AddOffsetsToTxn,
    end_txn::EndTxn,
    txn_offset_commit::TxnOffsetCommit,
    describe_configs::DescribeConfigs,
    create_partitions::CreatePartitions,
    delete_groups::DeleteGroups,
    offset_delete::OffsetDelete,
    describe_cluster::DescribeCluster,
    describe_producers::DescribeProducers,
    describe_transactions::DescribeTransactions,
    list_transactions::ListTransactions,
    describe_topic_partitions::DescribeTopicPartitions,
}

pub(crate) use fetch::Sessions;

async fn serve_one<A: Api>(
    call: &Call,
    api: ApiKey,
    mut body: Bytes,
    wish: Wish,
) -> Result<Option<Body>, RequestError> {
    let version = call.version;
    if !A::VERSIONS.contains(&version) {
        return Err(RequestError::UnknownVersion { api, version });
    }
    A::SHAPE
        .check(&body, version)
        .map_err(|source| RequestError::Shape {
            api,
            version,
            source,
        })?;
    let request = A::Request::decode(&mut body, version).map_err(|error| RequestError::Decode {
        api,
        version,
        reason: error.to_string(),
    })?;
    let answer = match wish {
        Wish::Answer => A::answer(call, request).await,
        Wish::Refuse(error) => Answer::Message(A::refuse(call, request, error)),
    };
    let message = match answer {
        Answer::Message(message) => message,
        Answer::Encoded(body) => return Ok(Some(body)),
        Answer::Silence => return Ok(None),
    };
    let mut body = Body::default();
    let mut encoded = Ok(());
    body.write(|buffer| encoded = message.encode(buffer, version));
    encoded.map_err(|error| RequestError::Encode {
        api,
        version,
        reason: error.to_string(),
    })?;
    Ok(Some(body))
}

/// Whether this version of a request is answered.
pub(crate) fn is_answered(api: ApiKey, version: i16) -> bool {
    let key = api as i16;
    advertised()
        .iter()
        .any(|(known, versions)| *known == key && versions.contains(&version))
}

/// The answer to an ApiVersions request in a version this broker does not know (KIP-511).
pub(crate) fn unknown_api_versions() -> Result<Body, RequestError> {
    let message = api_versions::versions(ResponseError::UnsupportedVersion.code());
    let mut body = Body::default();
    let mut encoded = Ok(());
    body.write(|buffer| encoded = message.encode(buffer, 0));
    encoded.map_err(|error| RequestError::Encode {
        api: ApiKey::ApiVersions,
        version: 0,
        reason: error.to_string(),
    })?;
    Ok(body)
}

/// The error code of a result, 0 for success.
fn code_of<T>(result: &Result<T, ResponseError>) -> i16 {
    result.as_ref().err().map_or(0, ResponseError::code)
}

/// The error code for a producer: clients of versions before `fenced_since` know a fenced one only
/// by its epoch.
fn fenced_code(call: &Call, fenced_since: i16, error: ResponseError) -> i16 {
    match error {
        ResponseError::ProducerFenced if call.version < fenced_since => {
            ResponseError::InvalidProducerEpoch.code()
        }
        error => error.code(),
    }
}

/// An optional wire string as an owned one.
fn owned(text: Option<&kafka_protocol::protocol::StrBytes>) -> Option<String> {
    text.map(|text| text.as_str().to_owned())
}

#[cfg(test)]
mod tests;
