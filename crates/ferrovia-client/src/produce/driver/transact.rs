//! The part of the driver that keeps a transaction going.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::warn;

use super::{Call, Driver, Event, tell};
use crate::error::ClientError;
use crate::produce::error::ProduceError;
use crate::produce::transaction::driver::{Coordinator, Told};
use crate::produce::transaction::machine::{Machine, Protocol, Request};

/// A transaction machine with its coordinator and those who wait for it.
pub(in crate::produce) struct Transacting {
    pub(super) machine: Machine,
    coordinator: Coordinator,
    abandonment: Arc<Abandonment>,
    /// Waits until the producer is ready, or for the end of the transaction.
    call: Option<Call>,
    /// Waits to begin the next transaction.
    begin: Option<Call>,
}

/// Set when a transaction was dropped without an end.
#[derive(Debug, Default)]
pub(in crate::produce) struct Abandonment {
    is_set: AtomicBool,
    news: Notify,
}

impl Abandonment {
    /// Asks for the transaction to be aborted as soon as that can be.
    pub(in crate::produce) fn set(&self) {
        self.is_set.store(true, Ordering::SeqCst);
        self.news.notify_one();
    }
}

impl Transacting {
    /// Begins by asking for a producer id; `call` hears when there is one.
    pub(in crate::produce) fn new(
        machine: Machine,
        coordinator: Coordinator,
        abandonment: Arc<Abandonment>,
        call: Call,
    ) -> Self {
        Self {
            machine,
            coordinator,
            abandonment,
            call: Some(call),
            begin: None,
        }
    }

    pub(super) fn protocol(&self) -> Protocol {
        self.machine.protocol()
    }

    /// Waits until somebody drops a transaction.
    pub(super) async fn abandoned(this: Option<&Self>) {
        match this {
            Some(this) => this.abandonment.news.notified().await,
            None => std::future::pending().await,
        }
    }

    /// Begins a transaction, as soon as the one before is over.
    pub(super) fn begin(&mut self, call: Call) {
        self.begin = Some(call);
    }

    pub(super) fn end(&mut self, commits: bool, call: Call) {
        match self.machine.end(commits) {
            Ok(()) => self.call = Some(call),
            Err(error) => answer(Some(call), Err(error)),
        }
    }

    /// Gives calls that nobody waits for any more up, and tells the others what there is to tell.
    fn attend(&mut self) {
        if self.abandonment.is_set.load(Ordering::SeqCst) {
            if self.machine.is_open() {
                // An open transaction can always be aborted.
                let _aborting = self.machine.end(false);
            }
            if self.machine.is_at_rest() {
                self.abandonment.is_set.store(false, Ordering::SeqCst);
            }
        }
        if let Some(outcome) = self.machine.take_outcome() {
            answer(self.call.take(), outcome);
        }
        if self.machine.is_at_rest()
            && let Some(call) = self.begin.take()
            && !call.is_closed()
        {
            answer(Some(call), self.machine.begin());
        }
    }
}

impl Driver {
    /// Does what the transaction asks for at the moment.
    pub(super) fn transact(&mut self) {
        let Some(transacting) = &mut self.transacting else {
            return;
        };
        transacting.attend();
        if let Some(unwanted) = transacting.machine.unwanted() {
            let (error, with_sent_ones) = (unwanted.error, unwanted.with_sent_ones);
            for (batch, outcome) in self.window.drop_waiting(&error, with_sent_ones) {
                tell(batch, outcome);
            }
        }
        let has_batches = !self.window.is_empty();
        let request = transacting
            .machine
            .next_request(has_batches, Instant::now());
        if let Some(request) = request {
            let coordinator = transacting.coordinator.clone();
            self.work.spawn(async move {
                let told = coordinator.ask(&request).await;
                Event::Told(request, told)
            });
        }
        // A transaction that the coordinator never heard of has ended without a request.
        transacting.attend();
    }

    pub(super) fn take_reply(&mut self, request: &Request, outcome: Result<Told, ClientError>) {
        let Some(transacting) = &mut self.transacting else {
            return;
        };
        let reply = outcome.map(|(reply, offered)| {
            transacting.machine.on_offer(offered);
            reply
        });
        let consequence = transacting
            .machine
            .on_answer(request, reply, Instant::now());
        if consequence.forget_coordinator {
            transacting.coordinator.forget();
        }
        if let Some(error) = consequence.retry {
            let id = transacting.coordinator.transactional_id.as_ref();
            warn!(transactional_id = id, %error, "got an error from the transaction coordinator, retrying");
        }
        if let Some(identity) = consequence.start_over {
            self.window.start_over(identity);
        }
    }
}

fn answer(call: Option<Call>, outcome: Result<(), ProduceError>) {
    if let Some(call) = call {
        // Whoever asked may have stopped waiting.
        let _unheard = call.send(outcome);
    }
}
