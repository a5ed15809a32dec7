//! Response layouts of the data path: produce, fetch, offsets, metadata and version negotiation.
//!
//! # Source
//! The message definitions of Apache Kafka 4.2, cut down to the versions this client speaks.

use super::Kind::{Array, Blob, Bool, I16, I32, I64, Struct, Text, Throttle, Uuid};
use super::{Shape, field};

pub(crate) const PRODUCE: Shape = Shape::new(
    9,
    &[
        field(
            "responses",
            Array(&Struct(&[
                field("name", Text),
                field(
                    "partition_responses",
                    Array(&Struct(&[
                        field("index", I32),
                        field("error_code", I16),
                        field("base_offset", I64),
                        field("log_append_time_ms", I64),
                        field("log_start_offset", I64),
                        field(
                            "record_errors",
                            Array(&Struct(&[
                                field("batch_index", I32),
                                field("batch_index_error_message", Text).nullable(),
                            ])),
                        ),
                        field("error_message", Text).nullable(),
                        field(
                            "current_leader",
                            Struct(&[
                                field("leader_id", I32).since(10),
                                field("leader_epoch", I32).since(10),
                            ]),
                        )
                        .since(10)
                        .tagged(0),
                    ])),
                ),
            ])),
        ),
        field("throttle_time_ms", Throttle),
        field(
            "node_endpoints",
            Array(&Struct(&[
                field("node_id", I32).since(10),
                field("host", Text).since(10),
                field("port", I32).since(10),
                field("rack", Text).since(10).nullable(),
            ])),
        )
        .since(10)
        .tagged(0),
    ],
);

pub(crate) const FETCH: Shape = Shape::new(
    12,
    &[
        field("throttle_time_ms", Throttle),
        field("error_code", I16),
        field("session_id", I32),
        field(
            "responses",
            Array(&Struct(&[
                field("topic", Text).until(12),
                field("topic_id", Uuid).since(13),
                field(
                    "partitions",
                    Array(&Struct(&[
                        field("partition_index", I32),
                        field("error_code", I16),
                        field("high_watermark", I64),
                        field("last_stable_offset", I64),
                        field("log_start_offset", I64),
                        field(
                            "diverging_epoch",
                            Struct(&[field("epoch", I32), field("end_offset", I64)]),
                        )
                        .tagged(0),
                        field(
                            "current_leader",
                            Struct(&[field("leader_id", I32), field("leader_epoch", I32)]),
                        )
                        .tagged(1),
                        field(
                            "snapshot_id",
                            Struct(&[field("end_offset", I64), field("epoch", I32)]),
                        )
                        .tagged(2),
                        field(
                            "aborted_transactions",
                            Array(&Struct(&[
                                field("producer_id", I64),
                                field("first_offset", I64),
                            ])),
                        )
                        .nullable(),
                        field("preferred_read_replica", I32),
                        field("records", Blob).nullable(),
                    ])),
                ),
            ])),
        ),
        field(
            "node_endpoints",
            Array(&Struct(&[
                field("node_id", I32).since(16),
                field("host", Text).since(16),
                field("port", I32).since(16),
                field("rack", Text).since(16).nullable(),
            ])),
        )
        .since(16)
        .tagged(0),
    ],
);

pub(crate) const LIST_OFFSETS: Shape = Shape::new(
    6,
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
                        field("timestamp", I64),
                        field("offset", I64),
                        field("leader_epoch", I32),
                    ])),
                ),
            ])),
        ),
    ],
);

pub(crate) const OFFSET_FOR_LEADER_EPOCH: Shape = Shape::new(
    4,
    &[
        field("throttle_time_ms", Throttle),
        field(
            "topics",
            Array(&Struct(&[
                field("topic", Text),
                field(
                    "partitions",
                    Array(&Struct(&[
                        field("error_code", I16),
                        field("partition", I32),
                        field("leader_epoch", I32),
                        field("end_offset", I64),
                    ])),
                ),
            ])),
        ),
    ],
);

pub(crate) const METADATA: Shape = Shape::new(
    9,
    &[
        field("throttle_time_ms", Throttle),
        field(
            "brokers",
            Array(&Struct(&[
                field("node_id", I32),
                field("host", Text),
                field("port", I32),
                field("rack", Text).nullable(),
            ])),
        ),
        field("cluster_id", Text).nullable(),
        field("controller_id", I32),
        field(
            "topics",
            Array(&Struct(&[
                field("error_code", I16),
                field("name", Text).nullable(),
                field("topic_id", Uuid),
                field("is_internal", Bool),
                field(
                    "partitions",
                    Array(&Struct(&[
                        field("error_code", I16),
                        field("partition_index", I32),
                        field("leader_id", I32),
                        field("leader_epoch", I32),
                        field("replica_nodes", Array(&I32)),
                        field("isr_nodes", Array(&I32)),
                        field("offline_replicas", Array(&I32)),
                    ])),
                ),
                field("topic_authorized_operations", I32),
            ])),
        ),
        field("cluster_authorized_operations", I32).until(10),
        field("error_code", I16).since(13),
    ],
);

pub(crate) const API_VERSIONS: Shape = Shape::new(
    3,
    &[
        field("error_code", I16),
        field(
            "api_keys",
            Array(&Struct(&[
                field("api_key", I16),
                field("min_version", I16),
                field("max_version", I16),
            ])),
        ),
        field("throttle_time_ms", Throttle).since(1),
        field(
            "supported_features",
            Array(&Struct(&[
                field("name", Text).since(3),
                field("min_version", I16).since(3),
                field("max_version", I16).since(3),
            ])),
        )
        .since(3)
        .tagged(0),
        field("finalized_features_epoch", I64).since(3).tagged(1),
        field(
            "finalized_features",
            Array(&Struct(&[
                field("name", Text).since(3),
                field("max_version_level", I16).since(3),
                field("min_version_level", I16).since(3),
            ])),
        )
        .since(3)
        .tagged(2),
        field("zk_migration_ready", Bool).since(3).tagged(3),
    ],
);
