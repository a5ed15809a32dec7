//! The `ferrovia` binary.

mod cli;
mod demo;
mod bench;
mod local;
mod plugins;
mod open_files;
mod connection;
mod orders;
mod made_up;
mod usage;
mod numbers;
mod failure;
mod logging;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run(std::env::args_os())
}
