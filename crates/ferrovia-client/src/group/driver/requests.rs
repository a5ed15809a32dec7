//! The requests of a member: sent in tasks of their own, concluded in the driver's.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::messages::{
    HeartbeatResponse, JoinGroupResponse, LeaveGroupResponse, SyncGroupResponse,
};

use super::Driver;
use crate::ClientError;
use crate::budget::FramePool;
use crate::cluster::Cluster;
use crate::group::member::{Action, Moment, RequestFailure, Ticket};
use crate::net::Connection;
use crate::wire::Api;

/// How something the driver started ended.
pub(super) enum Outcome {
    Coordinator(Ticket, Result<Connection, ClientError>),
    Joined(Ticket, Result<JoinGroupResponse, RequestFailure>),
    Synced(Ticket, Result<SyncGroupResponse, RequestFailure>),
    Heartbeat(Ticket, Result<HeartbeatResponse, RequestFailure>),
    Left(Ticket, Result<LeaveGroupResponse, RequestFailure>),
    Revoked(Ticket),
}

impl Driver {
    /// Starts a request; actions of other kinds are none of this function's business.
    pub(super) fn request(&mut self, action: Action) {
        let timeout = self.cluster.settings().request_timeout;
        match action {
            Action::FindCoordinator(ticket) => {
                let (cluster, group) = (self.cluster.clone(), Arc::clone(&self.group));
                self.requests.spawn(async move {
                    Outcome::Coordinator(ticket, connect(&cluster, &group).await)
                });
            }
            Action::SendJoin {
                ticket,
                request,
                timeout,
            } => {
                let answer = self.call(request, timeout);
                self.requests
                    .spawn(async move { Outcome::Joined(ticket, answer.await) });
            }
            Action::SendSync(ticket, request) => {
                let answer = self.call(request, timeout);
                self.requests
                    .spawn(async move { Outcome::Synced(ticket, answer.await) });
            }
            Action::SendHeartbeat(ticket, request) => {
                let answer = self.call(request, timeout);
                self.requests
                    .spawn(async move { Outcome::Heartbeat(ticket, answer.await) });
            }
            Action::SendLeave(ticket, request) => {
                let answer = self.call(request, timeout);
                self.requests
                    .spawn(async move { Outcome::Left(ticket, answer.await) });
            }
            _ => {}
        }
    }

    /// Tells the member how something ended.
    pub(super) fn conclude(&mut self, outcome: Outcome, at: Moment) -> Vec<Action> {
        match outcome {
            Outcome::Coordinator(ticket, Ok(connection)) => {
                self.connection = Some(connection);
                self.member.on_coordinator(ticket, Ok(()), at)
            }
            Outcome::Coordinator(ticket, Err(error)) => {
                tracing::debug!(group = &*self.group, %error, "no coordinator yet");
                self.member.on_coordinator(ticket, Err(failure(&error)), at)
            }
            Outcome::Joined(ticket, answer) => self.member.on_joined(ticket, answer, at),
            Outcome::Synced(ticket, answer) => self.member.on_synced(ticket, answer, at),
            Outcome::Heartbeat(ticket, answer) => self.member.on_heartbeat(ticket, answer, at),
            Outcome::Left(ticket, answer) => self.member.on_left(ticket, answer),
            Outcome::Revoked(ticket) => self.member.on_revoked_done(ticket, at),
        }
    }

    fn call<R: Api + 'static>(
        &self,
        request: R,
        timeout: Duration,
    ) -> impl Future<Output = Result<R::Response, RequestFailure>> + Send + 'static {
        let connection = self.connection.clone();
        async move {
            let Some(connection) = connection else {
                return Err(RequestFailure::Lost);
            };
            let answer = connection.call_within(request, timeout).await;
            answer.map_err(|error| failure(&error))
        }
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
