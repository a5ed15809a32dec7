//! What the leader of the group does: it says who gets what, and makes the key that workers sign with.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ferrovia_client::group::cohort::{Candidate, Election};

use super::group::{Group, KeyState, Member, Owners};
use super::writes::Then;
use super::{Action, HerderMachine, Moment, Phase};
use crate::herder::request::{HerderError, Signature};
use crate::membership::assignor::{EagerAssignor, Generations, Member as Joined, Plan, Round};
use crate::membership::protocol::{Assignment, ConnectProtocol, WorkerState};
use crate::membership::readiness::{Readiness, readiness};
use crate::signature;

/// How long after a failure a new session key is tried to be written again.
const KEY_BACKOFF: Duration = Duration::from_secs(1);

impl HerderMachine {
    /// This member leads, and says what each member gets.
    pub fn on_assignments_wanted(&mut self, election: &Election, at: Moment) -> Vec<Action> {
        let config = self.config.snapshot();
        let configured = config.connectors().map(|name| {
            let tasks = config.tasks(name).len();
            (Arc::clone(name), u32::try_from(tasks).unwrap_or(u32::MAX))
        });
        let configured: BTreeMap<Arc<str>, u32> = configured.collect();
        if let Group::Member(member) = &mut self.group {
            let now_ms = i64::try_from(at.now.as_millis()).unwrap_or(i64::MAX);
            match member.divide(election, &configured, config.offset(), now_ms) {
                Ok(assignments) => self.actions.push(Action::Assign(assignments)),
                Err(reason) => self.actions.push(Action::Fail(reason)),
            }
        }
        self.finish(at)
    }

    /// Does what a leader has to do from time to time.
    pub(super) fn lead(&mut self, at: Moment) {
        let is_due = self.is_settled() && self.group.is_leader() && self.is_key_due(at);
        if let (true, Group::Member(member)) = (is_due, &mut self.group) {
            tracing::debug!("Distributing new session key");
            member.key = KeyState::Making;
            let ticket = self.ticket(Then::KeyWritten(at.now));
            self.actions.push(Action::MakeSessionKey(ticket));
        }
    }

    /// When a leader has to look at the key again. One that has not settled does so when it has, however late that is.
    pub(super) fn key_deadline(&self) -> Option<Duration> {
        let may_lead = self.group.is_leader() && self.is_settled() && self.phase < Phase::Stopping;
        match &self.group {
            Group::Member(member) if may_lead && member.current >= ConnectProtocol::Sessioned => {
                match member.key {
                    KeyState::Known => member.next_key_look,
                    KeyState::Making => None,
                    KeyState::Failed(until) => Some(until),
                }
            }
            _ => None,
        }
    }

    pub(super) fn check_leads(&self, reason: &str) -> Result<(), HerderError> {
        if self.group.is_leader() {
            return Ok(());
        }
        Err(HerderError::Elsewhere {
            reason: reason.to_owned(),
            url: self.group.leader_url(),
        })
    }

    /// Whether a request comes from a worker of this cluster.
    ///
    /// # Source
    /// KIP-507; `DistributedHerder.requestNotSignedProperly`
    pub(super) fn check_signature(&self, signed: &Signature) -> Result<(), HerderError> {
        let Group::Member(member) = &self.group else {
            return Ok(());
        };
        if member.current < ConnectProtocol::Sessioned {
            return Ok(());
        }
        let (Some(mac), Some(algorithm)) = (&signed.authorization, &signed.algorithm) else {
            let text = "Internal request missing required signature";
            return Err(HerderError::BadRequest(text.to_owned()));
        };
        let rules = &member.rules.signatures;
        let accepted = rules.verified.iter();
        let Some(accepted) = accepted.copied().find(|known| known.name() == algorithm) else {
            let names: Vec<&str> = rules.verified.iter().map(|known| known.name()).collect();
            return Err(HerderError::BadRequest(format!(
                "This worker does not support the '{algorithm}' key signing algorithm used by other workers. This \
                 worker is currently configured to use: [{}]. Check that all workers' configuration files permit the same \
                 set of signature algorithms, and correct any misconfigured worker and restart it.",
                names.join(", ")
            )));
        };
        let config = self.config.snapshot();
        let key = config.session_key().ok_or_else(|| {
            let text = "This worker is still starting up and has not been able to read a session key from the config \
                        topic yet";
            HerderError::Unavailable(text.to_owned())
        })?;
        if signature::verify(&key.key, accepted, &signed.body, mac) == Ok(true) {
            return Ok(());
        }
        let text = "Internal request contained invalid signature.";
        Err(HerderError::Forbidden(text.to_owned()))
    }

    pub(super) fn key_failed(&mut self, since: Duration, reason: &str) {
        tracing::info!("Failed to write new session key to config topic; trying again: {reason}");
        if let Group::Member(member) = &mut self.group {
            member.key = KeyState::Failed(since + KEY_BACKOFF);
        }
    }

