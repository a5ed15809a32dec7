//! The rules of a worker that is alone and of one of a cluster, event by event.

mod alone;
mod fencing;
mod kept;
mod revive;
mod member;
mod privileges;
mod rig;
mod simulation;
