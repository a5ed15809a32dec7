//! `bench`: what it measures is printed on standard output, how it goes is logged.

use tokio::task::LocalSet;
use tracing::error;

use super::Exit;
use crate::bench::{DrainArguments, FillArguments, drain, fill};
use crate::failure::Failure;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Drain a topic through the sink path, from its beginning to where it ends now.
    Drain(DrainArguments),
    /// Fill a topic with synthetic records.
    Fill(FillArguments),
}

/// Does it.
pub(super) fn run(command: &Command) -> Exit {
    match try_run(command) {
        Ok(()) => Exit::Done,
        Err(failure) => {
            error!("{failure}");
            Exit::Usage
        }
    }
}

#[expect(clippy::print_stdout, reason = "figures are this command's output")]
fn try_run(command: &Command) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(Failure::of)?;
    match command {
        Command::Fill(arguments) => runtime.block_on(fill(arguments)),
        Command::Drain(arguments) => {
            let figures = LocalSet::new().block_on(&runtime, drain(arguments))?;
            println!("{figures}");
            Ok(())
        }
    }
}
