//! Gives every task the same settings and a number.

use std::collections::BTreeMap;

use ferrovia_pipeline::config::{ConfigDef, ConfigError};
use ferrovia_pipeline::connector::{ConnectorContext, SourceConnector};
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::source::SourceTask;

use super::settings::{Settings, TASK_ID, definitions};
use super::task::DatagenTask;

/// Makes up records in as many tasks as there may be.
///
/// # Source
/// `io.confluent.kafka.connect.datagen.DatagenConnector`
#[derive(Debug, Default)]
pub struct DatagenConnector {
    settings: BTreeMap<String, String>,
}

impl SourceConnector for DatagenConnector {
    fn config(&self) -> ConfigDef {
        definitions()
    }

    /// What the settings have to be together. Those that are wrong by themselves are told of already.
    fn validate(&self, settings: &BTreeMap<String, String>) -> Vec<ConfigError> {
        if definitions().validate(settings).is_empty() {
            Settings::parse(settings).err().into_iter().collect()
        } else {
            Vec::new()
        }
    }

    fn start(
        &mut self,
        settings: &BTreeMap<String, String>,
        _context: ConnectorContext,
    ) -> Result<(), ConnectError> {
        Settings::parse(settings)?;
        self.settings.clone_from(settings);
        Ok(())
    }

    fn task_configs(
        &self,
        tasks_max: usize,
    ) -> Result<Vec<BTreeMap<String, String>>, ConnectError> {
        let numbered = |task: usize| {
            let mut settings = self.settings.clone();
            settings.insert(TASK_ID.to_owned(), task.to_string());
            settings
        };
        Ok((0..tasks_max).map(numbered).collect())
    }

    fn task(&self) -> Box<dyn SourceTask> {
        Box::new(DatagenTask::default())
    }
}

#[cfg(test)]
mod tests;
