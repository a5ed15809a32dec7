//! The way of requests and answers between processes and coordinator, on which a part of them is lost.

use super::{Action, Asked, Call, Event, Moment, Request, RequestFailure, Response, Ticket, World};
use crate::group::cohort::model::replies;

impl World {
    pub(super) fn call(&mut self, place: usize, call: Call) {
        match call {
            Call::FindCoordinator(ticket) => {
                let delay = self.millis(1..100);
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
            } => self.send(place, ticket, Request::Join(request)),
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

    pub(super) fn arrives(&mut self, call: Asked, broker: u32, request: Request) {
        if broker == self.broker {
            return self.model.handle(call, request, self.now);
        }
        self.model.not_coordinator(call, &request);
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
        let mut actions = process.member.on_time(at);
        for reply in replies(ticket, answer) {
            actions.extend(process.member.on_reply(reply, at));
        }
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
