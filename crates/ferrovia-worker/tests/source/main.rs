//! The source path as connectors and brokers see it: real tasks that hand out what a test gives them, against the
//! embedded broker.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by a panic"
)]

mod probe;
mod stage;
#[path = "../sink/letters.rs"]
#[expect(dead_code, reason = "what only tests of sinks look at")]
mod letters;
#[path = "../sink/logs.rs"]
mod logs;
#[path = "../sink/unspeakable.rs"]
mod unspeakable;

mod delivery;
mod whole;
mod offsets;
mod states;
mod bad_records;
mod too_large;
mod topics;
mod outages;
mod exactly_once;
