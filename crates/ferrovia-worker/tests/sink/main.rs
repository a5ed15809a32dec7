//! The sink path as connectors and brokers see it: real tasks, scripted by a probe that notes every call, against the
//! embedded broker. Every test checks at its end that the calls came in a permitted order.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by a panic"
)]

mod probe;
mod order;
mod stage;
mod letters;
mod logs;
mod unspeakable;

mod delivery;
mod commits;
mod failures;
mod states;
mod groups;
mod positions;
mod outages;
mod hostile;
mod bad_records;
mod target_outages;
mod retries;
mod secrets;
mod topics;
mod standstills;
mod revivals;
