//! The schema that the items of a list have in common.
//!
//! # Source
//! `Values.SchemaMerger`

use crate::data::{Schema, SchemaAndValue, SchemaType};

/// What is known of the items until now.
#[derive(Debug, Default)]
pub(super) struct Merger {
    common: Option<Schema>,
    is_hopeless: bool,
}

impl Merger {
    pub(super) fn merge(&mut self, latest: &SchemaAndValue<'_>) {
        let Some(latest) = latest.schema.as_ref().filter(|_| !self.is_hopeless) else {
            return;
        };
        self.common = match &self.common {
            None => Some(latest.clone()),
            Some(previous) => merged(previous, latest).cloned(),
        };
        self.is_hopeless = self.common.is_none();
    }

    pub(super) fn common(self) -> Option<Schema> {
        self.common
    }
}

/// Numbers share the wider type; anything else must be of one type, of which the later schema counts.
fn merged<'s>(previous: &'s Schema, latest: &'s Schema) -> Option<&'s Schema> {
    let (old, new) = (previous.schema_type(), latest.schema_type());
    if old == new {
        return Some(latest);
    }
    let is_number = |kind: SchemaType| kind <= SchemaType::Float64;
    if !is_number(old) || !is_number(new) {
        return None;
    }
    Some(if new > old { latest } else { previous })
}
