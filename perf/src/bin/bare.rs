//! `bare`: drains a topic with the bare client and prints one line of JSON, the same fields as `ferrovia bench drain`.

use std::io::{self, Write};

use clap::Parser;
use ferrovia_perf::bare::{Drain, drain};
use ferrovia_perf::usage;

/// Drains a topic of a single broker, and does nothing with it.
#[derive(Debug, Parser)]
struct Arguments {
    /// The broker, which leads every partition.
    #[arg(long)]
    bootstrap: String,
    /// The topic.
    #[arg(long)]
    topic: String,
    /// Threads with a connection each.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// The most bytes of one fetch.
    #[arg(long, default_value_t = 4 << 20)]
    fetch_bytes: i32,
    /// The most bytes of one partition in a fetch.
    #[arg(long, default_value_t = 4 << 20)]
    partition_bytes: i32,
}

fn main() -> io::Result<()> {
    let Arguments {
        bootstrap,
        topic,
        threads,
        fetch_bytes,
        partition_bytes,
    } = Arguments::parse();
    let drained = drain(&Drain {
        bootstrap,
        topic,
        threads,
        fetch_bytes,
        partition_bytes,
    })?;
    let line = serde_json::json!({
        "client": "bare",
        "records": drained.records,
        "bytes": drained.payload_bytes,
        "wire_bytes": drained.wire_bytes,
        "seconds": drained.seconds,
        "cpu_seconds": usage::own_cpu_seconds()?,
        "peak_kib": usage::peak_kib(std::process::id()),
    });
    writeln!(io::stdout(), "{line}")
}
