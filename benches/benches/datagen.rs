//! Records that the generator source makes up, polled as the worker does.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ferrovia_connectors::datagen::DatagenTask;
use ferrovia_pipeline::data::Map;
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::source::{OffsetReader, SourceContext, SourceTask};

/// Nothing was made before.
#[derive(Debug)]
struct Unread;

impl OffsetReader for Unread {
    fn offset(&self, _partition: &Map<'_>) -> Result<Option<Map<'static>>, ConnectError> {
        Ok(None)
    }
}

fn datagen(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("datagen");
    for quickstart in ["users", "orders", "pizza_orders", "syslog_logs"] {
        let settings = [
            ("kafka.topic", "t"),
            ("task.id", "0"),
            ("max.interval", "0"),
            ("random.seed", "1"),
            ("quickstart", quickstart),
        ];
        let settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let mut context = SourceContext::new(BTreeMap::from(settings), Arc::new(Unread), false);
        let mut task = DatagenTask::default();
        if task.start(&mut context).is_err() {
            return;
        }
        let records = task.poll(&mut context).map_or(0, |records| records.len());
        group.throughput(Throughput::Elements(records as u64));
        group.bench_function(quickstart, |bencher| {
            bencher.iter(|| {
                let records = task.poll(&mut context);
                black_box(records.is_ok())
            });
        });
    }
}

criterion_group!(benches, datagen);
criterion_main!(benches);
