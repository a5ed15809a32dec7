//! `GET /openapi.json`: the description of this interface for programs, made of the table of endpoints.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};

use super::RestState;
use super::endpoints::{Audience, Endpoint, endpoints};
use super::error::Answer;
use super::root::VERSION;

/// The shapes of bodies.
const SCHEMAS: &str = include_str!("openapi/schemas.json");

pub(super) async fn document(State(_): State<RestState>) -> Answer {
    Ok(Json(description()).into_response())
}

fn description() -> Value {
    let mut paths = Map::new();
    for endpoint in endpoints() {
        let path = paths
            .entry(endpoint.path)
            .or_insert_with(|| Value::Object(Map::new()));
        if let Some(methods) = path.as_object_mut() {
            methods.insert(endpoint.method.to_owned(), operation(&endpoint));
        }
    }
    // The file is part of the program; a test reads it.
    let schemas: Value = serde_json::from_str(SCHEMAS).unwrap_or_default();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Kafka Connect REST API of Ferrovia",
            "version": VERSION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": schemas},
    })
}

fn operation(endpoint: &Endpoint) -> Value {
    let mut responses = Map::new();
    for (status, schema) in endpoint.answers {
        let mut response = json!({"description": "success"});
        if let (Some(schema), Some(response)) = (schema, response.as_object_mut()) {
            response.insert("content".to_owned(), content(schema));
        }
        responses.insert(status.to_string(), response);
    }
    let error = json!({"description": "error", "content": content("ErrorMessage")});
    responses.insert("default".to_owned(), error);
    let tag = match endpoint.audience {
        Audience::Users => "users",
        Audience::Admins => "admins",
        Audience::Workers => "workers",
    };
    let mut operation = json!({
        "summary": endpoint.summary,
        "tags": [tag],
        "parameters": parameters(endpoint),
        "responses": responses,
    });
    if let (Some(schema), Some(operation)) = (endpoint.body, operation.as_object_mut()) {
        let body = json!({"required": true, "content": content(schema)});
        operation.insert("requestBody".to_owned(), body);
    }
    operation
}

fn parameters(endpoint: &Endpoint) -> Vec<Value> {
    let in_path = endpoint.path.split('/').filter_map(|part| {
        let name = part.strip_prefix('{')?.strip_suffix('}')?;
        let kind = if name == "task" { "integer" } else { "string" };
        Some(json!({"name": name, "in": "path", "required": true, "schema": {"type": kind}}))
    });
    let in_query = endpoint.parameters.iter().map(|name| {
        let kind = match *name {
            "expand" => {
                json!({"type": "array", "items": {"type": "string", "enum": ["status", "info"]}})
            }
            "scope" => json!({"type": "string", "enum": ["worker", "cluster"]}),
            "version" => json!({"type": "string"}),
            _ => json!({"type": "boolean"}),
        };
        json!({"name": name, "in": "query", "required": false, "schema": kind})
    });
    in_path.chain(in_query).collect()
}

fn content(schema: &str) -> Value {
    json!({"application/json": {"schema": {"$ref": format!("#/components/schemas/{schema}")}}})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_described_and_every_name_explained() {
        let described = description();
        let paths = described["paths"].as_object().unwrap();
        let count: usize = paths
            .values()
            .map(|path| path.as_object().unwrap().len())
            .sum();
        assert_eq!(count, endpoints().len());
        for endpoint in endpoints() {
            assert!(!endpoint.answers.is_empty(), "{}", endpoint.path);
        }
        let schemas = described["components"]["schemas"].as_object().unwrap();
        let text = described.to_string();
        for reference in text.split("#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(schemas.contains_key(name), "{name}");
        }
        for name in schemas.keys() {
            assert!(
                text.contains(&format!("#/components/schemas/{name}\"")),
                "{name}"
            );
        }
    }
}
