//! Makes up records, and remembers with each how to go on behind it.

use std::sync::Arc;
use std::time::Duration;

use ferrovia_pipeline::data::{Headers, Map, Schema, SchemaAndValue, SchemaType, Struct, Value};
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::source::{SourceContext, SourceRecord, SourceTask};

use super::avro::connect::schema_of;
use super::plan::{Plan, State};
use super::settings::{Settings, TASK_ID};

const TASK_GENERATION: &str = "task.generation";
const CURRENT_ITERATION: &str = "current.iteration";
const RANDOM_SEED: &str = "random.seed";

/// Records of one poll where none is waited for: as many as a core's cache holds until they are converted.
const POLL_RECORDS_MAX: usize = 256;
/// Values and characters of one poll; large records come in smaller numbers.
const POLL_UNITS_MAX: usize = 1 << 20;

/// Makes up records.
///
/// # Source
/// `io.confluent.kafka.connect.datagen.DatagenTask`
#[derive(Debug, Default)]
pub struct DatagenTask {
    run: Option<Run>,
}

/// A started task.
#[derive(Debug)]
struct Run {
    topic: String,
    interval_max_ms: u64,
    /// How many records there are to be, those of former lives among them.
    iterations: Option<i64>,
    poll_records: usize,
    task: i64,
    partition: Arc<Map<'static>>,
    plan: Plan,
    state: State,
    key: Key,
    /// How many lives the task had before.
    generation: i64,
    /// How many records were made.
    made: i64,
    number: Schema,
}

/// What keys are.
#[derive(Debug)]
struct Key {
    schema: Schema,
    /// The field; without one keys are null.
    field: Option<usize>,
}

impl SourceTask for DatagenTask {
    fn start(&mut self, context: &mut SourceContext) -> Result<(), ConnectError> {
        self.run = Some(Run::begin(context)?);
        Ok(())
    }

    fn poll(&mut self, context: &mut SourceContext) -> Result<Vec<SourceRecord<'_>>, ConnectError> {
        let run = self.run.as_mut();
        run.ok_or_else(|| ConnectError::failed("The task is not started"))?
            .poll(context)
    }

    fn stop(&mut self) -> Result<(), ConnectError> {
        self.run = None;
        Ok(())
    }
}

impl Run {
    fn begin(context: &SourceContext) -> Result<Self, ConnectError> {
        let settings = Settings::parse(context.settings())?;
        let task = context.setting(TASK_ID).and_then(|task| task.parse().ok());
        let task: u16 = task.ok_or_else(|| {
            ConnectError::config(format!("{TASK_ID} is not the number of a task"))
        })?;
        let mut partition = Map::linked();
        partition.put(TASK_ID, Value::Int32(task.into()));
        let place = match context.offset(&partition)? {
            Some(offset) => Place::stored(&offset)?,
            None => Place::first(&settings, task),
        };
        let unusable = |fault: super::avro::Fault| ConnectError::config(fault.to_string());
        let plan = Plan::compile(&settings.schema, place.made).map_err(unusable)?;
        let state = plan.state(place.seed.cast_unsigned());
        let key = match settings.key_field() {
            Some(field) => Key {
                schema: schema_of(&field.schema).map_err(unusable)?,
                field: settings.key,
            },
            None => Key {
                schema: Schema::optional(SchemaType::String),
                field: None,
            },
        };
        let poll_records = match settings.interval_max_ms {
            0 => (POLL_UNITS_MAX / plan.units_max.max(1)).clamp(1, POLL_RECORDS_MAX),
            _ => 1,
        };
        Ok(Self {
            topic: settings.topic,
            interval_max_ms: settings.interval_max_ms,
            iterations: settings.iterations,
            poll_records,
            task: task.into(),
            partition: Arc::new(partition),
            plan,
            state,
            key,
            generation: place.generation,
            made: place.made,
            number: Schema::of(SchemaType::Int64),
        })
    }

