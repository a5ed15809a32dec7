//! CreatePartitions (key 37), versions 0–3. v2 flexible, v3 quota errors.

use std::ops::RangeInclusive;

use kafka_protocol::messages::create_partitions_request::CreatePartitionsRequest;
use kafka_protocol::messages::create_partitions_response::{
    CreatePartitionsResponse, CreatePartitionsTopicResult,
};

use super::{Answer, Api, Call, code_of};
use crate::broker::lock;
use crate::journal::Entry;
use crate::shape::{Shape, fixed, rows, text, values};

/// See the module.
pub(crate) struct CreatePartitions;

impl Api for CreatePartitions {
    type Request = CreatePartitionsRequest;
    const VERSIONS: RangeInclusive<i16> = 0..=3;
    const SHAPE: Shape = Shape {
        flexible_from: 2,
        fields: &[
            rows(&[text(), fixed(4), rows(&[values(&fixed(4))])]),
            fixed(4),
            fixed(1),
        ],
    };

    async fn answer(
        call: &Call,
        request: CreatePartitionsRequest,
    ) -> Answer<CreatePartitionsResponse> {
        let only_check = request.validate_only;
        let mut topics = lock(&call.broker.topics);
        let results = request.topics.into_iter().map(|asked| {
            let grown = topics.grow(&asked.name, asked.count, only_check);
            if let (Ok(id), Ok(partitions), false) = (grown, u32::try_from(asked.count), only_check)
            {
                call.broker.note(&Entry::PartitionsAdded { id, partitions });
            }
            CreatePartitionsTopicResult::default()
                .with_name(asked.name)
                .with_error_code(code_of(&grown))
        });
        let results = results.collect();
        Answer::Message(CreatePartitionsResponse::default().with_results(results))
    }

    fn refuse(
        _call: &Call,
        request: CreatePartitionsRequest,
        error: i16,
    ) -> CreatePartitionsResponse {
        let refused = request.topics.into_iter().map(|asked| {
            CreatePartitionsTopicResult::default().with_name(asked.name).with_error_code(error)
        });
        CreatePartitionsResponse::default().with_results(refused.collect())
    }
}
