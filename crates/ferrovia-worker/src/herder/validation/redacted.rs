//! Answers without the values of variables. Java shows them to whoever may validate a configuration.

use std::collections::BTreeMap;

use super::infos::{ConfigInfos, ValueInfo};
use crate::config::providers::Resolved;

/// Shows the variable wherever its value would be shown.
pub(super) fn redact(
    mut infos: ConfigInfos,
    written: &BTreeMap<String, String>,
    resolved: &Resolved,
) -> ConfigInfos {
    if resolved.replaced.is_empty() {
        return infos;
    }
    let hide = |text: &mut String| *text = resolved.redactor.redact(text);
    hide(&mut infos.name);
    infos.groups.iter_mut().for_each(hide);
    for info in &mut infos.configs {
        if let Some(value) = &mut info.value {
            redact_value(value, written, resolved);
            // Aliases of transformations are in the names of keys.
            hide(&mut value.name);
        }
        if let Some(key) = &mut info.definition {
            hide(&mut key.name);
            hide(&mut key.display_name);
            hide(&mut key.documentation);
            key.group.iter_mut().for_each(hide);
        }
    }
    infos
}

fn redact_value(value: &mut ValueInfo, written: &BTreeMap<String, String>, resolved: &Resolved) {
    let is_secret = resolved.replaced.contains(&value.name);
    for error in &mut value.errors {
        *error = resolved.redactor.redact(error);
        let secret = resolved
            .settings
            .get(&value.name)
            .filter(|secret| !secret.is_empty());
        if let (true, Some(secret), Some(text)) = (is_secret, secret, written.get(&value.name))
            && !error.contains(text.as_str())
        {
            // However short it is: here it is known what is said about it.
            *error = error.replace(secret.as_str(), text);
        }
    }
    if let (true, Some(shown)) = (is_secret, value.value.as_mut())
        && shown != ferrovia_pipeline::config::Password::HIDDEN
    {
        *shown = written.get(&value.name).cloned().unwrap_or_default();
    }
}