    fn poll(&mut self, context: &mut SourceContext) -> Result<Vec<SourceRecord<'_>>, ConnectError> {
        let left = match self.iterations {
            Some(iterations) if self.made >= iterations => {
                return Err(ConnectError::failed(format!(
                    "Stopping connector: generated the configured {} number of messages",
                    self.made
                )));
            }
            Some(iterations) => usize::try_from(iterations.saturating_sub(self.made)),
            None => Ok(usize::MAX),
        };
        if self.interval_max_ms > 0 {
            // Not of the task's own numbers: they decide on data alone.
            let pause = fastrand::u64(..self.interval_max_ms);
            context.wait(Duration::from_millis(pause));
        }
        let Self { plan, state, .. } = self;
        let count = self.poll_records.min(left.unwrap_or(usize::MAX));
        let one = |_| {
            let value = plan.next(state);
            let made = self.made;
            self.made = made.saturating_add(1);
            SourceRecord {
                source_partition: Arc::clone(&self.partition),
                source_offset: offset(self.generation, made, state),
                topic: self.topic.as_str().into(),
                partition: None,
                key: self.key.of(&value),
                value: SchemaAndValue::new(plan.schema.clone(), value),
                timestamp: None,
                headers: headers(&self.number, [self.generation, self.task, made]),
                tag: None,
                boundary: None,
            }
        };
        Ok((0..count).map(one).collect())
    }
}

/// Where the next life of the task goes on behind the record with this number.
#[inline]
fn offset(generation: i64, record: i64, state: &State) -> Map<'static> {
    let seed = state.rng.get_seed().cast_signed();
    Map::from([
        (TASK_GENERATION, Value::Int64(generation.saturating_add(1))),
        (CURRENT_ITERATION, Value::Int64(record.saturating_add(1))),
        (RANDOM_SEED, Value::Int64(seed)),
    ])
}

#[inline]
fn headers(schema: &Schema, numbers: [i64; 3]) -> Headers<'static> {
    let [generation, task, iteration] = numbers.map(|number| SchemaAndValue {
        schema: Some(schema.clone()),
        value: Value::Int64(number),
    });
    Headers::from([
        (TASK_GENERATION, generation),
        (TASK_ID, task),
        (CURRENT_ITERATION, iteration),
    ])
}

impl Key {
    fn of<'v>(&self, record: &Value<'v>) -> SchemaAndValue<'v> {
        let field = match (self.field, record) {
            (Some(field), Value::Struct(record)) => record.at(field),
            _ => &Value::Null,
        };
        let value = match field {
            // A key's schema says nothing of the field that it comes from.
            Value::Struct(inner) => Value::Struct(Struct::with_values(
                self.schema.clone(),
                inner.values().to_vec(),
            )),
            value => value.clone(),
        };
        SchemaAndValue::new(self.schema.clone(), value)
    }
}

/// Where a task begins.
struct Place {
    generation: i64,
    made: i64,
    seed: i64,
}

impl Place {
    /// Where a task begins that was never there before: each with random numbers of its own.
    fn first(settings: &Settings, task: u16) -> Self {
        let seed = match settings.seed {
            Some(seed) => {
                let mut seed = seed.cast_unsigned();
                for _ in 0..task {
                    seed = fastrand::Rng::with_seed(seed).u64(..);
                }
                seed.cast_signed()
            }
            None => fastrand::i64(..),
        };
        Self {
            generation: 0,
            made: 0,
            seed,
        }
    }

    fn stored(offset: &Map<'_>) -> Result<Self, ConnectError> {
        let number = |name: &str| match offset.get(name) {
            Some(Value::Int64(number)) => Ok(*number),
            Some(Value::Int32(number)) => Ok(i64::from(*number)),
            _ => Err(ConnectError::failed(format!(
                "The stored offset has no number {name}"
            ))),
        };
        Ok(Self {
            generation: number(TASK_GENERATION)?,
            made: number(CURRENT_ITERATION)?,
            seed: number(RANDOM_SEED)?,
        })
    }
}

#[cfg(test)]
mod tests;
