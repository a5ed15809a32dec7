//! Records without IO: from the bytes of a record batch to what a connector sees, and the traits that connectors
//! implement. Nothing here opens a socket, starts a thread or reads a clock.
//!
//! In reading order: a [`topic`] says where a record stands, a [`batch`] is how it is stored, [`data`] is what a
//! converter ([`convert`]) makes of it by the task's [`plan`], a [`transform`] changes it where a [`predicate`] holds,
//! and a [`sink`] takes it, or a [`source`] hands it out. A [`pattern`] is how Java matches text. A [`connector`] splits the work
//! into tasks by its settings ([`config`]). An [`error`] says by its kind what is to be
//! done, and [`errors`] collects the records that met one.

pub mod topic;
pub mod batch;
pub mod data;
pub mod convert;
pub mod pattern;
pub mod predicate;
pub mod transform;
pub mod plan;
pub mod sink;
pub mod source;
pub mod config;
pub mod connector;
pub mod error;
pub mod errors;