    fn is_key_due(&mut self, at: Moment) -> bool {
        let Group::Member(member) = &mut self.group else {
            return false;
        };
        let is_free = match member.key {
            KeyState::Known => true,
            KeyState::Making => false,
            KeyState::Failed(until) => until <= at.now,
        };
        if !is_free || member.current < ConnectProtocol::Sessioned {
            return false;
        }
        let rules = &member.rules.signatures;
        let config = self.config.snapshot();
        let Some(key) = config.session_key() else {
            return true;
        };
        // A key that may grow 0 ms old is kept for ever, as in Java.
        let ttl = i64::try_from(rules.key_ttl.as_millis()).unwrap_or(i64::MAX);
        let expires = Some(key.created_ms.saturating_add(ttl)).filter(|_| ttl > 0);
        let left = expires.map(|expires| expires.saturating_sub(at.wall_ms));
        member.next_key_look = left
            .and_then(|left| u64::try_from(left).ok())
            .map(|left| at.now + Duration::from_millis(left));
        let has_expired = left.is_some_and(|left| left <= 0);
        let is_due = has_expired
            || *key.algorithm != *rules.key_algorithm.name()
            || key.key.len() != rules.key_bytes;
        if !is_due {
            // What seemed to fail may have been written all the same.
            member.key = KeyState::Known;
        }
        is_due
    }
}

impl Member {
    pub(super) fn divide(
        &mut self,
        election: &Election,
        configured: &BTreeMap<Arc<str>, u32>,
        known: i64,
        now_ms: i64,
    ) -> Result<Vec<(Arc<str>, Bytes)>, String> {
        let protocol = ConnectProtocol::from_name(&election.protocol)
            .ok_or_else(|| format!("the group chose the unknown protocol {}", election.protocol))?;
        let members: Vec<Joined> = election.members.iter().filter_map(joined).collect();
        let offsets = members.iter().map(|member| member.state.config_offset);
        let ready = readiness(offsets, known, Some(known));
        let config_offset = match ready {
            Readiness::Assign { config_offset } | Readiness::Mismatch { config_offset } => {
                config_offset
            }
            Readiness::Refresh => known,
        };
        let round = Round {
            protocol,
            leader: &election.leader_id,
            config_offset,
            configured,
            members: &members,
        };
        let plan = match ready {
            Readiness::Assign { .. } if protocol.is_cooperative() => {
                let generations = Generations {
                    current: election.generation,
                    last_completed: self.generation,
                };
                self.assignor.assign(&round, generations, now_ms)
            }
            Readiness::Assign { .. } => EagerAssignor.assign(&round),
            _ => Plan::mismatch(&round),
        };
        let plan = plan.map_err(|error| error.to_string())?;
        self.owners = Some(Owners::of(&plan, &members));
        // A member whose metadata cannot be read gets an assignment as well, so that it does not wait for one.
        let nothing = |id: &Arc<str>| (Arc::clone(id), nothing_of(&round));
        let rest = election.members.iter().map(|member| &member.member_id);
        let rest = rest
            .filter(|id| !plan.assignments.contains_key(*id))
            .map(nothing);
        let rest: Vec<_> = rest.collect();
        let all = plan.assignments.into_iter().chain(rest);
        all.map(|(id, assignment)| {
            let bytes = assignment.to_bytes(protocol);
            bytes
                .map(|bytes| (id, bytes))
                .map_err(|error| error.to_string())
        })
        .collect()
    }
}

impl Owners {
    fn of(plan: &Plan, members: &[Joined]) -> Self {
        let urls: BTreeMap<&Arc<str>, &Arc<str>> = members
            .iter()
            .map(|member| (&member.id, &member.state.url))
            .collect();
        let url = |id: &Arc<str>| urls.get(id).map(|url| Arc::clone(url));
        let connectors = plan.connector_owners.iter();
        let tasks = plan.task_owners.iter();
        Self {
            connectors: connectors
                .filter_map(|(name, id)| Some((Arc::clone(name), url(id)?)))
                .collect(),
            tasks: tasks
                .filter_map(|(task, id)| Some((task.clone(), url(id)?)))
                .collect(),
        }
    }
}

fn joined(candidate: &Candidate) -> Option<Joined> {
    match WorkerState::from_bytes(&candidate.metadata) {
        Ok(state) => Some(Joined {
            id: Arc::clone(&candidate.member_id),
            state,
        }),
        Err(error) => {
            let id = &candidate.member_id;
            tracing::warn!(
                "Member {id} gets no work, because its metadata cannot be read: {error}"
            );
            None
        }
    }
}

/// An assignment of nothing.
fn nothing_of(round: &Round<'_>) -> Assignment {
    let leader = round
        .members
        .iter()
        .find(|member| &*member.id == round.leader);
    Assignment {
        version: round.protocol.version(),
        error: Assignment::NO_ERROR,
        leader: round.leader.into(),
        leader_url: leader.map_or_else(|| Arc::from(""), |leader| Arc::clone(&leader.state.url)),
        config_offset: round.config_offset,
        connectors: Vec::new(),
        tasks: Vec::new(),
        revoked_connectors: Vec::new(),
        revoked_tasks: Vec::new(),
        delay_ms: 0,
    }
}
