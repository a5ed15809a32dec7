//! `demo`: progress and summary are printed on standard output.

use tokio::task::LocalSet;
use tracing::error;

use super::Exit;
use crate::demo::{DemoArguments, show};
use crate::failure::Failure;

/// Shows it.
#[expect(clippy::print_stdout, reason = "the summary is this command's output")]
pub(super) fn run(arguments: &DemoArguments) -> Exit {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let shown = runtime
        .map_err(Failure::of)
        .and_then(|runtime| LocalSet::new().block_on(&runtime, show(arguments)));
    match shown {
        Ok(summary) => {
            println!("{summary}");
            Exit::Done
        }
        Err(failure) => {
            error!("{failure}");
            Exit::Usage
        }
    }
}
