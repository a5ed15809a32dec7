//! The file of one connector, in any of the three forms that the command line takes.
//!
//! A flat JSON object comes first, then a JSON create request, then Java properties: the first that fits wins, so a JSON
//! object with `name` and other flat members is a configuration even where a request was meant.
//!
//! # Source
//! KIP-980; `ConnectStandalone.parseConnectorConfigurationFile`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::properties::{self, PropertiesError};

/// The state that a connector begins in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InitialState {
    /// It works.
    #[default]
    Running,
    /// Its tasks exist and wait.
    Paused,
    /// It has no tasks.
    Stopped,
}

impl InitialState {
    /// Reads a state's name in any case.
    pub fn parse(text: &str) -> Option<Self> {
        let named = [
            ("RUNNING", Self::Running),
            ("PAUSED", Self::Paused),
            ("STOPPED", Self::Stopped),
        ];
        named
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(text))
            .map(|(_, state)| state)
    }
}

/// What a file asks for.
#[derive(Debug, PartialEq, Eq)]
pub struct ConnectorFile {
    /// The connector's name.
    pub name: String,
    /// Its settings, which contain the name.
    pub settings: BTreeMap<String, String>,
    /// The state to begin in.
    pub initial_state: InitialState,
}

/// Why a file does not describe a connector.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectorFileError {
    /// It cannot be read, or is neither JSON nor properties.
    #[error(transparent)]
    Properties(#[from] PropertiesError),
    /// Nothing says what the connector is called.
    #[error(
        "Connector configuration at '{}' is missing the mandatory 'name' configuration{}",
        file.display(),
        json_fault.as_ref().map(|fault| format!(" (and is not valid JSON: {fault})")).unwrap_or_default()
    )]
    NameMissing {
        /// The file.
        file: PathBuf,
        /// Why it is not JSON, where it looks like it.
        json_fault: Option<String>,
    },
    /// A create request has two names.
    #[error(
        "Connector name configuration in 'config' doesn't match the one specified in 'name' at '{}'",
        file.display()
    )]
    NameMismatch {
        /// The file.
        file: PathBuf,
    },
    /// A member is `null`.
    #[error(
        "Connector configuration at '{}' has null for '{key}': Null value can not be supplied as \
         the configuration value.",
        file.display()
    )]
    NullValue {
        /// The file.
        file: PathBuf,
        /// The member.
        key: String,
    },
}

impl ConnectorFile {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ConnectorFileError`], which names the file.
    pub fn load(file: &Path) -> Result<Self, ConnectorFileError> {
        let bytes = properties::read_limited(file)?;
        let json_fault = match from_json(file, &bytes) {
            Json::Fits(described) => return described,
            Json::Differs(fault) => fault,
        };
        let settings = properties::load(file)?;
        match settings.get("name").cloned() {
            Some(name) => Ok(Self {
                name,
                settings,
                initial_state: InitialState::default(),
            }),
            None => Err(ConnectorFileError::NameMissing {
                file: file.to_owned(),
                json_fault,
            }),
        }
    }
}

enum Json {
    /// The file is one of the JSON forms, possibly with a fault.
    Fits(Result<ConnectorFile, ConnectorFileError>),
    /// It is neither; why, where it looks like JSON.
    Differs(Option<String>),
}

#[derive(Deserialize)]
struct CreateRequest {
    name: Option<String>,
    config: BTreeMap<String, Box<RawValue>>,
    initial_state: Option<String>,
}

fn from_json(file: &Path, bytes: &[u8]) -> Json {
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Json::Differs(None);
    }
    let members: BTreeMap<String, Box<RawValue>> = match first_value(bytes) {
        Ok(members) => members,
        Err(error) => return Json::Differs(Some(error.to_string())),
    };
    if let Some(settings) = flat(file, &members) {
        return Json::Fits(settings.and_then(|settings| from_flat(file, settings)));
    }
    match first_value::<CreateRequest>(bytes) {
        Ok(request) => from_request(file, request),
        Err(error) => Json::Differs(Some(error.to_string())),
    }
}

/// The first value of the text; what follows it is ignored, as Java's parser does.
fn first_value<T: for<'a> Deserialize<'a>>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    T::deserialize(&mut serde_json::Deserializer::from_slice(bytes))
}

/// The members as settings; `None` if one is not a scalar. Numbers keep their digits.
fn flat(
    file: &Path,
    members: &BTreeMap<String, Box<RawValue>>,
) -> Option<Result<BTreeMap<String, String>, ConnectorFileError>> {
    let mut settings = BTreeMap::new();
    let mut null = None;
    for (key, value) in members {
        let text = value.get();
        match text.as_bytes().first()? {
            b'{' | b'[' => return None,
            b'n' => null = null.or(Some(key)),
            b'"' => {
                settings.insert(key.clone(), serde_json::from_str(text).ok()?);
            }
            _ => {
                settings.insert(key.clone(), text.to_owned());
            }
        }
    }
    Some(match null {
        Some(key) => Err(ConnectorFileError::NullValue {
            file: file.to_owned(),
            key: key.clone(),
        }),
        None => Ok(settings),
    })
}

fn from_flat(
    file: &Path,
    settings: BTreeMap<String, String>,
) -> Result<ConnectorFile, ConnectorFileError> {
    let Some(name) = settings.get("name").cloned() else {
        return Err(ConnectorFileError::NameMissing {
            file: file.to_owned(),
            json_fault: None,
        });
    };
    Ok(ConnectorFile {
        name,
        settings,
        initial_state: InitialState::default(),
    })
}

fn from_request(file: &Path, request: CreateRequest) -> Json {
    let Some(settings) = flat(file, &request.config) else {
        return Json::Differs(Some("a value in 'config' is not a string".to_owned()));
    };
    let initial_state = request.initial_state.as_deref().unwrap_or("RUNNING");
    let Some(initial_state) = InitialState::parse(initial_state) else {
        return Json::Differs(Some(format!("unknown initial_state '{initial_state}'")));
    };
    let Some(name) = request.name else {
        return Json::Fits(Err(ConnectorFileError::NameMissing {
            file: file.to_owned(),
            json_fault: None,
        }));
    };
    Json::Fits(settings.and_then(|mut settings| {
        if settings
            .get("name")
            .is_some_and(|configured| *configured != name)
        {
            return Err(ConnectorFileError::NameMismatch {
                file: file.to_owned(),
            });
        }
        settings.insert("name".to_owned(), name.clone());
        Ok(ConnectorFile {
            name,
            settings,
            initial_state,
        })
    }))
}

#[cfg(test)]
mod tests;
