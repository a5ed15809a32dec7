//! `ReplaceField`: keeps some fields, and renames some.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{
    ConfigDef, ConfigError, ConfigKey, ConfigType, ConfigValue, Importance, Validator,
};
use crate::data::validate::validate_field;
use crate::data::{Map, Record, Schema, SchemaBuilder, Struct, Value};
use crate::error::ConnectError;
use crate::transform::mapping::split_mapping;
use crate::transform::replace_null::{REPLACE_NULL_WITH_DEFAULT, replace_null_with_default};
use crate::transform::requirements::{basics_of, carried, require_map_mut, take_struct};
use crate::transform::schema_cache::SchemaCache;
use crate::transform::side::Side;
use crate::transform::{Fate, Scope, Transformation};

const PURPOSE: &str = "field replacement";

pub(super) fn config() -> ConfigDef {
    let no_items: [&str; 0] = [];
    let list = |name: &'static str, doc: &'static str, validator: Validator| {
        ConfigKey::with_default(name, ConfigType::List, no_items)
            .validator(validator)
            .importance(Importance::Medium)
            .doc(doc)
    };
    let any = Validator::List {
        allow_empty: true,
        allow_null: false,
    };
    ConfigDef::new()
        .define(list(
            "exclude",
            "Fields to exclude. This takes precedence over the fields to include.",
            any,
        ))
        .define(list(
            "include",
            "Fields to include. If specified, only these fields will be used.",
            any,
        ))
        .define(list(
            "renames",
            "Field rename mappings.",
            Validator::Rule(check_renames),
        ))
        .define(replace_null_with_default())
}

fn check_renames(_: &str, value: Option<&ConfigValue>) -> Result<(), ConfigError> {
    match value {
        Some(ConfigValue::List(mappings)) => parse_renames(mappings).map(|_| ()),
        _ => Ok(()),
    }
}

/// What is renamed to what, the last mapping of a name being the one that counts.
fn parse_renames(mappings: &[String]) -> Result<BTreeMap<String, String>, ConfigError> {
    let mut renames = BTreeMap::new();
    for mapping in mappings {
        let [from, to] = split_mapping(mapping)[..] else {
            let shown = format!("[{}]", mappings.join(", "));
            let reason = format!("Invalid rename mapping: {mapping}");
            return Err(ConfigError::invalid("renames", shown, reason));
        };
        renames.insert(from.to_owned(), to.to_owned());
    }
    Ok(renames)
}

pub(super) fn new(
    side: Side,
    settings: &BTreeMap<String, String>,
) -> Result<ReplaceField, ConnectError> {
    let config = config().parse(settings)?;
    let set = |key: &str| config.list(key).iter().cloned().collect();
    let renames = parse_renames(config.list("renames"))?;
    let targets: BTreeSet<&String> = renames.values().collect();
    let is_chained = targets.iter().any(|to| renames.contains_key(*to));
    Ok(ReplaceField {
        side,
        fields: FieldChoice {
            are_apart: targets.len() == renames.len() && !is_chained,
            exclude: set("exclude"),
            include: set("include"),
            renames,
        },
        with_default: config.boolean(REPLACE_NULL_WITH_DEFAULT)?,
        schemas: SchemaCache::new(),
    })
}

#[derive(Debug)]
pub(super) struct ReplaceField {
    side: Side,
    fields: FieldChoice,
    with_default: bool,
    schemas: SchemaCache<Replacement>,
}

/// Which fields are kept, and under which names.
#[derive(Debug)]
struct FieldChoice {
    exclude: BTreeSet<String>,
    include: BTreeSet<String>,
    renames: BTreeMap<String, String>,
    /// Whether no two fields get the same name, and no new name is renamed itself.
    are_apart: bool,
}

/// What becomes of structs of one schema.
#[derive(Debug)]
struct Replacement {
    schema: Schema,
    /// The field of the old struct that each field of the new one is read from; the name if there is none such.
    sources: Vec<Result<usize, String>>,
    /// Whether a field is read from one of another schema: its new name was that of a field that is left out.
    is_crossed: bool,
}

impl Transformation for ReplaceField {
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Fate, ConnectError> {
        let whole = self.side.of_mut(record);
        if whole.value.is_null() {
            return Ok(Fate::Kept);
        }
        if whole.schema.is_some() {
            let structure = take_struct(&mut whole.value, PURPOSE)?;
            let replaced = self.replace_struct(structure)?;
            whole.schema = Some(replaced.schema().clone());
            whole.value = Value::Struct(replaced);
        } else {
            self.fields
                .replace_map(require_map_mut(&mut whole.value, PURPOSE)?);
        }
        Ok(Fate::Kept)
    }

