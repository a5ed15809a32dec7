//! A membership's line to its coordinator: calls are made in tasks of their own, replies come back one by one.
//!
//! Each membership has a connection of its own: a broker answers a connection's requests one after the other and
//! holds JoinGroup back until all members have joined, so two members of one group must never share one.

use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::messages::LeaveGroupRequest;
use tokio::task::JoinSet;

use super::{Call, Reply, RequestFailure, Ticket};
use crate::ClientError;
use crate::budget::FramePool;
use crate::cluster::Cluster;
use crate::net::Connection;
use crate::wire::Api;

/// The connection to the coordinator, and what is under way on it.
pub(in crate::group) struct Line {
    group: Arc<str>,
    cluster: Cluster,
    connection: Option<Connection>,
    calls: JoinSet<Ended>,
}

/// How a call ended, before the line has taken notice.
enum Ended {
    Found(Ticket, Result<Connection, ClientError>),
    Replied(Reply),
}

/// What happened on the line.
pub(in crate::group) enum News {
    Reply(Reply),
    Disconnected,
}

impl Line {
    pub(in crate::group) fn new(group: Arc<str>, cluster: Cluster) -> Self {
        Self {
            group,
            cluster,
            connection: None,
            calls: JoinSet::new(),
        }
    }

    /// Starts a call.
    pub(in crate::group) fn start(&mut self, call: Call) {
        let limit = self.cluster.settings().request_timeout;
        match call {
            Call::FindCoordinator(ticket) => {
                let (cluster, group) = (self.cluster.clone(), Arc::clone(&self.group));
                self.calls
                    .spawn(async move { Ended::Found(ticket, connect(&cluster, &group).await) });
            }
            Call::ForgetCoordinator => {
                self.connection = None;
                self.cluster.forget_coordinator(&self.group);
            }
            Call::Join {
                ticket,
                request,
                timeout,
            } => self.send(request, timeout, move |answer| {
                Reply::Joined(ticket, answer)
            }),
            Call::Sync(ticket, request) => {
                self.send(request, limit, move |answer| Reply::Synced(ticket, answer));
            }
            Call::Heartbeat(ticket, request) => {
                self.send(request, limit, move |answer| {
                    Reply::Heartbeat(ticket, answer)
                });
            }
            Call::Leave(ticket, request) => self.leave(ticket, request, limit),
        }
    }

    /// Waits for the next news; for ever, if nothing is under way and there is no connection.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub(in crate::group) async fn next(&mut self) -> News {
        let ended = tokio::select! {
            Some(ended) = self.calls.join_next() => ended,
            () = disconnected(self.connection.as_ref()) => {
                self.connection = None;
                return News::Disconnected;
            }
        };
        match ended {
            Ok(Ended::Replied(reply)) => News::Reply(reply),
            Ok(Ended::Found(ticket, Ok(connection))) => {
                self.connection = Some(connection);
                News::Reply(Reply::Coordinator(ticket, Ok(())))
            }
            Ok(Ended::Found(ticket, Err(error))) => {
                tracing::debug!(group = &*self.group, %error, "no coordinator yet");
                News::Reply(Reply::Coordinator(ticket, Err(failure(&error))))
            }
            Err(_) => News::Disconnected,
        }
    }

    /// Leaves by another connection: a JoinGroup may be under way on this one, whose answer the broker holds back until
    /// the others have joined, and with it all that comes behind it.
    fn leave(&mut self, ticket: Ticket, request: LeaveGroupRequest, limit: Duration) {
        let (cluster, group) = (self.cluster.clone(), Arc::clone(&self.group));
        self.calls.spawn(async move {
            let answer = async {
                let connection = connect(&cluster, &group).await?;
                connection.call_within(request, limit).await
            };
            let answer = answer.await.map_err(|error| failure(&error));
            Ended::Replied(Reply::Left(ticket, answer))
        });
    }

    fn send<R: Api + 'static>(
        &mut self,
        request: R,
        timeout: Duration,
        reply: impl FnOnce(Result<R::Response, RequestFailure>) -> Reply + Send + 'static,
    ) {
        let connection = self.connection.clone();
        self.calls.spawn(async move {
            let answer = match connection {
                Some(connection) => connection.call_within(request, timeout).await,
                None => return Ended::Replied(reply(Err(RequestFailure::Lost))),
            };
            Ended::Replied(reply(answer.map_err(|error| failure(&error))))
        });
    }
}

async fn disconnected(connection: Option<&Connection>) {
    match connection {
        Some(connection) => connection.closed().await,
        None => std::future::pending().await,
    }
}

/// Finds the coordinator and opens a connection to it for this member alone.
async fn connect(cluster: &Cluster, group: &str) -> Result<Connection, ClientError> {
    let shared = cluster.coordinator(group).await?;
    let view = cluster.metadata();
    let mut brokers = view.brokers.values();
    let broker = brokers.find(|broker| *broker.address.to_string() == **shared.address());
    let Some(broker) = broker else {
        // The coordinator is newer than the metadata.
        cluster.request_refresh();
        cluster.forget_coordinator(group);
        return Err(ClientError::NoBroker {
            last: "the coordinator is not in the metadata".into(),
        });
    };
    Connection::connect(
        &broker.address,
        cluster.settings(),
        FramePool::new(IDLE_BUFFER_BYTES),
    )
    .await
}

fn failure(error: &ClientError) -> RequestFailure {
    match error {
        ClientError::Refused { code, .. } => RequestFailure::Refused(*code),
        ClientError::NoCommonVersion { .. } | ClientError::Encode { .. } => {
            RequestFailure::Unusable(error.to_string())
        }
        _ => RequestFailure::Lost,
    }
}

/// Answers to members are small: nothing worth keeping.
const IDLE_BUFFER_BYTES: usize = 0;
