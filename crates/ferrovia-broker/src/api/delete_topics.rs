//! DeleteTopics (key 20), versions 1–6. v4 flexible, v5 error messages, v6 topic ids (KIP-516).

use std::ops::RangeInclusive;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::TopicName;
use kafka_protocol::messages::delete_topics_request::{DeleteTopicState, DeleteTopicsRequest};
use kafka_protocol::messages::delete_topics_response::{
    DeletableTopicResult, DeleteTopicsResponse,
};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::{Answer, Api, Call, code_of};
use crate::broker::lock;
use crate::journal::Entry;
use crate::shape::{Shape, fixed, rows, text, values};
use crate::topics::Topics;

/// See the module.
pub(crate) struct DeleteTopics;

const STATES_SINCE: i16 = 6;

impl Api for DeleteTopics {
    type Request = DeleteTopicsRequest;
    const VERSIONS: RangeInclusive<i16> = 1..=6;
    const SHAPE: Shape = Shape {
        flexible_from: 4,
        fields: &[
            rows(&[text(), fixed(16)]).since(6),
            values(&text()).until(5),
            fixed(4),
        ],
    };

    async fn answer(call: &Call, request: DeleteTopicsRequest) -> Answer<DeleteTopicsResponse> {
        let mut topics = lock(&call.broker.topics);
        let deleted = asked(call, request).into_iter().map(|asked| {
            let name = resolve(&topics, &asked);
            let deleted = name.as_ref().map_err(|error| *error).and_then(|name| {
                let id = topics.delete(name)?;
                call.broker.note(&Entry::TopicDeleted { id });
                let forgotten = lock(&call.broker.groups).forget_topic(name);
                forgotten.iter().for_each(|entry| call.broker.note(entry));
                Ok(id)
            });
            let name = name.ok().map(|name| TopicName(StrBytes::from_string(name)));
            DeletableTopicResult::default()
                .with_error_code(code_of(&deleted))
                .with_topic_id(deleted.unwrap_or(asked.topic_id))
                .with_name(name.or(asked.name))
        });
        let deleted = deleted.collect();
        // Fetches waiting for the deleted topics learn that they are gone.
        call.broker.appended.notify_waiters();
        Answer::Message(DeleteTopicsResponse::default().with_responses(deleted))
    }

    fn refuse(call: &Call, request: DeleteTopicsRequest, error: i16) -> DeleteTopicsResponse {
        let refused = asked(call, request).into_iter().map(|asked| {
            DeletableTopicResult::default()
                .with_error_code(error)
                .with_topic_id(asked.topic_id)
                .with_name(asked.name)
        });
        DeleteTopicsResponse::default().with_responses(refused.collect())
    }
}

fn asked(call: &Call, request: DeleteTopicsRequest) -> Vec<DeleteTopicState> {
    if call.version >= STATES_SINCE {
        return request.topics;
    }
    let by_name = |name| DeleteTopicState::default().with_name(Some(name));
    request.topic_names.into_iter().map(by_name).collect()
}

fn resolve(topics: &Topics, asked: &DeleteTopicState) -> Result<String, ResponseError> {
    match &asked.name {
        Some(_) if asked.topic_id != Uuid::nil() => Err(ResponseError::InvalidRequest),
        Some(name) => Ok(name.to_string()),
        None => {
            let name = topics.name_of(asked.topic_id).map(ToOwned::to_owned);
            name.ok_or(ResponseError::UnknownTopicId)
        }
    }
}
