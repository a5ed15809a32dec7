//! What only a source's own code can say of its settings: whether it gives exactly-once guarantees with them, and whether
//! it says where transactions end.
//!
//! # Source
//! `DistributedHerder.validateSourceConnectorConfig` of Kafka 4.2: a worker that is alone does not ask

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ferrovia_pipeline::connector::{ExactlyOnceSupport, SourceConnector};

use super::InCluster;
use super::checked::CheckedKeys;
use crate::config::source_definition::{EXACTLY_ONCE_SUPPORT, TRANSACTION_BOUNDARY};

/// Asks a connector, which was not started, about the settings that demand something of it.
pub(super) fn check(
    connector: &dyn SourceConnector,
    cluster: &InCluster,
    settings: &BTreeMap<String, String>,
    checked: &mut CheckedKeys,
) {
    if is(checked, EXACTLY_ONCE_SUPPORT, "required") {
        if !cluster.gives_exactly_once {
            let message = "This worker does not have exactly-once source support enabled.";
            checked.add_error(EXACTLY_ONCE_SUPPORT, message);
        }
        let support = asked(|| connector.exactly_once_support(settings));
        if let Some(message) = support.map_or(Some(UNEXPECTED), fault_of_support) {
            checked.add_error(EXACTLY_ONCE_SUPPORT, message);
        }
    }
    if is(checked, TRANSACTION_BOUNDARY, "connector") {
        let message = match asked(|| connector.can_define_transaction_boundaries(settings)) {
            Some(true) => None,
            Some(false) => Some(NO_BOUNDARIES),
            None => Some(UNEXPECTED),
        };
        if let Some(message) = message {
            checked.add_error(TRANSACTION_BOUNDARY, message);
        }
    }
}

/// Adds what a connector, which was not started, says against its settings beyond its definitions.
pub(super) fn add_own_faults(
    connector: &dyn SourceConnector,
    settings: &BTreeMap<String, String>,
    checked: &mut CheckedKeys,
) {
    for fault in asked(|| connector.validate(settings)).unwrap_or_default() {
        checked.add_error(fault.name(), &fault.to_string());
    }
}

/// Whether a setting without a fault has this value.
fn is(checked: &CheckedKeys, name: &str, value: &str) -> bool {
    let found = checked.sound_value(name);
    found.is_some_and(|found| found.trim().eq_ignore_ascii_case(value))
}

fn fault_of_support(support: Option<ExactlyOnceSupport>) -> Option<&'static str> {
    match support {
        Some(ExactlyOnceSupport::Supported) => None,
        Some(ExactlyOnceSupport::Unsupported) => Some(UNSUPPORTED),
        None => Some(UNSAID),
    }
}

/// The answer of a connector's code; `None` where it panicked.
fn asked<T>(question: impl FnOnce() -> T) -> Option<T> {
    let answer = catch_unwind(AssertUnwindSafe(question));
    if answer.is_err() {
        tracing::error!("a connector panicked while its settings were checked");
    }
    answer.ok()
}

const UNSAID: &str = "The connector does not implement the API required for preflight validation of exactly-once source \
    support. Please consult the documentation for the connector to determine whether it supports exactly-once semantics, \
    and then consider reconfiguring the connector to use the value \"requested\" for this property (which will disable \
    this preflight check and allow the connector to be created).";
const UNSUPPORTED: &str =
    "The connector does not support exactly-once semantics with the provided configuration.";
const NO_BOUNDARIES: &str = "The connector does not support connector-defined transaction boundaries with the given \
    configuration. Please reconfigure it to use a different transaction boundary definition.";
const UNEXPECTED: &str =
    "An unexpected error occurred during validation; please see the worker logs for more details.";
