//! An error that panics where the worker looks at it: behind the guard around the task.

use std::error::Error;
use std::fmt;

#[derive(Debug)]
pub(crate) struct Unspeakable;

impl fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("no words")
    }
}

impl Error for Unspeakable {}
