//! Settings of the form `a:b`.

/// The parts of a text between colons. As Java's `String.split` does, empty parts at the end are left out, and a text
/// without a colon is one part even if it is empty.
pub(super) fn split_mapping(text: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = text.split(':').collect();
    if parts.len() > 1 {
        while parts.last().is_some_and(|part| part.is_empty()) {
            parts.pop();
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_parts_at_the_end_are_left_out() {
        let cases: [(&str, &[&str]); 7] = [
            ("a:b", &["a", "b"]),
            ("a", &["a"]),
            ("", &[""]),
            ("a:", &["a"]),
            (":b", &["", "b"]),
            (":", &[]),
            ("a:b:c", &["a", "b", "c"]),
        ];
        for (text, expected) in cases {
            assert_eq!(split_mapping(text), expected, "{text:?}");
        }
    }
}
