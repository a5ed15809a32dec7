//! The rules of a worker that is alone, event by event. Messages were recorded from Java's standalone worker.

mod alone;
mod rig;
mod simulation;
