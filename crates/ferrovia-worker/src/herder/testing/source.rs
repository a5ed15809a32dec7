//! A source that does what its settings say, and nothing else.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use ferrovia_pipeline::config::{
    ConfigDef, ConfigError, ConfigKey, ConfigType, Importance, Validator,
};
use ferrovia_pipeline::connector::{
    ConnectorContext, ExactlyOnceSupport, SourceConnector, SourceOffsetChange,
};
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::source::{SourceContext, SourceRecord, SourceTask};

/// Java's FileStreamSource to look at. It has one more task each time it is asked, if it may.
#[derive(Default)]
pub(crate) struct IdleSource {
    settings: BTreeMap<String, String>,
    asked: AtomicUsize,
    context: Option<ConnectorContext>,
}

impl SourceConnector for IdleSource {
    fn config(&self) -> ConfigDef {
        ConfigDef::new()
            .define(ConfigKey::optional("file", ConfigType::String).importance(Importance::High))
            .define(
                ConfigKey::required("topic", ConfigType::String)
                    .validator(Validator::NonEmpty)
                    .importance(Importance::High),
            )
            .define(ConfigKey::with_default("batch.size", ConfigType::Int, 2000))
    }

    fn start(
        &mut self,
        settings: &BTreeMap<String, String>,
        context: ConnectorContext,
    ) -> Result<(), ConnectError> {
        self.settings = settings.clone();
        if settings.contains_key("asks") {
            context.request_task_reconfiguration();
        }
        if let Some(reason) = settings.get("raises") {
            context.raise_error(ConnectError::failed(reason.clone()));
        }
        self.context = Some(context);
        Ok(())
    }

    fn task_configs(
        &self,
        tasks_max: usize,
    ) -> Result<Vec<BTreeMap<String, String>>, ConnectError> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        if self.settings.contains_key("never.rests")
            && let Some(context) = &self.context
        {
            context.request_task_reconfiguration();
        }
        Ok(vec![self.settings.clone(); asked.min(tasks_max)])
    }

    fn task(&self) -> Box<dyn SourceTask> {
        Box::new(IdleTask)
    }

    fn validate(&self, settings: &BTreeMap<String, String>) -> Vec<ConfigError> {
        let refused = settings.get("refuses").filter(|what| *what == "file");
        refused
            .map(|_| ConfigError::rule("file", "The file is refused."))
            .into_iter()
            .collect()
    }

    fn exactly_once_support(
        &self,
        settings: &BTreeMap<String, String>,
    ) -> Option<ExactlyOnceSupport> {
        let file = settings.get("file").filter(|file| !file.is_empty());
        Some(match file {
            Some(_) => ExactlyOnceSupport::Supported,
            None => ExactlyOnceSupport::Unsupported,
        })
    }

    fn alter_offsets(
        &mut self,
        settings: &BTreeMap<String, String>,
        offsets: &[SourceOffsetChange],
    ) -> Result<bool, ConnectError> {
        match settings.get("refuses").map(String::as_str) {
            Some("all") => Err(ConnectError::failed(format!("none of {}", offsets.len()))),
            Some("ever") => Err(ConnectError::java(
                "java.lang.UnsupportedOperationException",
                "never",
            )),
            _ => Ok(settings.contains_key("external")),
        }
    }
}

struct IdleTask;

impl SourceTask for IdleTask {
    fn start(&mut self, _: &mut SourceContext) -> Result<(), ConnectError> {
        Ok(())
    }

    fn poll(&mut self, _: &mut SourceContext) -> Result<Vec<SourceRecord<'_>>, ConnectError> {
        Ok(Vec::new())
    }

    fn stop(&mut self) -> Result<(), ConnectError> {
        Ok(())
    }
}
