//! JSON with comments, which Avro's parser takes.

use serde_json::Value as Json;

/// Reads JSON; comments count as blanks. Text behind the value is left alone, as Avro's parser leaves it.
pub(super) fn parse(text: &str) -> Result<Json, serde_json::Error> {
    let blanked = without_comments(text);
    let mut values = serde_json::Deserializer::from_str(&blanked).into_iter();
    values.next().unwrap_or(Ok(Json::Null))
}

/// Puts blanks where comments stand: `//` to the end of the line, and `/* */`. Lines keep their places.
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut is_quoted = false;
    while let Some(next) = rest.chars().next() {
        let comment = match (is_quoted, rest.get(..2)) {
            (false, Some("//")) => Some(rest.find('\n').unwrap_or(rest.len())),
            (false, Some("/*")) => {
                // The star that opens a comment does not close it.
                let inside = rest.get(2..).unwrap_or_default();
                Some(inside.find("*/").map_or(rest.len(), |end| end + 4))
            }
            _ => None,
        };
        let (taken, left) = match comment {
            Some(end) => rest.split_at(end),
            // An escaped quote does not end a text.
            None if is_quoted && next == '\\' => {
                let two = rest.char_indices().nth(2).map_or(rest.len(), |(at, _)| at);
                rest.split_at(two)
            }
            None => rest.split_at(next.len_utf8()),
        };
        if comment.is_some() {
            let blanks = taken.chars().map(|c| if c == '\n' { '\n' } else { ' ' });
            out.extend(blanks);
        } else {
            is_quoted ^= next == '"';
            out.push_str(taken);
        }
        rest = left;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_blanks_but_not_in_texts() {
        let text = "{ // a \"comment\"\n\"u\": \"http://x /* \\\" */\", /* b\n */ \"n\": 1 }";
        let read = parse(text).unwrap();
        assert_eq!(read["u"], "http://x /* \" */");
        assert_eq!(read["n"], 1);
        assert!(parse("// nothing").unwrap().is_null());
        assert!(parse("{ /* open").is_err());
        assert_eq!(parse("/*/ one comment */ 1").unwrap(), 1);
        assert_eq!(parse("/**/ 2").unwrap(), 2);
    }
}
