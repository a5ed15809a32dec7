//! The way of requests and answers between processes and coordinator, on which a part of them is lost.

use kafka_protocol::messages::{
    HeartbeatResponse, JoinGroupResponse, LeaveGroupResponse, SyncGroupResponse,
};

use super::model::{Call, Request, Response};
use super::{Action, ErrorCode, Event, Moment, RequestFailure, Ticket, World};

impl World {
    pub(super) fn send(&mut self, place: usize, ticket: Ticket, request: Request) {
        let call = self.sequence;
        let process = &self.processes[place];
        let (life, broker) = (process.life, process.coordinator);
        self.calls.insert(call, (place, life, ticket));
        let delay = self.millis(1..60);
        let event = if self.unlucky() {
            Event::Answered(call, Err(RequestFailure::Lost))
        } else {
            Event::Arrives(call, broker, request)
        };
        self.schedule(delay, place, event);
    }

    pub(super) fn arrives(&mut self, call: Call, broker: u32, request: Request) {
        if broker == self.broker {
            return self.model.handle(call, request, self.now);
        }
        let code = ErrorCode::NOT_COORDINATOR.0;
        let response = match request {
            Request::Join(_) => Response::Join(JoinGroupResponse::default().with_error_code(code)),
            Request::Sync(_) => Response::Sync(SyncGroupResponse::default().with_error_code(code)),
            Request::Heartbeat(_) => {
                Response::Heartbeat(HeartbeatResponse::default().with_error_code(code))
            }
            Request::Leave(_) => {
                Response::Leave(LeaveGroupResponse::default().with_error_code(code))
            }
        };
        self.model.out.push((call, response));
    }

    /// Sends off what the coordinator answered; a part of it never arrives.
    pub(super) fn deliver(&mut self) {
        for (call, response) in std::mem::take(&mut self.model.out) {
            let Some((place, ..)) = self.calls.get(&call).copied() else {
                continue;
            };
            let answer = if self.unlucky() {
                Err(RequestFailure::Lost)
            } else {
                Ok(response)
            };
            let delay = self.millis(1..60);
            self.schedule(delay, place, Event::Answered(call, answer));
        }
    }

    pub(super) fn answered(
        &mut self,
        call: Call,
        answer: Result<Response, RequestFailure>,
        at: Moment,
    ) -> Vec<Action> {
        let Some((place, life, ticket)) = self.calls.remove(&call) else {
            return Vec::new();
        };
        let process = &mut self.processes[place];
        if process.life != life {
            return Vec::new();
        }
        let mut actions = process.member.on_time(at);
        actions.extend(match answer {
            Ok(Response::Join(response)) => process.member.on_joined(ticket, Ok(response), at),
            Ok(Response::Sync(response)) => process.member.on_synced(ticket, Ok(response), at),
            Ok(Response::Heartbeat(response)) => {
                process.member.on_heartbeat(ticket, Ok(response), at)
            }
            Ok(Response::Leave(response)) => process.member.on_left(ticket, Ok(response)),
            // Only the call the ticket belongs to takes notice.
            Err(failure) => {
                let mut actions = process.member.on_joined(ticket, Err(failure.clone()), at);
                actions.extend(process.member.on_synced(ticket, Err(failure.clone()), at));
                actions.extend(process.member.on_heartbeat(ticket, Err(failure), at));
                actions
            }
        });
        actions
    }

    pub(super) fn move_coordinator(&mut self) {
        self.broker += 1;
        let loading = self.millis(0..1_500);
        self.model.fail_over(self.now, loading);
        for (call, (place, ..)) in self.calls.clone() {
            let delay = self.millis(0..500);
            self.schedule(
                delay,
                place,
                Event::Answered(call, Err(RequestFailure::Lost)),
            );
        }
    }
}
