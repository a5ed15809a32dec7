//! Ranges of plugin versions: `4.2.0` for exactly this one, `[4.0,5.0)` for all between.
//!
//! # Source
//! KIP-891; `org.apache.maven.artifact.versioning.VersionRange` and `PluginUtils.connectorVersionRequirement`

use std::cmp::Ordering;
use std::fmt;

/// A text that is no range, in Maven's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct VersionSpecError(String);

/// Versions between bounds, each of which may be open.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Span {
    lower: Option<String>,
    includes_lower: bool,
    upper: Option<String>,
    includes_upper: bool,
}

/// The versions that a user accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionRange(Vec<Span>);

impl VersionRange {
    /// Reads what a user asks for; `None` where any version will do.
    ///
    /// # Errors
    /// The text is no range.
    pub fn parse(text: Option<&str>) -> Result<Option<Self>, VersionSpecError> {
        let Some(text) = text.filter(|text| *text != "latest") else {
            return Ok(None);
        };
        let text = text.trim();
        match Self::spans(text)? {
            Some(range) => Ok(Some(range)),
            None => Self::spans(&format!("[{text}]")),
        }
    }

    /// Whether a version is in the range.
    pub fn contains(&self, version: &str) -> bool {
        self.0.iter().any(|span| span.contains(version))
    }

    /// The spans of a specification; `None` for one that has no brackets.
    fn spans(spec: &str) -> Result<Option<Self>, VersionSpecError> {
        let fault = |text: &str| VersionSpecError(format!("{text}: {spec}"));
        let mut spans: Vec<Span> = Vec::new();
        let mut rest = spec;
        while rest.starts_with(['[', '(']) {
            let end = rest
                .find([')', ']'])
                .ok_or_else(|| fault("Unbounded range"))?;
            let (text, after) = rest.split_at_checked(end + 1).unwrap_or((rest, ""));
            let span = Span::parse(text)?;
            if let Some(last) = spans.last().and_then(|span| span.upper.as_deref()) {
                let begins_after = span
                    .lower
                    .as_deref()
                    .is_some_and(|lower| order(lower, last).is_ge());
                if !begins_after {
                    return Err(fault("Ranges overlap"));
                }
            }
            spans.push(span);
            rest = after.trim_start();
            rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
        }
        match (spans.is_empty(), rest.is_empty()) {
            (true, _) => Ok(None),
            (false, true) => Ok(Some(Self(spans))),
            (false, false) => Err(fault(
                "Only fully-qualified sets allowed in multiple set scenario",
            )),
        }
    }
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spans: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&spans.join(","))
    }
}

impl Span {
    fn parse(spec: &str) -> Result<Self, VersionSpecError> {
        let fault = |text: &str| VersionSpecError(format!("{text}: {spec}"));
        let (includes_lower, includes_upper) = (spec.starts_with('['), spec.ends_with(']'));
        let inner = spec
            .trim_start_matches(['[', '('])
            .trim_end_matches([')', ']'])
            .trim();
        let Some((lower, upper)) = inner.split_once(',') else {
            if !includes_lower || !includes_upper {
                return Err(fault("Single version must be surrounded by []"));
            }
            return Ok(Self {
                lower: Some(inner.to_owned()),
                includes_lower,
                upper: Some(inner.to_owned()),
                includes_upper,
            });
        };
        let (lower, upper) = (lower.trim(), upper.trim());
        if lower == upper {
            return Err(fault("Range cannot have identical boundaries"));
        }
        let bound = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        if !lower.is_empty() && !upper.is_empty() && order(upper, lower).is_lt() {
            return Err(fault("Range defies version ordering"));
        }
        Ok(Self {
            lower: bound(lower),
            includes_lower,
            upper: bound(upper),
            includes_upper,
        })
    }

    fn contains(&self, version: &str) -> bool {
        let is_above = self
            .lower
            .as_deref()
            .is_none_or(|lower| match order(version, lower) {
                Ordering::Greater => true,
                Ordering::Equal => self.includes_lower,
                Ordering::Less => false,
            });
        let is_below = self
            .upper
            .as_deref()
            .is_none_or(|upper| match order(version, upper) {
                Ordering::Less => true,
                Ordering::Equal => self.includes_upper,
                Ordering::Greater => false,
            });
        is_above && is_below
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |bound: &Option<String>| bound.clone().unwrap_or_default();
        let open = if self.includes_lower { '[' } else { '(' };
        let close = if self.includes_upper { ']' } else { ')' };
        write!(
            f,
            "{open}{},{}{close}",
            text(&self.lower),
            text(&self.upper)
        )
    }
}

/// Part by part: numbers by size, other texts by letters, and a number after any text, so that a release comes after
/// its candidates. Zeros at the end change nothing.
fn order(left: &str, right: &str) -> Ordering {
    let parts = |text: &str| -> Vec<String> {
        let mut parts: Vec<String> = text.split(['.', '-']).map(str::to_lowercase).collect();
        while parts
            .last()
            .is_some_and(|part| part == "0" || part.is_empty())
        {
            parts.pop();
        }
        parts
    };
    let (left, right) = (parts(left), parts(right));
    let longest = left.len().max(right.len());
    let part =
        |parts: &[String], at: usize| parts.get(at).cloned().unwrap_or_else(|| "0".to_owned());
    for at in 0..longest {
        let (a, b) = (part(&left, at), part(&right, at));
        let decided = match (a.parse::<u64>(), b.parse::<u64>()) {
            (Ok(a), Ok(b)) => a.cmp(&b),
            (Ok(_), Err(_)) => Ordering::Greater,
            (Err(_), Ok(_)) => Ordering::Less,
            (Err(_), Err(_)) => a.cmp(&b),
        };
        if decided.is_ne() {
            return decided;
        }
    }
    Ordering::Equal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> VersionRange {
        VersionRange::parse(Some(text)).unwrap().unwrap()
    }

    #[test]
    fn a_range_holds_what_is_between_its_bounds() {
        let cases = [
            ("4.2.0", "4.2.0", true),
            ("4.2", "4.2.0", true),
            ("4.2.0", "4.2.1", false),
            ("[4.0,5.0)", "4.2.0", true),
            ("[4.0,4.2.0)", "4.2.0", false),
            ("(,4.2.0]", "4.2.0", true),
            ("[4.3,)", "4.2.0", false),
            ("[1.0,2.0),[4.0,5.0]", "4.2.0", true),
            ("[4.10,5.0)", "4.9.0", false),
            ("(4.2.0-rc1,)", "4.2.0", true),
        ];
        for (text, version, expected) in cases {
            assert_eq!(range(text).contains(version), expected, "{text} {version}");
        }
        assert_eq!(VersionRange::parse(Some("latest")), Ok(None));
        assert_eq!(VersionRange::parse(None), Ok(None));
    }

    #[test]
    fn faults_are_told_in_mavens_words() {
        let cases = [
            ("[4.0", "Unbounded range: [4.0"),
            ("(4.0)", "Single version must be surrounded by []: (4.0)"),
            ("[1,1]", "Range cannot have identical boundaries: [1,1]"),
            ("[2,1]", "Range defies version ordering: [2,1]"),
            ("[1,3],[2,4]", "Ranges overlap: [1,3],[2,4]"),
        ];
        for (text, message) in cases {
            let error = VersionRange::parse(Some(text)).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn a_range_prints_as_in_java() {
        assert_eq!(range("3.0.0").to_string(), "[3.0.0,3.0.0]");
        assert_eq!(range("[4.0, 5.0)").to_string(), "[4.0,5.0)");
        assert_eq!(range("").to_string(), "[,]");
    }
}
