//! The way of calls and replies between processes and coordinator, on which a part of them is lost.

use super::model::replies;
use super::{
    Action, Asked, Call, ErrorCode, Event, JOIN_LIMIT, Moment, REFUSAL_LIMIT, Request,
    RequestFailure, Response, Ticket, World,
};

impl World {
    pub(super) fn call(&mut self, place: usize, call: Call) {
        match call {
            Call::FindCoordinator(ticket) => {
                // Now and then for longer than the members' patience.
                let slow = self.now < super::TROUBLE && self.rng.u32(0..10) == 0;
                let delay = self.millis(if slow { 1_000..4_000 } else { 1..100 });
                let event = if self.unlucky() {
                    Event::FindFailed(ticket)
                } else {
                    Event::Found(ticket, self.broker)
                };
                self.schedule(delay, place, event);
            }
            Call::ForgetCoordinator => {}
            Call::Join {
                ticket, request, ..
            } => {
                let process = &mut self.processes[place];
                process.joins += 1;
                assert!(process.joins < JOIN_LIMIT, "seed {}: a loop", self.seed);
                self.send(place, ticket, Request::Join(request));
            }
            Call::Sync(ticket, request) => self.send(place, ticket, Request::Sync(request)),
            Call::Heartbeat(ticket, request) => {
                self.send(place, ticket, Request::Heartbeat(request));
            }
            Call::Leave(ticket, request) => self.send(place, ticket, Request::Leave(request)),
        }
    }

    fn send(&mut self, place: usize, ticket: Ticket, request: Request) {
        let call = self.sequence;
        let process = &self.processes[place];
        let (life, broker) = (process.life, process.broker);
        self.calls.insert(call, (place, life, ticket));
        let delay = self.millis(1..60);
        let event = if self.unlucky() {
            Event::Answered(call, Err(RequestFailure::Lost))
        } else {
            Event::Arrives(call, broker, request)
        };
        self.schedule(delay, place, event);
    }

    pub(super) fn arrives(&mut self, call: Asked, broker: u32, request: Request) {
        if broker != self.broker {
            return self.model.not_coordinator(call, &request);
        }
        let beat = match &request {
            Request::Heartbeat(request) => Some(request.generation_id),
            _ => None,
        };
        self.model.handle(call, request, self.now);
        let Some(generation) = beat else {
            return;
        };
        let refused = self.model.out.iter().any(|(answered, response)| {
            let code = match response {
                Response::Heartbeat(response) => ErrorCode(response.error_code),
                _ => ErrorCode::NONE,
            };
            let stale = [ErrorCode::UNKNOWN_MEMBER_ID, ErrorCode::ILLEGAL_GENERATION];
            *answered == call && stale.contains(&code)
        });
        if let Some((place, ..)) = self.calls.get(&call).filter(|_| refused) {
            self.count_refusal(*place, generation);
        }
    }

    fn count_refusal(&mut self, place: usize, generation: i32) {
        let refused = &mut self.processes[place].refused;
        let before = if refused.0 == generation {
            refused.1
        } else {
            0
        };
        *refused = (generation, before + 1);
        assert!(
            refused.1 <= REFUSAL_LIMIT,
            "seed {}: heartbeats of generation {generation} for ever",
            self.seed
        );
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
        call: Asked,
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
        replies(ticket, answer)
            .into_iter()
            .flat_map(|reply| process.member.on_reply(reply, at))
            .collect()
    }

    pub(super) fn move_coordinator(&mut self) {
        self.broker += 1;
        let loading = self.millis(0..1_500);
        self.model.fail_over(self.now, loading);
        for (call, (place, ..)) in self.calls.clone() {
            let delay = self.millis(0..500);
            let lost = Event::Answered(call, Err(RequestFailure::Lost));
            self.schedule(delay, place, lost);
        }
    }
}
