//! The keys of records about tasks, which end with the task's number.

use crate::status::TaskId;

/// The task that a key names behind so many words, all joined by `-`: the connector's name may hold `-` too.
///
/// # Source
/// `KafkaConfigBackingStore.parseTaskId`, `KafkaStatusBackingStore.parseConnectorTaskId`: `String.split` forgets empty
/// words at the end, so `task-a-1-` names the task 1 of `a`.
pub(super) fn task_id(key: &str, words_before: usize) -> Option<TaskId> {
    let key = key.trim_end_matches('-');
    let rest = match words_before {
        1 => key.split_once('-')?.1,
        _ => key.split_once('-')?.1.split_once('-')?.1,
    };
    let (connector, number) = rest.rsplit_once('-')?;
    let number: i32 = number.parse().ok()?;
    Some(TaskId::new(connector, u32::try_from(number).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_is_behind_the_last_dash() {
        assert_eq!(task_id("task-a-1", 1), Some(TaskId::new("a", 1)));
        assert_eq!(task_id("task-a-b-12", 1), Some(TaskId::new("a-b", 12)));
        assert_eq!(task_id("task-a--1", 1), Some(TaskId::new("a-", 1)));
        assert_eq!(task_id("task-a-1--", 1), Some(TaskId::new("a", 1)));
        assert_eq!(task_id("status-task-a-b-0", 2), Some(TaskId::new("a-b", 0)));
        for key in ["task-a", "task-1", "task-a-x", "task-a-99999999999"] {
            assert_eq!(task_id(key, 1), None, "{key}");
        }
        assert_eq!(task_id("status-task-1", 2), None);
    }
}
