//! Kafka's wire format, without IO: requests to bytes, and bytes to answers that were proven sound.
//!
//! `shape` walks an answer before `kafka-protocol` decodes it, because that crate's array decoders
//! reserve memory for as many elements as the peer claims to have sent.

pub mod api;
pub mod error_code;
pub mod shape;
pub(crate) mod body;
pub(crate) mod message;

pub use api::{Api, ApiInfo};
pub use error_code::ErrorCode;
