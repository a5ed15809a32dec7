//! A sink that keeps a diary of every call and does what its script says.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ferrovia_pipeline::config::ConfigDef;
use ferrovia_pipeline::connector::{ConnectorFactory, ConnectorPlugin, SinkConnector};
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::sink::{InputForm, SinkBatch, SinkContext, SinkRecord, SinkTask};
use ferrovia_pipeline::topic::{Offsets, TopicPartition};
use ferrovia_worker::herder::ConnectorCatalog;

/// A record by its partition and offset.
pub(crate) type Place = (TopicPartition, i64);

/// What a task was called for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Call {
    Start,
    Open(Vec<TopicPartition>),
    /// `taken` once the call has returned without an error.
    Put {
        records: Vec<Place>,
        taken: bool,
    },
    Flush,
    /// `safe` is what it answered, if it did.
    PreCommit {
        asked: Offsets,
        safe: Option<Offsets>,
    },
    /// `committed` is what the broker knew at that moment.
    Close {
        partitions: Vec<TopicPartition>,
        committed: BTreeMap<TopicPartition, i64>,
    },
    Stop,
}

/// A call and the task that got it. A task that is started again is another one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) task: u64,
    pub(crate) call: Call,
}

/// One `put` as a script sees it.
pub(crate) struct Put<'a> {
    /// How many puts with records this task has had before this one.
    pub(crate) nth: usize,
    pub(crate) records: &'a [Place],
}

