//! Guesses what a key was meant to be that nothing knows.

/// Changes that a misspelt key may be away from the right one.
const DISTANCE_MAX: usize = 2;

/// The known key that `key` was probably meant to be: at most two letters were added, left out, changed or swapped with
/// their neighbour, and most of the key is right. The nearest one, then the first.
pub fn suggestion<'a>(key: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = key.chars().count();
    let near = known.into_iter().filter_map(|candidate| {
        let difference = candidate.chars().count().abs_diff(length);
        let distance = (difference <= DISTANCE_MAX).then(|| distance(key, candidate))?;
        (distance > 0 && distance <= DISTANCE_MAX && distance * 3 < length)
            .then_some((distance, candidate))
    });
    near.min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Letters that are added, left out, changed or swapped with their neighbour from one text to the other.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    // Distances from the beginnings of `left` that are one and two letters shorter to all beginnings of `right`.
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    let mut last_letter = None;
    for (at, letter) in left.chars().enumerate() {
        let mut next = vec![at + 1];
        for (column, &other) in right.iter().enumerate() {
            let cell =
                |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
            let changed = cell(&row, column) + usize::from(letter != other);
            let added = cell(&next, column) + 1;
            let left_out = cell(&row, column + 1) + 1;
            let mut least = changed.min(added).min(left_out);
            let swapped = column.checked_sub(1).filter(|&previous| {
                last_letter == Some(other) && right.get(previous) == Some(&letter)
            });
            if let Some(previous) = swapped {
                least = least.min(cell(&before, previous) + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
        last_letter = Some(letter);
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_key_is_suggested() {
        let known = [
            "tasks.max",
            "topics",
            "topics.regex",
            "file",
            "errors.tolerance",
        ];
        let cases = [
            ("task.max", Some("tasks.max")),
            ("tasks.mxa", Some("tasks.max")),
            ("topic", Some("topics")),
            ("topcis", Some("topics")),
            ("error.tolerence", Some("errors.tolerance")),
            ("filee", Some("file")),
            ("tasks.max", None),
            ("id", None),
            ("fi", None),
            ("something.else", None),
        ];
        for (key, expected) in cases {
            assert_eq!(suggestion(key, known), expected, "{key}");
        }
    }
}
