//! `ferrovia-perf`: fills topics of a fresh broker, lets every client drain or fill them in turn, and writes
//! `perf/out/report.md` and `perf/out/report.json`.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Parser;
use ferrovia_perf::client::{Client, Sample};
use ferrovia_perf::report;
use ferrovia_perf::topic::SHAPES;
use ferrovia_tests::grounds::{ORACLE, root};
use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::process;

/// Drains and fills the same topics with Java Connect, a bare client and Ferrovia in turn.
#[derive(Debug, Parser)]
struct Arguments {
    /// Bytes of the largest topic; the others have a fixed share of it.
    #[arg(long, default_value_t = 3_000_000_000)]
    bytes: u64,
    /// A tenth of the bytes: a look, not a measurement.
    #[arg(long)]
    quick: bool,
    /// Rounds; the report gives medians.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Only these clients.
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["java", "bare", "ferrovia", "generator", "bare-users"])]
    clients: Vec<Client>,
    /// Only these topics, by name.
    #[arg(long, value_delimiter = ',')]
    topics: Vec<String>,
    /// Where the report goes.
    #[arg(long, default_value_os_t = root().join("perf/out"))]
    out: PathBuf,
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    process::measure_java();
    let kafka = Kafka::start(ORACLE)?;
    let samples = measure(&arguments, &kafka)?;
    let rows = report::rows(&samples);
    let page = report::markdown(&rows, &about(&arguments));
    fs::create_dir_all(&arguments.out)?;
    fs::write(arguments.out.join("report.md"), &page)?;
    let figures =
        serde_json::json!({ "about": about(&arguments), "rows": rows, "samples": samples });
    fs::write(arguments.out.join("report.json"), format!("{figures:#}\n"))?;
    writeln!(io::stdout(), "{page}")
}

/// Topic after topic; within a topic the clients alternate, so that a noisy minute hits all alike.
fn measure(arguments: &Arguments, kafka: &Kafka) -> io::Result<Vec<Sample>> {
    let bytes = if arguments.quick {
        arguments.bytes / 10
    } else {
        arguments.bytes
    };
    let mut samples = Vec::new();
    let wanted =
        |name: &str| arguments.topics.is_empty() || arguments.topics.iter().any(|t| t == name);
    for shape in SHAPES.iter().filter(|shape| wanted(shape.name)) {
        let records = shape.prepare(kafka, bytes)?;
        writeln!(io::stderr(), "{}: {records} records", shape.title)?;
        for round in 0..arguments.rounds {
            for client in arguments
                .clients
                .iter()
                .filter(|client| client.can(shape.work))
            {
                match client.run(kafka, shape, records, round) {
                    Ok(sample) => {
                        progress(&sample)?;
                        samples.push(sample);
                    }
                    // One client's failure must not cost the others' figures; the report shows the missing rounds.
                    Err(error) => writeln!(io::stderr(), "  {client:?}: {error}")?,
                }
            }
        }
    }
    Ok(samples)
}

fn progress(sample: &Sample) -> io::Result<()> {
    writeln!(
        io::stderr(),
        "  {:?}: {:.3} M records/s, {:.2} GB/s, {:.2} CPU s/GB, the broker {:.2}, {} MiB",
        sample.client,
        sample.records as f64 / sample.seconds / 1e6,
        sample.bytes as f64 / sample.seconds / 1e9,
        sample.cpu_seconds * 1e9 / sample.bytes as f64,
        sample.broker_cpu_seconds * 1e9 / sample.bytes as f64,
        sample.peak_kib / 1024
    )
}

/// What the figures mean.
fn about(arguments: &Arguments) -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "Apache Kafka {ORACLE} as one broker on the same {cores} cores, 8 partitions, topics in the page cache, batches of up to \
         256 KiB. {} rounds, clients in turn; medians. Java Connect: 2 tasks, ByteArrayConverter, 5,000 records per poll, \
         4 MiB per partition and fetch, a sink that only counts; its CPU is counted without the start of the JVM. \
         FileStreamSource has one task, the generator two; batches of up to 256 KiB, lingering for 5 ms; what is bare there is two \
         producers that send one batch again and again, of lines or of users like the generator's. MirrorSource: two tasks, \
         from and to the same broker. Producers alone: the client's and that of Kafka's \
         `kafka-producer-perf-test`, each with the same payloads, `acks=all` and idempotence, their CPU counted from the first \
         record in the topic on.",
        arguments.rounds
    )
}
