//! The whole path of a source task: a trivial source whose records are converted, batched and produced to the embedded
//! broker in this process, once lines of text and once orders with a key and headers, written as JSON. Prints records per second, and the processor time of each thread per record.
//!
//! Give it a number of records: `cargo bench -p ferrovia-benches --bench source_path -- 10000000`.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a program of its own, which prints what it measured"
)]

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ferrovia_broker::{BrokerConfig, EmbeddedBroker};
use ferrovia_pipeline::data::{
    Map, Schema, SchemaAndValue, SchemaBuilder, SchemaType, Struct, Value,
};
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::sink::Placement;
use ferrovia_pipeline::source::{SourceContext, SourceRecord, SourceTask};
use ferrovia_worker::config::ConnectorConfig;
use ferrovia_worker::config::worker::StandaloneConfig;
use ferrovia_worker::herder::work::Run;
use ferrovia_worker::herder::{TaskCode, TaskReports, TaskRunner, TaskStart};
use ferrovia_worker::status::TaskId;
use ferrovia_worker::storage::offsets::OffsetStore;
use ferrovia_worker::task::runner::ThreadedRunner;
use tokio::sync::mpsc;

const RECORDS: u64 = 200_000;
const POLL_RECORDS: u64 = 2_000;
const PARTITIONS: i32 = 8;
const VALUE: &str = "A hundred bytes of text, which is about as much as a line of a log has where machines talk to people";

fn main() {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse().ok());
    let records = numbers.next().unwrap_or(RECORDS);
    for form in [Form::Lines, Form::Orders] {
        for placement in [Placement::OwnThread, Placement::Shared] {
            for batch_size in ["16384", "131072"] {
                let took = run(form, placement, records, batch_size);
                let pace = records as f64 / took.as_secs_f64();
                println!("{form:?}, {placement:?}, batch.size {batch_size}: {pace:.0} records/s");
            }
        }
    }
}

/// What the records are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Text alone.
    Lines,
    /// A structure that is written as JSON, with a key and three headers.
    Orders,
}

impl Form {
    fn value_converter(self) -> &'static str {
        match self {
            Self::Lines => "org.apache.kafka.connect.storage.StringConverter",
            Self::Orders => "org.apache.kafka.connect.json.JsonConverter",
        }
    }
}

/// Moves so many records, and tells how long that took.
fn run(form: Form, placement: Placement, records: u64, batch_size: &str) -> Duration {
    let config = BrokerConfig {
        default_partitions: PARTITIONS,
        auto_create_topics: true,
        ..BrokerConfig::default()
    };
    let broker = EmbeddedBroker::start_blocking(config).expect("a broker");
    let servers = broker.address().to_string();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("an event loop");
    let took = runtime.block_on(moves(
        &servers,
        Trivial::new(form, placement, records),
        batch_size,
    ));
    let stored: i64 = broker.topic_end_offsets("t").into_iter().sum();
    assert_eq!(stored.cast_unsigned(), records, "records in the topic");
    took
}

