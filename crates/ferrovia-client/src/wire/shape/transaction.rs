//! Response layouts of the transaction coordinator.
//!
//! # Source
//! The message definitions of Apache Kafka 4.2, cut down to the versions this client speaks.

use super::Kind::{Array, I16, I32, I64, Struct, Text, Throttle};
use super::{Shape, field};

pub(crate) const INIT_PRODUCER_ID: Shape = Shape::new(
    2,
    &[
        field("throttle_time_ms", Throttle),
        field("error_code", I16),
        field("producer_id", I64),
        field("producer_epoch", I16),
    ],
);

pub(crate) const ADD_PARTITIONS_TO_TXN: Shape = Shape::new(
    3,
    &[
        field("throttle_time_ms", Throttle),
        field(
            "results_by_topic_v3_and_below",
            Array(&Struct(&[
                field("name", Text),
                field(
                    "results_by_partition",
                    Array(&Struct(&[
                        field("partition_index", I32),
                        field("partition_error_code", I16),
                    ])),
                ),
            ])),
        ),
    ],
);

pub(crate) const ADD_OFFSETS_TO_TXN: Shape = Shape::new(
    3,
    &[
        field("throttle_time_ms", Throttle),
        field("error_code", I16),
    ],
);

pub(crate) const END_TXN: Shape = Shape::new(
    3,
    &[
        field("throttle_time_ms", Throttle),
        field("error_code", I16),
        field("producer_id", I64).since(5),
        field("producer_epoch", I16).since(5),
    ],
);

pub(crate) const TXN_OFFSET_COMMIT: Shape = Shape::new(
    3,
    &[
        field("throttle_time_ms", Throttle),
        field(
            "topics",
            Array(&Struct(&[
                field("name", Text),
                field(
                    "partitions",
                    Array(&Struct(&[
                        field("partition_index", I32),
                        field("error_code", I16),
                    ])),
                ),
            ])),
        ),
    ],
);
