//! The way of calls and replies between memberships and the coordinator, on which a part of them is lost.

use std::time::Duration;

use ferrovia_client::group::cohort::{Call, Reply, RequestFailure, Ticket as Question};

use super::World;
use super::coordinator::{Asked, Request, Response, replies};
use super::process::{REQUEST_TIMEOUT, Task};
use super::trouble::{Event, MemberEvent};

impl World {
    /// Makes a membership's call.
    pub(super) fn call(&mut self, place: usize, call: Call) {
        match call {
            Call::FindCoordinator(question) => {
                let delay = self.delay(1..100, 1_000..4_000);
                let is_cut = self.processes[place].is_cut_from_group;
                let event = if is_cut || self.unlucky() {
                    MemberEvent::FindFailed(question)
                } else {
                    MemberEvent::Found(question, self.broker)
                };
                self.schedule(delay, place, Event::Member(event));
            }
            Call::ForgetCoordinator => {}
            Call::Join {
                ticket, request, ..
            } => {
                self.processes[place].joins.push(self.now);
                self.check_joins(place);
                self.send(place, ticket, Request::Join(request));
            }
            Call::Sync(ticket, request) => self.send(place, ticket, Request::Sync(request)),
            Call::Heartbeat(ticket, request) => {
                self.send(place, ticket, Request::Heartbeat(request));
            }
            Call::Leave(ticket, request) => self.send(place, ticket, Request::Leave(request)),
        }
    }

    fn send(&mut self, place: usize, question: Question, request: Request) {
        let call = self.sequence;
        let process = &self.processes[place];
        let (life, broker) = (process.life, process.broker);
        self.calls.insert(call, (place, life, question));
        if self.processes[place].is_cut_from_group {
            let lost = MemberEvent::Answered(call, Err(RequestFailure::Lost));
            return self.schedule(REQUEST_TIMEOUT, place, Event::Member(lost));
        }
        let delay = self.millis(1..60);
        let event = if self.unlucky() {
            Event::Member(MemberEvent::Answered(call, Err(RequestFailure::Lost)))
        } else {
            Event::Arrives(call, broker, request)
        };
        self.schedule(delay, place, event);
    }

    pub(super) fn arrives(&mut self, call: Asked, broker: u32, request: Request) {
        if broker == self.broker {
            self.coordinator.handle(call, request, self.now);
        } else {
            self.coordinator.not_coordinator(call, &request);
        }
    }

    /// Sends off what the coordinator answered; a part of it never arrives.
    pub(super) fn deliver(&mut self) {
        for (call, response) in std::mem::take(&mut self.coordinator.out) {
            let Some((place, life, _)) = self.calls.get(&call).copied() else {
                continue;
            };
            let process = &self.processes[place];
            if process.life != life {
                continue;
            }
            let is_lost = process.is_cut_from_group || self.unlucky();
            let answer = match is_lost {
                true => Err(RequestFailure::Lost),
                false => Ok(response),
            };
            let delay = self.millis(1..60);
            let answered = MemberEvent::Answered(call, answer);
            self.schedule(delay, place, Event::Member(answered));
        }
    }

    pub(super) fn member_event(&mut self, place: usize, event: MemberEvent) {
        let at = self.member_moment();
        let process = &mut self.processes[place];
        if !process.has_joined {
            return;
        }
        let member = &mut process.member;
        let mut wants = member.on_time(at);
        let is_wake = matches!(event, MemberEvent::Wake);
        match event {
            MemberEvent::Wake => {}
            MemberEvent::Found(question, broker) => {
                process.broker = broker;
                wants.extend(member.on_reply(Reply::Coordinator(question, Ok(())), at));
            }
            MemberEvent::FindFailed(question) => {
                let failed = Reply::Coordinator(question, Err(RequestFailure::Lost));
                wants.extend(member.on_reply(failed, at));
            }
            MemberEvent::Disconnected => wants.extend(member.on_disconnected(at)),
            MemberEvent::Answered(call, answer) => {
                let known = self.calls.remove(&call);
                if let Some((_, _, question)) = known {
                    for reply in replies(question, answer) {
                        wants.extend(member.on_reply(reply, at));
                    }
                }
            }
        }
        self.satisfy(place, wants);
        let next = self.processes[place].deadline(Task::Member);
        let is_later = next.is_none_or(|next| next > self.now);
        assert!(
            is_later || !is_wake,
            "seed {}: the membership spins",
            self.seed
        );
    }

    /// Another broker coordinates the group from now on.
    pub(super) fn move_coordinator(&mut self) {
        self.broker += 1;
        let loading = self.millis(0..1_500);
        self.coordinator.fail_over(self.now, loading);
        for (call, (place, life, _)) in self.calls.clone() {
            if self.processes[place].life == life {
                let delay: Duration = self.millis(0..500);
                let lost = MemberEvent::Answered(call, Err(RequestFailure::Lost));
                self.schedule(delay, place, Event::Member(lost));
            }
        }
    }
}

/// The answer to a call, or why there is none.
pub(super) type Answer = Result<Response, RequestFailure>;
