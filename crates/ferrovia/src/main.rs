//! The `ferrovia` binary.

fn main() {}
