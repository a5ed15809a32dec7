//! Response layouts of the group coordinator.
//!
//! # Source
//! The message definitions of Apache Kafka 4.2, cut down to the versions this client speaks.

use super::Kind::{Array, Blob, Bool, I16, I32, I64, Struct, Text, Throttle};
use super::{NEVER_FLEXIBLE, Shape, field};

pub(crate) const FIND_COORDINATOR: Shape = Shape::new(
    3,
    &[
        field("throttle_time_ms", Throttle),
        field("error_code", I16),
        field("error_message", Text).nullable(),
        field("node_id", I32),
        field("host", Text),
        field("port", I32),
    ],
);

pub(crate) const JOIN_GROUP: Shape = Shape::new(
    6,
    &[
        field("throttle_time_ms", Throttle),
        field("error_code", I16),
        field("generation_id", I32),
        field("protocol_type", Text).since(7).nullable(),
        field("protocol_name", Text).nullable(),
        field("leader", Text),
        field("skip_assignment", Bool).since(9),
        field("member_id", Text),
        field(
            "members",
            Array(&Struct(&[
                field("member_id", Text),
                field("group_instance_id", Text).nullable(),
                field("metadata", Blob),
            ])),
        ),
    ],
);

pub(crate) const SYNC_GROUP: Shape = Shape::new(
    4,
    &[
        field("throttle_time_ms", Throttle),
        field("error_code", I16),
        field("protocol_type", Text).nullable(),
        field("protocol_name", Text).nullable(),
        field("assignment", Blob),
    ],
);

pub(crate) const HEARTBEAT: Shape = Shape::new(
    4,
    &[
        field("throttle_time_ms", Throttle),
        field("error_code", I16),
    ],
);

pub(crate) const LEAVE_GROUP: Shape = Shape::new(
    4,
    &[
        field("throttle_time_ms", Throttle),
        field("error_code", I16),
        field(
            "members",
            Array(&Struct(&[
                field("member_id", Text),
                field("group_instance_id", Text).nullable(),
                field("error_code", I16),
            ])),
        ),
    ],
);

pub(crate) const OFFSET_COMMIT: Shape = Shape::new(
    8,
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

pub(crate) const OFFSET_FETCH: Shape = Shape::new(
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
                        field("committed_offset", I64),
                        field("committed_leader_epoch", I32),
                        field("metadata", Text).nullable(),
                        field("error_code", I16),
                    ])),
                ),
            ])),
        ),
        field("error_code", I16),
    ],
);

pub(crate) const OFFSET_DELETE: Shape = Shape::new(
    NEVER_FLEXIBLE,
    &[
        field("error_code", I16),
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

pub(crate) const DESCRIBE_GROUPS: Shape = Shape::new(
    5,
    &[
        field("throttle_time_ms", Throttle),
        field(
            "groups",
            Array(&Struct(&[
                field("error_code", I16),
                field("group_id", Text),
                field("group_state", Text),
                field("protocol_type", Text),
                field("protocol_data", Text),
                field(
                    "members",
                    Array(&Struct(&[
                        field("member_id", Text),
                        field("group_instance_id", Text).nullable(),
                        field("client_id", Text),
                        field("client_host", Text),
                        field("member_metadata", Blob),
                        field("member_assignment", Blob),
                    ])),
                ),
                field("authorized_operations", I32),
            ])),
        ),
    ],
);

pub(crate) const LIST_GROUPS: Shape = Shape::new(
    3,
    &[
        field("throttle_time_ms", Throttle),
        field("error_code", I16),
        field(
            "groups",
            Array(&Struct(&[
                field("group_id", Text),
                field("protocol_type", Text),
                field("group_state", Text),
            ])),
        ),
    ],
);

pub(crate) const DELETE_GROUPS: Shape = Shape::new(
    2,
    &[
        field("throttle_time_ms", Throttle),
        field(
            "results",
            Array(&Struct(&[
                field("group_id", Text),
                field("error_code", I16),
            ])),
        ),
    ],
);

/// A member's subscription inside JoinGroup metadata, after its two-byte version.
pub const CONSUMER_SUBSCRIPTION: Shape = Shape::new(
    NEVER_FLEXIBLE,
    &[
        field("topics", Array(&Text)),
        field("user_data", Blob).nullable(),
        field(
            "owned_partitions",
            Array(&Struct(&[
                field("topic", Text).since(1),
                field("partitions", Array(&I32)).since(1),
            ])),
        )
        .since(1),
        field("generation_id", I32).since(2),
        field("rack_id", Text).since(3).nullable(),
    ],
);

/// A member's assignment inside a SyncGroup answer, after its two-byte version.
pub const CONSUMER_ASSIGNMENT: Shape = Shape::new(
    NEVER_FLEXIBLE,
    &[
        field(
            "assigned_partitions",
            Array(&Struct(&[
                field("topic", Text),
                field("partitions", Array(&I32)),
            ])),
        ),
        field("user_data", Blob).nullable(),
    ],
);
