//! All transformations of a connector, one after the other, each under its predicate.
//!
//! # Source
//! `TransformationChain`, `TransformationStage` and `ConnectorConfig.transformationStages` of Kafka 4.2

use std::collections::BTreeMap;

use crate::config::{ConfigDef, ConfigError, ConfigKey, ConfigType, Importance};
use crate::data::Record;
use crate::error::ConnectError;
use crate::predicate::{Predicate, PredicatePlugin};
use crate::transform::{Fate, Scope, Transformation, TransformationPlugin};

/// The transformations of one task, in order.
#[derive(Debug, Default)]
pub struct TransformationChain {
    stages: Vec<Stage>,
}

/// A transformation, and when it applies.
#[derive(Debug)]
struct Stage {
    class: &'static str,
    transformation: Box<dyn Transformation>,
    condition: Option<Condition>,
}

#[derive(Debug)]
struct Condition {
    predicate: Box<dyn Predicate>,
    is_negated: bool,
}

impl Condition {
    fn holds(&self, record: &Record<'_>) -> bool {
        self.predicate.test(record) != self.is_negated
    }
}

/// A transformation could not change a record.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct TransformationFailed {
    /// The transformation's class.
    pub class: &'static str,
    /// What is wrong.
    #[source]
    pub error: ConnectError,
}

impl TransformationChain {
    /// The chain that the settings of a connector describe: `transforms` lists aliases, `transforms.<alias>.type` and
    /// what stands beside it make each, `transforms.<alias>.predicate` names one of the `predicates.<alias>.`
    ///
    /// # Errors
    /// A class is unknown, or a transformation or predicate refuses its settings. As in Java the error is a
    /// `ConnectException` around the one that says why.
    pub fn from_settings(settings: &BTreeMap<String, String>) -> Result<Self, ConnectError> {
        let definition = ConfigDef::new().define(
            ConfigKey::with_default("transforms", ConfigType::List, [] as [&str; 0])
                .importance(Importance::Low),
        );
        let parsed = definition.parse(settings)?;
        let stages = parsed.list("transforms").iter();
        let stages = stages.map(|alias| Stage::from_settings(alias, settings).map_err(wrapped));
        Ok(Self {
            stages: stages.collect::<Result<_, _>>()?,
        })
    }

    /// A chain of these, each with the class that messages name. They apply to every record.
    pub fn new(
        transformations: impl IntoIterator<Item = (&'static str, Box<dyn Transformation>)>,
    ) -> Self {
        let stages = transformations.into_iter();
        let stages = stages.map(|(class, transformation)| Stage {
            class,
            transformation,
            condition: None,
        });
        Self {
            stages: stages.collect(),
        }
    }

    /// The record as it leaves the chain; `None` if a transformation dropped it.
    ///
    /// # Errors
    /// The first transformation that cannot change the record.
    pub fn apply<'a>(
        &mut self,
        mut record: Record<'a>,
    ) -> Result<Option<Record<'a>>, TransformationFailed> {
        for stage in &mut self.stages {
            if stage
                .condition
                .as_ref()
                .is_some_and(|it| !it.holds(&record))
            {
                continue;
            }
            let applied = stage.transformation.apply(&mut record);
            let fate = applied.map_err(|error| TransformationFailed {
                class: stage.class,
                error,
            })?;
            if fate == Fate::Dropped {
                return Ok(None);
            }
        }
        Ok(Some(record))
    }

    /// Whether there is no transformation.
    pub fn is_empty(&self) -> bool {
        self.stages.is_empty()
    }

    /// What the transformations look at and change, in order, each with its predicate.
    pub fn scopes(&self) -> impl Iterator<Item = Scope> {
        self.stages.iter().map(Stage::scope)
    }
}

impl Stage {
    fn scope(&self) -> Scope {
        let own = self.transformation.scope();
        let condition = self.condition.as_ref();
        condition.map_or(own, |it| it.predicate.scope().max(own))
    }

    fn from_settings(
        alias: &str,
        settings: &BTreeMap<String, String>,
    ) -> Result<Self, ConnectError> {
        let prefix = format!("transforms.{alias}.");
        let mut own = with_prefix(settings, &prefix);
        let class = class_of(&own, &prefix)?;
        let plugin = TransformationPlugin::find(class)
            .ok_or_else(|| ConfigError::class_not_found(format!("{prefix}type"), class))?;
        let predicate = own.remove("predicate");
        let is_negated = own
            .remove("negate")
            .is_some_and(|text| text.eq_ignore_ascii_case("true"));
        let transformation = (plugin.new)(&own)?;
        let predicate = predicate.map(|alias| predicate_from_settings(&alias, settings));
        let condition = predicate.transpose()?.map(|predicate| Condition {
            predicate,
            is_negated,
        });
        Ok(Self {
            class: plugin.class,
            transformation,
            condition,
        })
    }
}

fn predicate_from_settings(
    alias: &str,
    settings: &BTreeMap<String, String>,
) -> Result<Box<dyn Predicate>, ConnectError> {
    let prefix = format!("predicates.{alias}.");
    let own = with_prefix(settings, &prefix);
    let class = class_of(&own, &prefix)?;
    let plugin = PredicatePlugin::find(class)
        .ok_or_else(|| ConfigError::class_not_found(format!("{prefix}type"), class))?;
    (plugin.new)(&own)
}

fn with_prefix(settings: &BTreeMap<String, String>, prefix: &str) -> BTreeMap<String, String> {
    let own = settings.iter().filter_map(|(key, value)| {
        let key = key.strip_prefix(prefix).filter(|key| !key.is_empty())?;
        Some((key.to_owned(), value.clone()))
    });
    own.collect()
}

fn class_of<'s>(own: &'s BTreeMap<String, String>, prefix: &str) -> Result<&'s str, ConfigError> {
    let class = own.get("type").map(|class| class.trim());
    class.ok_or_else(|| ConfigError::Missing {
        name: format!("{prefix}type"),
    })
}

/// `new ConnectException(cause)`, whose message is the cause's class and message.
fn wrapped(cause: ConnectError) -> ConnectError {
    ConnectError::failed_by(format!("{}: {cause}", cause.class()), cause)
}

#[cfg(test)]
mod tests;
