//! `ferrovia demo`: an embedded broker, a generator of orders and a standalone worker that writes them to a file, all
//! in this process.

mod generator;
mod show;

pub(crate) use show::{DemoArguments, show};
