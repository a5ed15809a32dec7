//! Finds variables in texts: `${provider:path:key}` or `${provider:key}`.
//!
//! # Source
//! `ConfigTransformer.DEFAULT_PATTERN`: `\$\{([^}]*?):(([^}]*?):)?([^}]*?)\}`. Whatever is between the braces and has a
//! colon is a variable; the first two colons divide it.

/// Where a value is to be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Variable<'a> {
    /// The name of the provider.
    pub(super) provider: &'a str,
    /// Where the provider looks; may be empty.
    pub(super) path: &'a str,
    /// What it looks for; may have colons.
    pub(super) key: &'a str,
}

/// A part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// What stays.
    Text(&'a str),
    /// A variable, as written and taken apart.
    Variable(&'a str, Variable<'a>),
}

/// The parts of a text, which together are the text.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    let mut next: Option<Piece<'_>> = None;
    std::iter::from_fn(move || {
        if let Some(variable) = next.take() {
            return Some(variable);
        }
        if rest.is_empty() {
            return None;
        }
        let Some((before, whole, variable, after)) = first_variable(rest) else {
            return Some(Piece::Text(std::mem::take(&mut rest)));
        };
        rest = after;
        next = Some(Piece::Variable(whole, variable));
        if before.is_empty() {
            next.take()
        } else {
            Some(Piece::Text(before))
        }
    })
}

/// The text before the first variable, the variable, and the text behind it.
fn first_variable(text: &str) -> Option<(&str, &str, Variable<'_>, &str)> {
    let mut from = 0;
    loop {
        let start = from + text.get(from..)?.find("${")?;
        let inner = text.get(start + 2..)?;
        let length = inner.find('}')?;
        let (content, after) = inner.split_at_checked(length)?;
        if let Some(variable) = divide(content) {
            let end = start + 2 + length + 1;
            return Some((
                text.get(..start)?,
                text.get(start..end)?,
                variable,
                after.get(1..)?,
            ));
        }
        from = start + 2;
    }
}

fn divide(content: &str) -> Option<Variable<'_>> {
    let (provider, rest) = content.split_once(':')?;
    let (path, key) = rest.split_once(':').unwrap_or(("", rest));
    Some(Variable {
        provider,
        path,
        key,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, &str, &str)]) {
        let all: Vec<Piece<'_>> = pieces(text).collect();
        let whole: String = all
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) | Piece::Variable(text, _) => *text,
            })
            .collect();
        assert_eq!(whole, text);
        let found: Vec<_> = all
            .iter()
            .filter_map(|piece| match piece {
                Piece::Variable(_, v) => Some((v.provider, v.path, v.key)),
                Piece::Text(_) => None,
            })
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn variables_are_found_as_javas_expression_finds_them() {
        check("", &[]);
        check("plain ${} ${x} {a:b}", &[]);
        check("${a:b}", &[("a", "", "b")]);
        check("${a:b:c}", &[("a", "b", "c")]);
        check("${a:b:c:d}", &[("a", "b", "c:d")]);
        check("${::}", &[("", "", "")]);
        check("${a::c}", &[("a", "", "c")]);
        check("x${a:b}y${c:d:e}z", &[("a", "", "b"), ("c", "d", "e")]);
        check("$${a:b}}", &[("a", "", "b")]);
        check("${a${b:c}", &[("a${b", "", "c")]);
        check("${no}${a:b}", &[("a", "", "b")]);
        check("${a:b", &[]);
        check("${a:\nb}", &[("a", "", "\nb")]);
        check("ä${ö:ü}", &[("ö", "", "ü")]);
    }

    proptest::proptest! {
        #[test]
        fn pieces_are_the_text(text in "[${}:ab]{0,40}") {
            let whole: String = pieces(&text).map(|piece| match piece {
                Piece::Text(text) | Piece::Variable(text, _) => text,
            }).collect();
            proptest::prop_assert_eq!(whole, text);
        }
    }
}
