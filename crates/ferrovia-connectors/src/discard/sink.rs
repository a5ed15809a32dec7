//! Drops everything it is given.

use std::collections::BTreeMap;
use std::hint::black_box;

use ferrovia_pipeline::config::{ConfigDef, ConfigKey, ConfigType, Importance, Validator};
use ferrovia_pipeline::connector::SinkConnector;
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::sink::{InputForm, Placement, SinkBatch, SinkContext, SinkTask};

/// `records` opens every batch and walks every record; `batches` drops them unopened.
const INPUT: &str = "input";

/// Hands every task the same settings.
#[derive(Debug, Default)]
pub struct DiscardSinkConnector {
    settings: BTreeMap<String, String>,
}

impl SinkConnector for DiscardSinkConnector {
    fn config(&self) -> ConfigDef {
        ConfigDef::new().define(
            ConfigKey::with_default(INPUT, ConfigType::String, "records")
                .validator(Validator::OneOf(&["records", "batches"]))
                .importance(Importance::Low)
                .doc("What to take: 'records' decompresses and walks every record before dropping it; 'batches' verifies record batches and drops them unopened."),
        )
    }

    fn start(&mut self, settings: &BTreeMap<String, String>) -> Result<(), ConnectError> {
        self.config()
            .parse(settings)
            .map_err(|error| ConnectError::config(error.to_string()))?;
        self.settings.clone_from(settings);
        Ok(())
    }

    fn task_configs(
        &self,
        tasks_max: usize,
    ) -> Result<Vec<BTreeMap<String, String>>, ConnectError> {
        Ok(vec![self.settings.clone(); tasks_max])
    }

    fn task(&self) -> Box<dyn SinkTask> {
        Box::new(DiscardSinkTask {
            input: InputForm::Records,
        })
    }
}

/// Drops records or batches.
#[derive(Debug)]
pub struct DiscardSinkTask {
    input: InputForm,
}

impl SinkTask for DiscardSinkTask {
    fn input(&self) -> InputForm {
        self.input
    }

    fn placement(&self) -> Placement {
        Placement::Shared
    }

    fn start(&mut self, context: &mut SinkContext) -> Result<(), ConnectError> {
        self.input = match context.setting(INPUT) {
            Some("batches") => InputForm::Batches,
            _ => InputForm::Records,
        };
        Ok(())
    }

    fn put(&mut self, batch: &mut SinkBatch, _: &mut SinkContext) -> Result<(), ConnectError> {
        if self.input == InputForm::Batches {
            black_box(batch.deliveries()?);
            return Ok(());
        }
        batch.for_each(|record| {
            // Without this the compiler may see that nobody looks, and skip the walk that is to be measured.
            black_box(record);
            Ok(())
        })
    }

    fn stop(&mut self) -> Result<(), ConnectError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TEXT, context, damaged, put_of, sealed};

    fn put(input: &str, records: bytes::Bytes) -> Result<(), ConnectError> {
        let mut context = context(&[("input", input)]);
        let mut task = DiscardSinkConnector::default().task();
        task.start(&mut context).unwrap();
        task.put(&mut put_of(records, TEXT), &mut context)
    }

    #[test]
    fn both_forms_take_valid_batches_and_refuse_damaged_ones() {
        let records = sealed(&[Some(b"one"), None]);
        for input in ["records", "batches"] {
            put(input, records.clone()).unwrap();
            assert!(put(input, damaged(&records)).is_err(), "{input}");
        }
    }

    #[test]
    fn form_that_does_not_exist_names_the_key() {
        let settings = BTreeMap::from([("input".to_owned(), "lines".to_owned())]);
        let error = DiscardSinkConnector::default()
            .start(&settings)
            .unwrap_err();
        assert!(error.to_string().contains("configuration input"), "{error}");
    }
}
