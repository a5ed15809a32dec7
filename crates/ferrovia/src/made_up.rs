//! The values that the demo and `bench fill` produce: orders, or what the generator source makes up.

use std::collections::BTreeMap;
use std::sync::Arc;

use ferrovia_connectors::datagen::DatagenTask;
use ferrovia_pipeline::convert::{Converter, ConverterRole};
use ferrovia_pipeline::data::Map;
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::source::{OffsetReader, SourceContext, SourceTask};

use crate::failure::Failure;
use crate::orders::write_order;

/// Values by their numbers.
pub(crate) enum MadeUp {
    /// Orders of at least so many bytes.
    Orders(usize),
    /// Values of a quickstart of the generator source.
    Quickstart(Box<Quickstart>),
}

impl MadeUp {
    /// Values of a quickstart, or else orders of at least `size` bytes.
    ///
    /// # Errors
    /// There is no such quickstart.
    pub(crate) fn new(quickstart: Option<&str>, size: usize) -> Result<Self, Failure> {
        Ok(match quickstart {
            None => Self::Orders(size),
            Some(name) => Self::Quickstart(Box::new(Quickstart::start(name)?)),
        })
    }

    /// Appends the value with this number as JSON. Numbers rise by one, and the last may be asked for again.
    ///
    /// # Errors
    /// The generator fails.
    pub(crate) fn write(&mut self, out: &mut Vec<u8>, number: u64) -> Result<(), Failure> {
        match self {
            Self::Orders(size) => write_order(out, number, *size),
            Self::Quickstart(values) => out.extend_from_slice(values.get(number)?),
        }
        Ok(())
    }
}

/// The generator source without a worker.
pub(crate) struct Quickstart {
    task: DatagenTask,
    context: SourceContext,
    json: Converter,
    /// The values of the last poll.
    polled: Vec<Vec<u8>>,
    /// The number of the first of them.
    first: u64,
}

impl Quickstart {
    fn start(name: &str) -> Result<Self, Failure> {
        let settings = [
            ("kafka.topic", "made-up"),
            ("task.id", "0"),
            ("max.interval", "0"),
            ("random.seed", "1"),
            ("quickstart", name),
        ];
        let settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let mut context = SourceContext::new(settings.into(), Arc::new(NoOffsets), false);
        let mut task = DatagenTask::default();
        task.start(&mut context).map_err(Failure::of)?;
        let plain = BTreeMap::from([("schemas.enable".to_owned(), "false".to_owned())]);
        let json = Converter::from_class("JsonConverter", &plain, ConverterRole::Value);
        let json = json.map_err(Failure::of)?;
        Ok(Self {
            task,
            context,
            json: json.ok_or_else(|| Failure::saying("there is no JsonConverter"))?,
            polled: Vec::new(),
            first: 0,
        })
    }

    fn get(&mut self, number: u64) -> Result<&[u8], Failure> {
        if number - self.first >= self.polled.len() as u64 {
            self.first = number;
            self.polled.clear();
            for record in self.task.poll(&mut self.context).map_err(Failure::of)? {
                let value = &record.value;
                let bytes = self
                    .json
                    .from_connect("", value.schema.as_ref(), &value.value);
                self.polled
                    .push(bytes.map_err(Failure::of)?.unwrap_or_default());
            }
        }
        let at = usize::try_from(number - self.first).ok();
        let value = at.and_then(|at| self.polled.get(at));
        let value = value.ok_or_else(|| Failure::saying("the generator makes no records"))?;
        Ok(value)
    }
}

#[derive(Debug)]
struct NoOffsets;

impl OffsetReader for NoOffsets {
    fn offset(&self, _partition: &Map<'_>) -> Result<Option<Map<'static>>, ConnectError> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_a_quickstart_are_json_and_may_be_asked_for_again() {
        let mut values = MadeUp::new(Some("users"), 0).unwrap();
        let mut value = |number| {
            let mut out = Vec::new();
            values.write(&mut out, number).unwrap();
            out
        };
        for number in 0..1_000 {
            let first = value(number);
            assert_eq!(first, value(number));
            let user: serde_json::Value = serde_json::from_slice(&first).unwrap();
            assert!(
                user["userid"].as_str().unwrap().starts_with("User_"),
                "{user}"
            );
        }
        assert!(MadeUp::new(Some("nothing"), 0).is_err());
    }
}
