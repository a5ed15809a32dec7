//! The parameters of a request, read as Jersey reads them.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Query as Pairs};
use axum::http::request::Parts;

/// The parameters of a request. Of those with one name the first counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// The first value of a parameter.
    pub(super) fn first(&self, name: &str) -> Option<&str> {
        let mut named = self.0.iter().filter(|(known, _)| known == name);
        named.next().map(|(_, value)| value.as_str())
    }

    /// A switch: `true` in any case, anything else is off; an empty text is as good as none.
    pub(super) fn boolean(&self, name: &str) -> Option<bool> {
        let text = self.first(name)?.trim();
        (!text.is_empty()).then(|| text.eq_ignore_ascii_case("true"))
    }

    /// All values of a parameter, in order.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.0.iter().filter(move |(known, _)| known == name);
        named.map(|(_, value)| value.as_str())
    }
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Pairs::try_from_uri(&parts.uri)
            .map(|Pairs(pairs)| Self(pairs))
            .unwrap_or_default())
    }
}
