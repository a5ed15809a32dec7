//! Response layouts of topic administration and authentication.
//!
//! # Source
//! The message definitions of Apache Kafka 4.2, cut down to the versions this client speaks.

use super::Kind::{Array, Blob, Bool, I8, I16, I32, I64, Struct, Text, Throttle, Uuid};
use super::{NEVER_FLEXIBLE, Shape, field};

pub(crate) const CREATE_TOPICS: Shape = Shape::new(
    5,
    &[
        field("throttle_time_ms", Throttle),
        field(
            "topics",
            Array(&Struct(&[
                field("name", Text),
                field("topic_id", Uuid).since(7),
                field("error_code", I16),
                field("error_message", Text).nullable(),
                field("topic_config_error_code", I16).tagged(0),
                field("num_partitions", I32),
                field("replication_factor", I16),
                field(
                    "configs",
                    Array(&Struct(&[
                        field("name", Text),
                        field("value", Text).nullable(),
                        field("read_only", Bool),
                        field("config_source", I8),
                        field("is_sensitive", Bool),
                    ])),
                )
                .nullable(),
            ])),
        ),
    ],
);

pub(crate) const DELETE_TOPICS: Shape = Shape::new(
    4,
    &[
        field("throttle_time_ms", Throttle),
        field(
            "responses",
            Array(&Struct(&[
                field("name", Text),
                field("error_code", I16),
                field("error_message", Text).nullable(),
            ])),
        ),
    ],
);

pub(crate) const DESCRIBE_CONFIGS: Shape = Shape::new(
    4,
    &[
        field("throttle_time_ms", Throttle),
        field(
            "results",
            Array(&Struct(&[
                field("error_code", I16),
                field("error_message", Text).nullable(),
                field("resource_type", I8),
                field("resource_name", Text),
                field(
                    "configs",
                    Array(&Struct(&[
                        field("name", Text),
                        field("value", Text).nullable(),
                        field("read_only", Bool),
                        field("config_source", I8),
                        field("is_sensitive", Bool),
                        field(
                            "synonyms",
                            Array(&Struct(&[
                                field("name", Text),
                                field("value", Text).nullable(),
                                field("source", I8),
                            ])),
                        ),
                        field("config_type", I8),
                        field("documentation", Text).nullable(),
                    ])),
                ),
            ])),
        ),
    ],
);

pub(crate) const INCREMENTAL_ALTER_CONFIGS: Shape = Shape::new(
    1,
    &[
        field("throttle_time_ms", Throttle),
        field(
            "responses",
            Array(&Struct(&[
                field("error_code", I16),
                field("error_message", Text).nullable(),
                field("resource_type", I8),
                field("resource_name", Text),
            ])),
        ),
    ],
);

pub(crate) const CREATE_PARTITIONS: Shape = Shape::new(
    2,
    &[
        field("throttle_time_ms", Throttle),
        field(
            "results",
            Array(&Struct(&[
                field("name", Text),
                field("error_code", I16),
                field("error_message", Text).nullable(),
            ])),
        ),
    ],
);

pub(crate) const DESCRIBE_ACLS: Shape = Shape::new(
    2,
    &[
        field("throttle_time_ms", Throttle),
        field("error_code", I16),
        field("error_message", Text).nullable(),
        field(
            "resources",
            Array(&Struct(&[
                field("resource_type", I8),
                field("resource_name", Text),
                field("pattern_type", I8),
                field(
                    "acls",
                    Array(&Struct(&[
                        field("principal", Text),
                        field("host", Text),
                        field("operation", I8),
                        field("permission_type", I8),
                    ])),
                ),
            ])),
        ),
    ],
);

pub(crate) const CREATE_ACLS: Shape = Shape::new(
    2,
    &[
        field("throttle_time_ms", Throttle),
        field(
            "results",
            Array(&Struct(&[
                field("error_code", I16),
                field("error_message", Text).nullable(),
            ])),
        ),
    ],
);

pub(crate) const DESCRIBE_CLUSTER: Shape = Shape::new(
    0,
    &[
        field("throttle_time_ms", Throttle),
        field("error_code", I16),
        field("error_message", Text).nullable(),
        field("endpoint_type", I8).since(1),
        field("cluster_id", Text),
        field("controller_id", I32),
        field(
            "brokers",
            Array(&Struct(&[
                field("broker_id", I32),
                field("host", Text),
                field("port", I32),
                field("rack", Text).nullable(),
            ])),
        ),
        field("cluster_authorized_operations", I32),
    ],
);

pub(crate) const SASL_HANDSHAKE: Shape = Shape::new(
    NEVER_FLEXIBLE,
    &[field("error_code", I16), field("mechanisms", Array(&Text))],
);

pub(crate) const SASL_AUTHENTICATE: Shape = Shape::new(
    2,
    &[
        field("error_code", I16),
        field("error_message", Text).nullable(),
        field("auth_bytes", Blob),
        field("session_lifetime_ms", I64),
    ],
);
