//! Asks for the offsets of many groups.

use ferrovia_client::admin::groups::list_offsets;
use ferrovia_client::{ClientError, Cluster};
use tokio::task::JoinSet;

use super::plan::Offsets;

/// The offsets that each of `groups` has committed, or why they are not known. Several groups are asked about at a time.
pub(super) async fn offsets_of(
    cluster: &Cluster,
    groups: Vec<String>,
) -> Vec<(String, Result<Offsets, ClientError>)> {
    let mut waiting = groups.into_iter();
    let mut asked = JoinSet::new();
    let mut answers = Vec::new();
    let ask = |asked: &mut JoinSet<_>, group: String| {
        let cluster = cluster.clone();
        asked.spawn(async move {
            let offsets = list_offsets(&cluster, &group).await;
            (group, offsets)
        });
    };
    for group in waiting.by_ref().take(AT_ONCE) {
        ask(&mut asked, group);
    }
    while let Some(answer) = asked.join_next().await {
        answers.extend(answer);
        if let Some(group) = waiting.next() {
            ask(&mut asked, group);
        }
    }
    answers
}

/// Groups that are asked about at the same time.
const AT_ONCE: usize = 32;
