//! A herder whose answers a test writes. Tests only.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use super::handle::{HerderHandle, Request};
use super::request::{
    ActiveTopics, Change, ConnectorInfo, ConnectorKind, ConnectorOffset, ConnectorStatus,
    HerderError, Outcome,
};
use crate::status::{State, Status, TaskId};

/// The changes that were asked for, in order.
pub(crate) type Asked = Arc<Mutex<Vec<Change>>>;

/// A herder that answers changes by `answer` and knows nothing but the offset 3 of every connector. It lives as long as
/// its handle, within a `LocalSet`.
pub(crate) fn scripted(
    mut answer: impl FnMut(&Change) -> Result<Outcome, HerderError> + 'static,
) -> (HerderHandle, Asked) {
    let (handle, mut requests) = HerderHandle::channel();
    let asked = Asked::default();
    let seen = Arc::clone(&asked);
    tokio::task::spawn_local(async move {
        while let Some(request) = requests.recv().await {
            match request {
                Request::Change(change, reply) => {
                    let _ = reply.send(answer(&change));
                    seen.lock().unwrap().push(change);
                }
                Request::Topics(name, reply) => {
                    let _ = reply.send(ActiveTopics {
                        connector: name.into(),
                        topics: BTreeSet::from(["a".to_owned(), "b".to_owned()]),
                    });
                }
                Request::Offsets(name, reply) => {
                    let _ = reply.send(offsets(&name));
                }
                Request::IsReady(reply) => {
                    let _ = reply.send(true);
                }
                // Whoever asks anything else learns that the herder has ended.
                _ => (),
            }
        }
    });
    (handle, asked)
}

fn offsets(name: &str) -> Result<Vec<ConnectorOffset>, HerderError> {
    if name == "nope" {
        return Err(HerderError::NotFound(format!("Connector {name} not found")));
    }
    Ok(vec![ConnectorOffset {
        partition: serde_json::json!({"kafka_partition": 0, "kafka_topic": "t"}),
        offset: serde_json::json!({"kafka_offset": 3}),
    }])
}

/// A sink with one task.
pub(crate) fn sink(name: &str) -> ConnectorInfo {
    ConnectorInfo {
        name: name.into(),
        config: [("name".to_owned(), name.to_owned())].into(),
        tasks: vec![TaskId::new(name, 0)],
        kind: ConnectorKind::Sink,
    }
}

/// The same sink while it is restarted.
pub(crate) fn restarting(name: &str) -> ConnectorStatus {
    let status = Status {
        state: State::Restarting,
        worker_id: "w:1".into(),
        version: Some("4.2.0".into()),
        generation: 0,
        trace: String::new(),
    };
    ConnectorStatus {
        name: name.into(),
        connector: status.clone(),
        tasks: vec![(TaskId::new(name, 0), status)],
        kind: ConnectorKind::Sink,
    }
}