pub(crate) type Outcome = Result<(), ConnectError>;
type SeeScript = dyn Fn(&SinkRecord<'_>, &mut SinkContext) -> Outcome + Send + Sync;
type PutScript = dyn Fn(&Put<'_>, &mut SinkContext) -> Outcome + Send + Sync;
type FlushScript = dyn Fn() -> Outcome + Send + Sync;
type PreCommitScript =
    dyn Fn(&Offsets, &mut SinkContext) -> Result<Offsets, ConnectError> + Send + Sync;
type OpenScript = dyn Fn(&[TopicPartition], &mut SinkContext) -> Outcome + Send + Sync;

/// What a task does besides keeping its diary: nothing, unless it is told.
#[derive(Default)]
pub(crate) struct Script {
    see: Option<Box<SeeScript>>,
    put: Option<Box<PutScript>>,
    flush: Option<Box<FlushScript>>,
    pre_commit: Option<Box<PreCommitScript>>,
    open: Option<Box<OpenScript>>,
}

impl Script {
    /// For each record that is put.
    pub(crate) fn see(
        mut self,
        see: impl Fn(&SinkRecord<'_>, &mut SinkContext) -> Outcome + Send + Sync + 'static,
    ) -> Self {
        self.see = Some(Box::new(see));
        self
    }

    pub(crate) fn put(
        mut self,
        put: impl Fn(&Put<'_>, &mut SinkContext) -> Outcome + Send + Sync + 'static,
    ) -> Self {
        self.put = Some(Box::new(put));
        self
    }

    pub(crate) fn flush(mut self, flush: impl Fn() -> Outcome + Send + Sync + 'static) -> Self {
        self.flush = Some(Box::new(flush));
        self
    }

    pub(crate) fn pre_commit(
        mut self,
        answer: impl Fn(&Offsets, &mut SinkContext) -> Result<Offsets, ConnectError>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.pre_commit = Some(Box::new(answer));
        self
    }

    pub(crate) fn open(
        mut self,
        open: impl Fn(&[TopicPartition], &mut SinkContext) -> Outcome + Send + Sync + 'static,
    ) -> Self {
        self.open = Some(Box::new(open));
        self
    }
}

/// Asks the broker what is committed for a partition.
pub(crate) type Committed = dyn Fn(&TopicPartition) -> Option<i64> + Send + Sync;

/// One connector's script and the diary of its tasks.
pub(crate) struct Probe {
    script: Script,
    committed: Box<Committed>,
    diary: Mutex<Vec<Entry>>,
    tasks: AtomicU64,
}

impl Probe {
    /// A probe and the setting by which a connector finds it.
    pub(crate) fn register(script: Script, committed: Box<Committed>) -> (Arc<Self>, String) {
        let probe = Arc::new(Self {
            script,
            committed,
            diary: Mutex::default(),
            tasks: AtomicU64::new(0),
        });
        let id = PROBES_MADE.fetch_add(1, Ordering::Relaxed).to_string();
        let mut probes = PROBES.lock().unwrap_or_else(PoisonError::into_inner);
        probes.insert(id.clone(), Arc::clone(&probe));
        (probe, id)
    }

    /// All calls so far.
    pub(crate) fn diary(&self) -> Vec<Entry> {
        self.lock().clone()
    }

    /// The calls alone.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.diary().into_iter().map(|entry| entry.call).collect()
    }

    /// Offsets of one partition in the order in which they were put, those that the task did not take included.
    pub(crate) fn shown(&self, partition: &TopicPartition) -> Vec<i64> {
        self.offsets(partition, |_| true)
    }

    /// Offsets of one partition that the tasks have taken, in order.
    pub(crate) fn taken(&self, partition: &TopicPartition) -> Vec<i64> {
        self.offsets(partition, |taken| taken)
    }

    fn offsets(&self, partition: &TopicPartition, counts: impl Fn(bool) -> bool) -> Vec<i64> {
        let diary = self.lock();
        let puts = diary.iter().filter_map(|entry| match &entry.call {
            Call::Put { records, taken } if counts(*taken) => Some(records),
            _ => None,
        });
        let records = puts.flatten().filter(|(of, _)| of == partition);
        records.map(|(_, offset)| *offset).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Entry>> {
        self.diary.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

static PROBES: Mutex<BTreeMap<String, Arc<Probe>>> = Mutex::new(BTreeMap::new());
static PROBES_MADE: AtomicU64 = AtomicU64::new(0);

/// The setting that names a connector's probe.
pub(crate) const PROBE_SETTING: &str = "probe";
/// The setting by which a connector's tasks take whole batches.
pub(crate) const TAKES_BATCHES: &str = "takes.batches";

/// The plugins of a test worker: the probe alone.
pub(crate) struct Catalog([ConnectorPlugin; 1]);

impl Catalog {
    pub(crate) fn shared() -> Arc<dyn ConnectorCatalog> {
        Arc::new(Self([ConnectorPlugin {
            class: "probe.ProbeConnector",
            task_class: "probe.ProbeTask",
            version: "1",
            factory: ConnectorFactory::Sink(|| Box::<ProbeConnector>::default()),
        }]))
    }
}

impl ConnectorCatalog for Catalog {
    fn connectors(&self) -> &[ConnectorPlugin] {
        &self.0
    }
}

#[derive(Default)]
struct ProbeConnector {
    settings: BTreeMap<String, String>,
}

impl SinkConnector for ProbeConnector {
    fn config(&self) -> ConfigDef {
        ConfigDef::new()
    }

    fn start(&mut self, settings: &BTreeMap<String, String>) -> Outcome {
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
        // The connector may never have been started: its task learns everything when it starts.
        Box::new(ProbeTask {
            probe: None,
            input: InputForm::Records,
            number: 0,
            puts: 0,
        })
    }
}

struct ProbeTask {
    probe: Option<Arc<Probe>>,
    input: InputForm,
    number: u64,
    puts: usize,
}

impl ProbeTask {
    fn probe(&self) -> &Probe {
        self.probe.as_ref().unwrap()
    }

    /// Notes a call and answers where.
    fn note(&self, call: Call) -> usize {
        let mut diary = self.probe().lock();
        diary.push(Entry {
            task: self.number,
            call,
        });
        diary.len() - 1
    }
}

impl SinkTask for ProbeTask {
    fn input(&self) -> InputForm {
        self.input
    }

    fn start(&mut self, context: &mut SinkContext) -> Outcome {
        let settings = context.settings();
        let probes = PROBES.lock().unwrap_or_else(PoisonError::into_inner);
        let probe = Arc::clone(&probes[&settings[PROBE_SETTING]]);
        drop(probes);
        self.number = probe.tasks.fetch_add(1, Ordering::Relaxed);
        if settings.contains_key(TAKES_BATCHES) {
            self.input = InputForm::Batches;
        }
        self.probe = Some(probe);
        self.note(Call::Start);
        Ok(())
    }

    fn open(&mut self, partitions: &[TopicPartition], context: &mut SinkContext) -> Outcome {
        self.note(Call::Open(partitions.to_vec()));
        match &self.probe().script.open {
            Some(open) => open(partitions, context),
            None => Ok(()),
        }
    }

    fn put(&mut self, batch: &mut SinkBatch, context: &mut SinkContext) -> Outcome {
        let mut records = Vec::new();
        batch.for_each(|record| {
            records.push((record.origin().clone(), record.offset()));
            match &self.probe().script.see {
                Some(see) => see(record, context),
                None => Ok(()),
            }
        })?;
        let nth = self.puts;
        self.puts += usize::from(!records.is_empty());
        let at = self.note(Call::Put {
            records: records.clone(),
            taken: false,
        });
        if let Some(put) = &self.probe().script.put {
            put(
                &Put {
                    nth,
                    records: &records,
                },
                context,
            )?;
        }
        if let Call::Put { taken, .. } = &mut self.probe().lock()[at].call {
            *taken = true;
        }
        Ok(())
    }

    fn flush(&mut self, _: &Offsets, _: &mut SinkContext) -> Outcome {
        self.note(Call::Flush);
        match &self.probe().script.flush {
            Some(flush) => flush(),
            None => Ok(()),
        }
    }

    fn pre_commit(
        &mut self,
        offsets: &Offsets,
        context: &mut SinkContext,
    ) -> Result<Offsets, ConnectError> {
        let at = self.note(Call::PreCommit {
            asked: offsets.clone(),
            safe: None,
        });
        let answer = match &self.probe().script.pre_commit {
            Some(answer) => answer(offsets, context)?,
            None => {
                self.flush(offsets, context)?;
                offsets.clone()
            }
        };
        if let Call::PreCommit { safe, .. } = &mut self.probe().lock()[at].call {
            *safe = Some(answer.clone());
        }
        Ok(answer)
    }

    fn close(&mut self, partitions: &[TopicPartition], _: &mut SinkContext) -> Outcome {
        let known = |one: &TopicPartition| Some((one.clone(), (self.probe().committed)(one)?));
        self.note(Call::Close {
            partitions: partitions.to_vec(),
            committed: partitions.iter().filter_map(known).collect(),
        });
        Ok(())
    }

    fn stop(&mut self) -> Outcome {
        self.note(Call::Stop);
        Ok(())
    }
}