async fn moves(servers: &str, source: Trivial, batch_size: &str) -> Duration {
    let records = source.records;
    let worker = settings(&[
        ("bootstrap.servers", servers),
        (
            "key.converter",
            "org.apache.kafka.connect.storage.StringConverter",
        ),
        ("value.converter", source.form.value_converter()),
        ("value.converter.schemas.enable", "false"),
        ("offset.storage.file.filename", "unused"),
        ("worker.threads", "1"),
    ]);
    let worker = StandaloneConfig::from_settings(worker).expect("settings");
    let connector = settings(&[
        ("name", "s"),
        ("connector.class", "x.Trivial"),
        ("producer.override.batch.size", batch_size),
    ]);
    let config = ConnectorConfig::source(connector.clone(), false).expect("settings");
    let offsets = OffsetStore::in_memory();
    let mut runner = ThreadedRunner::start(Arc::new(worker.worker), offsets).expect("threads");
    let (queue, mut reports) = mpsc::channel(64);
    let id = TaskId::new("s", 0);
    let before = processor_time();
    let began = Instant::now();
    runner
        .start_task(TaskStart {
            id: id.clone(),
            connector: Arc::new(config),
            settings: connector,
            task: TaskCode::Source(Box::new(source)),
            is_paused: false,
            reports: TaskReports::new(id.clone(), Run(1), queue),
        })
        .await;
    let written = |runner: &ThreadedRunner| runner.metrics().source_counts()[0].1.written;
    while written(&runner) < records {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let took = began.elapsed();
    for (thread, time) in processor_time() {
        let time = time.saturating_sub(before.get(&thread).copied().unwrap_or_default());
        if time > Duration::from_millis(20) {
            let each = time.as_nanos() as f64 / records as f64;
            println!("  {thread}: {each:.0} ns of processor per record");
        }
    }
    runner.stop_task(&id).await;
    while reports.recv().await.is_some() {}
    took
}

/// What each thread has taken of the processors, by name.
fn processor_time() -> BTreeMap<String, Duration> {
    let mut times = BTreeMap::new();
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten();
    for thread in threads.flatten().map(|thread| thread.path()) {
        let read = |file| fs::read_to_string(thread.join(file)).unwrap_or_default();
        let (name, spent) = (read("comm"), read("schedstat"));
        let spent = spent.split(' ').next().and_then(|it| it.parse().ok());
        let spent = Duration::from_nanos(spent.unwrap_or_default());
        *times.entry(name.trim_end().to_owned()).or_default() += spent;
    }
    times
}

fn settings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    pairs.collect()
}

/// A source of equal values.
struct Trivial {
    form: Form,
    placement: Placement,
    partition: Arc<Map<'static>>,
    order: Schema,
    number: Schema,
    next: u64,
    records: u64,
}

impl Trivial {
    fn new(form: Form, placement: Placement, records: u64) -> Self {
        let mut partition = Map::new();
        partition.put("file", Value::text("a"));
        let fields = [
            ("id", SchemaType::Int64),
            ("item", SchemaType::String),
            ("price", SchemaType::Float64),
        ];
        let fields = fields.map(|(name, kind)| (name, Schema::of(kind)));
        let order = SchemaBuilder::structure().fields(fields);
        Self {
            form,
            placement,
            partition: Arc::new(partition),
            order: order.expect("fields").build(),
            number: Schema::of(SchemaType::Int64),
            next: 0,
            records,
        }
    }

    fn record(&self, number: u64) -> SourceRecord<'_> {
        let number = Value::Int64(number.cast_signed());
        let mut offset = Map::new();
        offset.put("position", number.clone());
        let value = match self.form {
            Form::Lines => SchemaAndValue::new(None, Value::text(VALUE)),
            Form::Orders => {
                let mut order = Struct::new(self.order.clone()).expect("a structure");
                order.set(0, number.clone());
                order.set(1, Value::text("sleeper B70"));
                order.set(2, Value::Float64(131.5));
                SchemaAndValue::new(self.order.clone(), Value::Struct(order))
            }
        };
        let mut record = SourceRecord::new(Arc::clone(&self.partition), offset, "t", value);
        if self.form == Form::Orders {
            record.key = SchemaAndValue::new(None, Value::text("customer 7"));
            for name in ["generation", "task", "iteration"] {
                let header = SchemaAndValue::new(self.number.clone(), number.clone());
                record.headers.add(name, header);
            }
        }
        record
    }
}

impl SourceTask for Trivial {
    fn placement(&self) -> Placement {
        self.placement
    }

    fn start(&mut self, _: &mut SourceContext) -> Result<(), ConnectError> {
        Ok(())
    }

    fn poll(&mut self, context: &mut SourceContext) -> Result<Vec<SourceRecord<'_>>, ConnectError> {
        let end = self.records.min(self.next + POLL_RECORDS);
        let numbers = self.next..end;
        if numbers.is_empty() {
            context.wait(Duration::from_millis(1));
        }
        self.next = end;
        Ok(numbers.map(|number| self.record(number)).collect())
    }

    fn stop(&mut self) -> Result<(), ConnectError> {
        Ok(())
    }
}
