//! The `ferrovia` binary.

mod cli;
mod bench;
mod local;
mod connection;
mod orders;
mod usage;
mod failure;
mod logging;
mod plugins;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run(std::env::args_os())
}
