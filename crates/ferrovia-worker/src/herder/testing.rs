//! Connectors and tasks that do nothing, and a runner that only reports. Tests only.

mod source;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ferrovia_pipeline::config::{ConfigDef, ConfigKey, ConfigType, Importance};
use ferrovia_pipeline::connector::{ConnectorFactory, ConnectorPlugin, SinkConnector};
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::sink::{SinkBatch, SinkContext, SinkTask};

use self::source::IdleSource;
use super::catalog::ConnectorCatalog;
use super::driver::HerderParts;
use super::machine::Rules;
use super::offsets::ConnectorOffsets;
use super::runner::{TaskReports, TaskRunner, TaskStart};
use super::validation::{ConnectorValidator, GivenSettings};
use crate::config::{ConnectorFile, InitialState, StandaloneConfig, WorkerConfig};
use crate::logging::Loggers;
use crate::status::{State, TaskId};
use crate::storage::offsets::OffsetStore;

/// The plugins that Java knows as FileStreamSink and FileStreamSource, and one that never starts.
pub(crate) struct Catalog([ConnectorPlugin; 3]);

impl Catalog {
    pub(crate) fn new() -> Self {
        let plugin = |class, task_class, make| ConnectorPlugin {
            class,
            task_class,
            version: "4.2.0",
            factory: ConnectorFactory::Sink(make),
        };
        Self([
            plugin(
                "org.apache.kafka.connect.file.FileStreamSinkConnector",
                "org.apache.kafka.connect.file.FileStreamSinkTask",
                || Box::<Idle>::default(),
            ),
            plugin("x.BrokenConnector", "x.BrokenTask", || {
                Box::new(Idle {
                    is_broken: true,
                    ..Idle::default()
                })
            }),
            ConnectorPlugin {
                class: "org.apache.kafka.connect.file.FileStreamSourceConnector",
                task_class: "org.apache.kafka.connect.file.FileStreamSourceTask",
                version: "4.2.0",
                factory: ConnectorFactory::Source(|| Box::<IdleSource>::default()),
            },
        ])
    }
}

impl ConnectorCatalog for Catalog {
    fn connectors(&self) -> &[ConnectorPlugin] {
        &self.0
    }
}

