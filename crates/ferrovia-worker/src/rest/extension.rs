//! Extensions of the REST interface: they see requests before the endpoints do.
//!
//! # Source
//! `ConnectRestExtension` of Kafka 4.2, as far as it filters requests

use std::fmt;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderMap, Method, Uri};
use axum::middleware::Next;
use axum::response::Response;

use super::basic_auth::{BasicAuth, CLASS as BASIC_AUTH};
use super::login::LoginError;
use crate::config::rest::RestConfig;

/// The part of a request that an extension sees.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a> {
    /// The method.
    pub method: &'a Method,
    /// Path and query.
    pub uri: &'a Uri,
    /// The headers.
    pub headers: &'a HeaderMap,
}

/// Looks at requests before the endpoints do. It is called for every request to an endpoint, on the control thread, and
/// must answer at once.
pub trait RestExtension: fmt::Debug + Send + Sync {
    /// Lets a request pass with `None`, or answers it.
    fn filter(&self, request: RequestHead<'_>) -> Option<Response>;

    /// Whether it lets only those pass who say who they are.
    fn authenticates(&self) -> bool {
        false
    }
}

/// An extension that is in use.
pub(super) type ActiveExtension = Arc<dyn RestExtension>;

/// Why an extension cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExtensionError {
    /// There is no such extension.
    #[error(
        "Invalid value {0} for configuration rest.extension.classes: Class {0} could not be found."
    )]
    Unknown(String),
    /// It cannot find out who may come in.
    #[error(transparent)]
    Login(#[from] LoginError),
}

/// The extensions that are configured, in order.
pub(super) fn configured(config: &RestConfig) -> Result<Vec<ActiveExtension>, ExtensionError> {
    let made = config.extensions.iter().map(|class| {
        if class == BASIC_AUTH {
            let extension: ActiveExtension = Arc::new(BasicAuth::new(config)?);
            Ok(extension)
        } else {
            Err(ExtensionError::Unknown(class.clone()))
        }
    });
    made.collect()
}

/// A layer that lets pass what all extensions let pass.
pub(super) fn ask_extensions(
    extensions: &[ActiveExtension],
) -> impl Fn(Request, Next) -> std::pin::Pin<Box<dyn Future<Output = Response> + Send>>
+ Clone
+ Send
+ Sync
+ 'static {
    let extensions: Arc<[ActiveExtension]> = extensions.into();
    move |request, next| {
        let extensions = Arc::clone(&extensions);
        Box::pin(async move {
            let head = RequestHead {
                method: request.method(),
                uri: request.uri(),
                headers: request.headers(),
            };
            let answer = extensions.iter().find_map(|each| each.filter(head));
            match answer {
                Some(answer) => answer,
                None => next.run(request).await,
            }
        })
    }
}
