//! A transformation that is busy for a while, run without a worker around the task: none of Kafka's own ever asks to be tried
//! again (`errors.retry.timeout`, `errors.retry.delay.max.ms`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ferrovia_client::budget::{FramePool, MemoryBudget};
use ferrovia_client::group::Subscription;
use ferrovia_client::settings::ConsumerSettings;
use ferrovia_pipeline::connector::ConnectorFactory;
use ferrovia_pipeline::convert::{Converter, HeaderConverter};
use ferrovia_pipeline::data::Record;
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::plan::Plan;
use ferrovia_pipeline::transform::{Fate, Scope, Transformation, TransformationChain};
use ferrovia_worker::config::connector::ErrorsConfig;
use ferrovia_worker::herder::TaskReports;
use ferrovia_worker::herder::work::Run;
use ferrovia_worker::status::TaskId;
use ferrovia_worker::task::command::Command;
use ferrovia_worker::task::metrics::SinkTaskMetrics;
use ferrovia_worker::task::sink::{ReportSpec, SinkTaskSpec, run};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::order::{self, Leave};
use crate::probe::{Catalog, Probe, Script};
use crate::stage::{GROUP, NAME, Stage, p, play, until};

const GAPS: Leave = Leave {
    gaps: true,
    loss: false,
    rewinds: false,
};

/// Fails at the third record, so many times.
#[derive(Debug)]
struct Busy(usize);

impl Transformation for Busy {
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Fate, ConnectError> {
        if record.origin.kafka_offset() == Some(2) && self.0 > 0 {
            self.0 -= 1;
            return Err(ConnectError::retriable("busy"));
        }
        Ok(Fate::Kept)
    }

    fn scope(&self) -> Scope {
        Scope::Value
    }
}

/// A task that runs.
struct Running {
    probe: Arc<Probe>,
    commands: mpsc::Sender<Command>,
    ended: JoinHandle<()>,
}

impl Running {
    fn start(stage: &Stage, busy: usize, timeout: Duration) -> Self {
        let (probe, settings) = stage.connector(Script::default(), &[]);
        let (commands, queue) = mpsc::channel(1);
        // Nobody listens, so that what the task reports is dropped.
        let (reporting, _) = mpsc::channel(1);
        let reports = TaskReports::new(TaskId::new(NAME, 0), Run(1), reporting);
        let spec = spec(stage, settings, busy, timeout);
        Self {
            probe,
            commands,
            ended: tokio::task::spawn_local(run(spec, queue, reports)),
        }
    }

    async fn stop(self) {
        self.commands.send(Command::Stop).await.unwrap();
        self.ended.await.unwrap();
        order::check(&self.probe.diary(), GAPS);
    }
}

fn spec(
    stage: &Stage,
    settings: BTreeMap<String, String>,
    busy: usize,
    timeout: Duration,
) -> SinkTaskSpec {
    let consumer = [
        ("bootstrap.servers", stage.broker().address().to_string()),
        ("group.id", GROUP.to_owned()),
        ("auto.offset.reset", "earliest".to_owned()),
        ("fetch.max.wait.ms", "20".to_owned()),
    ];
    let consumer = consumer.map(|(key, value)| (key.to_owned(), value));
    let busy: Box<dyn Transformation> = Box::new(Busy(busy));
    let ConnectorFactory::Sink(make) = Catalog::shared().connectors()[0].factory else {
        panic!("the probe is a sink");
    };
    let mut connector = make();
    connector.start(&settings).unwrap();
    SinkTaskSpec {
        name: NAME.to_owned(),
        settings,
        task: connector.task(),
        plan: Plan::new(
            Converter::ByteArray,
            Converter::ByteArray,
            HeaderConverter::Simple,
            TransformationChain::new([("probe.Busy", busy)]),
        ),
        reports: ReportSpec {
            errors: ErrorsConfig {
                retry_timeout: Some(timeout),
                retry_delay_max: Duration::from_millis(10),
                is_tolerant: true,
                log_enable: false,
                log_include_messages: false,
            },
            dead_letters: None,
            task: TaskId::new(NAME, 0),
        },
        subscription: Subscription::Topics(vec!["t".to_owned()]),
        consumer: ConsumerSettings::from_properties(&consumer.into()).unwrap(),
        commit_interval: Duration::from_millis(40),
        commit_timeout: Duration::from_secs(5),
        cluster: stage.cluster().clone(),
        budget: MemoryBudget::new(64 << 20),
        pool: FramePool::new(1 << 20),
        control: tokio::runtime::Handle::current(),
        metrics: Arc::new(SinkTaskMetrics::default()),
        starts_paused: false,
    }
}

#[test]
fn record_whose_step_is_busy_waits_and_all_are_put_once_in_order() {
    play(async {
        let stage = Stage::new(1).await;
        stage.produce(&p(0), 5).await;
        let task = Running::start(&stage, 4, Duration::from_secs(3600));
        stage.until_committed(0, 5).await;
        assert_eq!(task.probe.taken(&p(0)), [0, 1, 2, 3, 4]);
        task.stop().await;
    });
}

#[test]
fn record_whose_step_stays_busy_is_bad_after_the_timeout() {
    play(async {
        const TIMEOUT: Duration = Duration::from_millis(60);
        let stage = Stage::new(1).await;
        stage.produce(&p(0), 5).await;
        let since = Instant::now();
        let task = Running::start(&stage, usize::MAX, TIMEOUT);
        until("what is before it", || task.probe.taken(&p(0)) == [0, 1]).await;
        stage.until_committed(0, 5).await;
        assert!(since.elapsed() >= TIMEOUT, "given up too soon");
        assert_eq!(task.probe.taken(&p(0)), [0, 1, 3, 4]);
        task.stop().await;
    });
}
