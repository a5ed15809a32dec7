//! Bodies of requests: JSON objects of settings, read as leniently as Java reads them.
//!
//! # Source
//! Jackson as Kafka 4.2 sets it up: numbers and booleans are taken as their text, `null` is kept, what follows the object
//! is ignored, and every fault is answered with status 500.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::error::ApiError;
use crate::herder::validation::GivenSettings;

/// The settings in a body; `None` for no body or `null`.
pub(super) fn settings(bytes: &[u8]) -> Result<Option<GivenSettings>, ApiError> {
    if bytes.trim_ascii().is_empty() {
        return Ok(None);
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let members = Option::<BTreeMap<String, &RawValue>>::deserialize(&mut reader)
        .map_err(|error| malformed(&error, bytes))?;
    let Some(members) = members else {
        return Ok(None);
    };
    let mut settings = GivenSettings::new();
    for (key, value) in members {
        let text = text(value.get()).map_err(|kind| nested(kind, &key, value.get(), bytes))?;
        settings.insert(key, text);
    }
    Ok(Some(settings))
}

/// Refuses a body that does not say it is JSON.
pub(super) fn check_content_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind = kind
        .and_then(|kind| kind.split(';').next())
        .unwrap_or_default()
        .trim();
    if kind.eq_ignore_ascii_case("application/json") {
        Ok(())
    } else {
        Err(ApiError::plain(StatusCode::UNSUPPORTED_MEDIA_TYPE))
    }
}

/// A value as a setting, or what it is where it cannot be one.
fn text(json: &str) -> Result<Option<String>, &'static str> {
    match json.as_bytes().first() {
        Some(b'{') => Err("Object"),
        Some(b'[') => Err("Array"),
        Some(b'n') => Ok(None),
        Some(b'"') => serde_json::from_str(json).map(Some).map_err(|_| "String"),
        _ => Ok(Some(json.to_owned())),
    }
}

fn nested(kind: &str, key: &str, value: &str, body: &[u8]) -> ApiError {
    // Where the value begins within the body; both are the same bytes.
    let offset = (value.as_ptr() as usize).saturating_sub(body.as_ptr() as usize);
    let token = kind.to_uppercase();
    ApiError::internal(format!(
        "Cannot deserialize value of type `java.lang.String` from {kind} value (token \
         `JsonToken.START_{token}`)\n{} (through reference chain: java.util.LinkedHashMap[\"{key}\"])",
        at(body, offset)
    ))
}

fn malformed(error: &serde_json::Error, body: &[u8]) -> ApiError {
    let map = "`java.util.LinkedHashMap<java.lang.String,java.lang.String>`";
    let first = body
        .iter()
        .position(|byte| !byte.is_ascii_whitespace())
        .unwrap_or_default();
    let (what, offset) = match (error.classify(), body.get(first)) {
        (Category::Eof, _) => (
            "Unexpected end-of-input within/between Object entries".to_owned(),
            body.len(),
        ),
        (Category::Data, Some(b'[')) => (
            format!(
                "Cannot deserialize value of type {map} from Array value (token `JsonToken.START_ARRAY`)"
            ),
            first,
        ),
        (Category::Data, _) => (format!("Cannot deserialize value of type {map}"), first),
        _ => {
            let what = error.to_string();
            let what = what
                .split(" at line ")
                .next()
                .unwrap_or_default()
                .to_owned();
            return ApiError::internal(format!(
                "{what}\n{}",
                location(error.line(), error.column())
            ));
        }
    };
    ApiError::internal(format!("{what}\n{}", at(body, offset)))
}

fn at(body: &[u8], offset: usize) -> String {
    let before = body.get(..offset).unwrap_or(body);
    let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
    let column = before
        .iter()
        .rev()
        .take_while(|&&byte| byte != b'\n')
        .count()
        + 1;
    location(line, column)
}

fn location(line: usize, column: usize) -> String {
    format!(
        " at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: \
         {line}, column: {column}]"
    )
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;

    fn refused(body: &str) -> String {
        let error = settings(body.as_bytes()).unwrap_err();
        let text = format!("{error:?}");
        assert_eq!(error.into_response().status(), 500);
        text
    }

    #[test]
    fn scalars_are_settings_and_null_is_kept() {
        let body = br#" {"a":1.50,"b":true,"c":null,"d":"x\n","d":"y"} rest"#;
        let read = settings(body).unwrap().unwrap();
        let text = |key: &str| read[key].clone();
        assert_eq!(text("a").as_deref(), Some("1.50"));
        assert_eq!(text("b").as_deref(), Some("true"));
        assert_eq!(text("c"), None);
        assert_eq!(text("d").as_deref(), Some("y"));
        assert_eq!(settings(b"").unwrap(), None);
        assert_eq!(settings(b" null ").unwrap(), None);
    }

    #[test]
    fn faults_are_told_as_jackson_tells_them() {
        let nested = refused(r#"{"a":{}}"#);
        assert!(
            nested.contains("(token `JsonToken.START_OBJECT`)"),
            "{nested}"
        );
        assert!(nested.contains("line: 1, column: 6]"), "{nested}");
        assert!(refused(r#"{"a":[1]}"#).contains("from Array value"));
        let list = refused("[]");
        assert!(
            list.contains("from Array value (token `JsonToken.START_ARRAY`)"),
            "{list}"
        );
        let cut = refused(r#"{"a":"#);
        assert!(
            cut.contains("Unexpected end-of-input within/between Object entries"),
            "{cut}"
        );
        assert!(!refused("x").is_empty());
    }
}