    fn scope(&self) -> Scope {
        self.side.scope()
    }
}

impl ReplaceField {
    fn replace_struct<'a>(&mut self, structure: Struct<'a>) -> Result<Struct<'a>, ConnectError> {
        let choice = &self.fields;
        let (schema, mut values) = structure.into_parts();
        let plan = self
            .schemas
            .get_or_make(&schema, |schema| Replacement::new(choice, schema))?;
        let mut replaced = Vec::with_capacity(plan.sources.len());
        for (field, source) in plan.schema.fields().iter().zip(&plan.sources) {
            let index = source
                .as_ref()
                .map_err(|name| ConnectError::data(format!("{name} is not a valid field name")))?;
            let value = values
                .get_mut(*index)
                .map_or(Value::Null, |value| std::mem::replace(value, Value::Null));
            let value = carried(field, value, self.with_default)?;
            if plan.is_crossed {
                validate_field(&field.name, &field.schema, &value)?;
            }
            replaced.push(value);
        }
        Ok(Struct::with_values(plan.schema.clone(), replaced))
    }
}

impl FieldChoice {
    fn keeps(&self, field: &str) -> bool {
        !self.exclude.contains(field) && (self.include.is_empty() || self.include.contains(field))
    }

    fn renamed<'f>(&'f self, field: &'f str) -> &'f str {
        self.renames.get(field).map_or(field, String::as_str)
    }

    /// The name that Java takes a new name back to. Where several fields get one name, that is the one which its hash
    /// table shows last.
    fn original<'f>(&'f self, field: &'f str, reversed: &'f Map<'_>) -> &'f str {
        match reversed.get(field) {
            Some(Value::String(name)) => name,
            _ => field,
        }
    }

    fn reversed(&self) -> Map<'_> {
        let mut renames = Map::new();
        for (from, to) in &self.renames {
            renames.put(from.as_str(), Value::text(to));
        }
        let mut reversed = Map::new();
        for (from, to) in renames.into_entries() {
            reversed.insert(to, from);
        }
        reversed
    }

    fn replace_map(&self, map: &mut Map<'_>) {
        let size = map.len();
        if self.include.is_empty() {
            // Looking for few names is quicker than asking of every field whether it is one of them.
            for field in &self.exclude {
                map.remove(field);
            }
        } else {
            map.retain_texts(|field| self.keeps(field));
        }
        let is_renamed = |(from, _): &(&String, &String)| map.contains_key(from);
        let mut renames = self.renames.iter().filter(is_renamed).peekable();
        if renames.peek().is_none() {
            return map.become_table_of(size);
        }
        if !self.are_apart || renames.any(|(_, to)| map.contains_key(to)) {
            // A new name is taken: what is put last counts, as in a map that is filled anew.
            return self.rename_anew(map, size);
        }
        map.become_table_with_renamed(size, &self.renames);
    }

    fn rename_anew(&self, map: &mut Map<'_>, size: usize) {
        let mut renamed = Map::with_capacity(size);
        for (key, value) in std::mem::take(map).into_entries() {
            match key {
                Value::String(name) => {
                    let to = self.renames.get(&*name).cloned();
                    renamed.insert(Value::String(to.map_or(name, Into::into)), value);
                }
                other => {
                    renamed.insert(other, value);
                }
            }
        }
        *map = renamed;
    }
}

impl Replacement {
    fn new(choice: &FieldChoice, schema: &Schema) -> Result<Self, ConnectError> {
        let reversed = choice.reversed();
        let mut builder = basics_of(schema, SchemaBuilder::structure());
        let mut sources = Vec::new();
        let mut is_crossed = false;
        for field in schema
            .fields()
            .iter()
            .filter(|field| choice.keeps(&field.name))
        {
            let name = choice.renamed(&field.name);
            builder = builder.field(name, field.schema.clone())?;
            let original = choice.original(name, &reversed);
            sources.push(match schema.field(original) {
                Some(source) => {
                    is_crossed |= source.schema != field.schema;
                    Ok(source.index)
                }
                None => Err(original.to_owned()),
            });
        }
        Ok(Self {
            schema: builder.build(),
            sources,
            is_crossed,
        })
    }
}