/// A worker whose settings are the least and these.
fn worker(settings: &[(&str, &str)]) -> WorkerConfig {
    let least = [
        ("bootstrap.servers", "b:1"),
        (
            "key.converter",
            "org.apache.kafka.connect.storage.StringConverter",
        ),
        (
            "value.converter",
            "org.apache.kafka.connect.converters.ByteArrayConverter",
        ),
        ("offset.storage.file.filename", "/tmp/o"),
    ];
    let settings = least.iter().chain(settings);
    let settings = settings
        .map(|&(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    StandaloneConfig::from_settings(settings).unwrap().worker
}

/// A validator with these plugins, for a worker whose settings are the least and these.
pub(crate) fn validator(settings: &[(&str, &str)]) -> ConnectorValidator {
    ConnectorValidator::new(Arc::new(Catalog::new()), Arc::new(worker(settings)))
}

/// What a herder of a worker that is alone works with.
pub(crate) fn parts(runner: Runner, task_stop_timeout: Duration) -> HerderParts<Runner> {
    parts_of("w:1".to_owned(), runner, validator(&[]), task_stop_timeout)
}

/// As [`parts`], with another name and validator.
pub(crate) fn parts_of(
    worker_id: String,
    runner: Runner,
    validator: ConnectorValidator,
    task_stop_timeout: Duration,
) -> HerderParts<Runner> {
    let validator = Arc::new(validator);
    let source_offsets = OffsetStore::in_memory();
    HerderParts {
        rules: Rules {
            worker_id: worker_id.into(),
            task_stop_timeout,
            tracks_topics: true,
            resets_topics: true,
            cluster: None,
        },
        runner,
        offsets: ConnectorOffsets::new(
            Arc::new(worker(&[])),
            Arc::clone(&validator),
            source_offsets.clone(),
        ),
        validator,
        source_offsets,
        loggers: Loggers::detached(),
        cluster: None,
    }
}

/// A connector whose tasks get its settings.
#[derive(Default)]
struct Idle {
    settings: BTreeMap<String, String>,
    is_broken: bool,
}

impl SinkConnector for Idle {
    fn config(&self) -> ConfigDef {
        ConfigDef::new()
            .define(ConfigKey::optional("file", ConfigType::String).importance(Importance::High))
    }

    fn start(&mut self, settings: &BTreeMap<String, String>) -> Result<(), ConnectError> {
        assert!(settings.get("panics").is_none(), "the connector panics");
        if let Some(told) = settings.get("tells") {
            return Err(ConnectError::failed(format!("no way to use {told}")));
        }
        if self.is_broken {
            return Err(ConnectError::failed("no way"));
        }
        self.settings = settings.clone();
        Ok(())
    }

    fn task_configs(
        &self,
        tasks_max: usize,
    ) -> Result<Vec<BTreeMap<String, String>>, ConnectError> {
        Ok(vec![self.settings.clone(); tasks_max])
    }

    fn task(&self) -> Box<dyn SinkTask> {
        Box::new(IdleTask)
    }
}

struct IdleTask;

impl SinkTask for IdleTask {
    fn start(&mut self, _: &mut SinkContext) -> Result<(), ConnectError> {
        Ok(())
    }

    fn put(&mut self, _: &mut SinkBatch, _: &mut SinkContext) -> Result<(), ConnectError> {
        Ok(())
    }

    fn stop(&mut self) -> Result<(), ConnectError> {
        Ok(())
    }
}

/// Reports one state for every task that is begun, and its end when it is asked to stop, unless it is deaf.
#[derive(Clone)]
pub(crate) struct Runner {
    state: State,
    trace: &'static str,
    is_deaf: bool,
    begun: Arc<Mutex<BTreeMap<TaskId, Begun>>>,
}

/// A task that was begun.
struct Begun {
    settings: BTreeMap<String, String>,
    reports: TaskReports,
}

impl Runner {
    pub(crate) fn reporting(state: State, trace: &'static str) -> Self {
        Self {
            state,
            trace,
            is_deaf: false,
            begun: Arc::default(),
        }
    }

    pub(crate) fn deaf() -> Self {
        Self {
            is_deaf: true,
            ..Self::reporting(State::Running, "")
        }
    }

    /// The settings of the tasks that were begun.
    pub(crate) fn settings(&self) -> BTreeMap<TaskId, BTreeMap<String, String>> {
        let begun = self.begun.lock().unwrap();
        begun
            .iter()
            .map(|(id, task)| (id.clone(), task.settings.clone()))
            .collect()
    }
}

impl TaskRunner for Runner {
    async fn start_task(&mut self, start: TaskStart) {
        start.reports.state(self.state, self.trace).await;
        let begun = Begun {
            settings: start.settings,
            reports: start.reports,
        };
        self.begun.lock().unwrap().insert(start.id, begun);
    }

    async fn pause_task(&mut self, _: &TaskId, _: bool) {}

    async fn stop_task(&mut self, id: &TaskId) {
        if self.is_deaf {
            return;
        }
        let reports = self
            .begun
            .lock()
            .unwrap()
            .get(id)
            .map(|task| task.reports.clone());
        if let Some(reports) = reports {
            reports.ended().await;
        }
    }
}

/// A connector's file with these settings.
pub(crate) fn file(settings: &[(&str, &str)]) -> ConnectorFile {
    let settings: BTreeMap<String, String> = settings
        .iter()
        .map(|&(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let name = settings.get("name").cloned().unwrap_or_default();
    ConnectorFile {
        name,
        settings,
        initial_state: InitialState::Running,
    }
}

/// These settings as a request brings them.
pub(crate) fn given(settings: &[(&str, &str)]) -> GivenSettings {
    let some = |&(key, value): &(&str, &str)| (key.to_owned(), Some(value.to_owned()));
    settings.iter().map(some).collect()
}
