//! Replays groups that `tests/java/Assignors.java` wrote down: the same rounds through our leader, every byte of metadata
//! and of assignments, the owners and the leader's memory compared. Also part of the test grounds' `connect_assignors`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ferrovia_worker::membership::assignor::{
    CooperativeAssignor, EagerAssignor, Generations, Member, Plan, Round,
};
use ferrovia_worker::membership::protocol::{Assignment, ConnectProtocol, WorkerState};
use ferrovia_worker::membership::readiness::{Readiness, readiness};
use serde_json::Value;

/// What the rounds of a run came by.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) rounds: usize,
    pub(crate) mismatches: usize,
    pub(crate) delays: usize,
    pub(crate) revocations: usize,
    pub(crate) candidates: usize,
    pub(crate) read: usize,
    pub(crate) unread: usize,
}

/// Replays one line; tells the first difference.
pub(crate) fn replay(line: &Value, tally: &mut Tally) -> Result<(), String> {
    match line.get("bytes") {
        Some(bytes) => replay_bytes(line, &unhex(bytes), tally),
        None => replay_group(line, tally),
    }
}

fn replay_bytes(line: &Value, bytes: &[u8], tally: &mut Tally) -> Result<(), String> {
    let Ok(state) = WorkerState::from_bytes(bytes) else {
        tally.unread += 1;
        return same("nothing read", &line["read"], &Value::Null);
    };
    tally.read += 1;
    if let Some(assignment) = &state.assignment {
        same(
            "version",
            &line["version"],
            &Value::from(assignment.version),
        )?;
    }
    let again = state.to_bytes(ConnectProtocol::Sessioned).unwrap();
    same("what was read", &line["read"], &hex(&again))
}

fn replay_group(group: &Value, tally: &mut Tally) -> Result<(), String> {
    let max_delay = Duration::from_millis(group["maxDelay"].as_u64().unwrap());
    let mut leaders = BTreeMap::new();
    let mut held = BTreeMap::new();
    for (number, round) in group["rounds"].as_array().unwrap().iter().enumerate() {
        let leader = leaders.entry(text(&round["leader"]));
        let leader = leader.or_insert_with(|| CooperativeAssignor::new(max_delay));
        replay_round(round, leader, &mut held, tally)
            .map_err(|difference| format!("round {number}: {difference}"))?;
    }
    Ok(())
}

fn replay_round(
    round: &Value,
    leader: &mut CooperativeAssignor,
    held: &mut BTreeMap<String, Assignment>,
    tally: &mut Tally,
) -> Result<(), String> {
    let protocol = ConnectProtocol::from_name(&text(&round["protocol"])).unwrap();
    let members = members(round, protocol, held)?;
    let configured: BTreeMap<Arc<str>, u32> = round["configured"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, count)| (name.as_str().into(), u32::try_from(int(count)).unwrap()))
        .collect();
    let offsets = || members.iter().map(|member| member.state.config_offset);
    let mut ready = readiness(offsets(), int(&round["snapshot"]), None);
    if ready == Readiness::Refresh {
        ready = readiness(
            offsets(),
            int(&round["snapshot"]),
            Some(int(&round["fresh"])),
        );
    }
    let (Readiness::Assign { config_offset } | Readiness::Mismatch { config_offset }) = ready
    else {
        return Err(format!("still {ready:?}"));
    };
    let known = Round {
        protocol,
        leader: &text(&round["leader"]),
        config_offset,
        configured: &configured,
        members: &members,
    };
    let generation = |value: &Value| i32::try_from(int(value)).unwrap();
    let generations = Generations {
        current: generation(&round["generation"]),
        last_completed: generation(&round["lastCompleted"]),
    };
    let plan = match ready {
        Readiness::Mismatch { .. } => Plan::mismatch(&known),
        _ if protocol.is_cooperative() => leader.assign(&known, generations, int(&round["now"])),
        _ => EagerAssignor.assign(&known),
    };
    let plan = plan.map_err(|error| error.to_string())?;
    tally.rounds += 1;
    tally.mismatches += usize::from(matches!(ready, Readiness::Mismatch { .. }));
    tally.delays += usize::from(plan.delay_ms > 0);
    tally.revocations += usize::from(plan.assignments.values().any(Assignment::revokes));
    compare_plan(round, &plan, protocol)?;
    if let Some(memory) = round.get("memory") {
        let recorded = &memory["candidates"];
        tally.candidates += usize::from(recorded.as_array().is_some_and(|all| !all.is_empty()));
        let candidates: Vec<&str> = leader.candidates().map(|member| &**member).collect();
        same("candidates", recorded, &Value::from(candidates))?;
        let scheduled = leader.scheduled_rebalance_ms().unwrap_or(0);
        same("scheduled", &memory["scheduled"], &Value::from(scheduled))?;
    }
    for (member, hex) in round["assignments"].as_object().unwrap() {
        follow(member, &unhex(hex), protocol, held);
    }
    Ok(())
}

/// The members as they said to be, after a look at whether we would have said the same.
fn members(
    round: &Value,
    protocol: ConnectProtocol,
    held: &mut BTreeMap<String, Assignment>,
) -> Result<Vec<Member>, String> {
    let mut members = Vec::new();
    for member in round["members"].as_array().unwrap() {
        let (id, metadata) = (text(&member["id"]), unhex(&member["metadata"]));
        let state = WorkerState::from_bytes(&metadata).map_err(|error| format!("{id}: {error}"))?;
        let again = state.to_bytes(protocol).unwrap();
        same("rewritten metadata", &hex(&metadata), &hex(&again))?;
        if member["intact"] == true {
            let said = WorkerState {
                url: text(&member["url"]).into(),
                config_offset: int(&member["offset"]),
                assignment: held.get(&id).cloned(),
            };
            let said = said.to_bytes(protocol).unwrap();
            same("metadata", &hex(&metadata), &hex(&said))?;
        } else if let Some(assignment) = &state.assignment {
            held.insert(id.clone(), assignment.clone());
        } else {
            held.remove(&id);
        }
        members.push(Member {
            id: id.into(),
            state,
        });
    }
    Ok(members)
}

fn compare_plan(round: &Value, plan: &Plan, protocol: ConnectProtocol) -> Result<(), String> {
    let assignments = plan.assignments.iter().map(|(member, assignment)| {
        let bytes = assignment.to_bytes(protocol).unwrap();
        let read = Assignment::from_bytes(&bytes).unwrap();
        assert_eq!(read.to_bytes(protocol).unwrap(), bytes);
        (member.to_string(), hex(&bytes))
    });
    let assignments = Value::Object(assignments.collect());
    same("assignments", &round["assignments"], &assignments)?;
    if let Some(recorded) = round.get("connectorOwners") {
        let owners = plan.connector_owners.iter();
        let owners = owners.map(|(item, owner)| (item.to_string(), Value::from(&**owner)));
        same("owners", recorded, &Value::Object(owners.collect()))?;
        let owners = plan.task_owners.iter();
        let owners = owners.map(|(item, owner)| (item.to_string(), Value::from(&**owner)));
        same(
            "owners",
            &round["taskOwners"],
            &Value::Object(owners.collect()),
        )?;
    } else {
        assert!(plan.connector_owners.is_empty() && plan.task_owners.is_empty());
    }
    let delay = round
        .get("memory")
        .filter(|_| round.get("connectorOwners").is_some());
    let delay = delay.map_or_else(|| Value::from(0), |memory| memory["delay"].clone());
    same("delay", &delay, &Value::from(plan.delay_ms))
}

/// What a member holds once it has followed the answer.
fn follow(
    member: &str,
    answer: &[u8],
    protocol: ConnectProtocol,
    held: &mut BTreeMap<String, Assignment>,
) {
    let told = Assignment::from_bytes(answer).unwrap();
    let mut after = match held.get(member) {
        Some(before) if protocol.is_cooperative() => told.after(before),
        _ => told,
    };
    after.revoked_connectors.clear();
    after.revoked_tasks.clear();
    held.insert(member.to_owned(), after);
}

fn same(what: &str, java: &Value, ours: &Value) -> Result<(), String> {
    if java == ours {
        return Ok(());
    }
    Err(format!("{what}\n java {java}\n ours {ours}"))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn int(value: &Value) -> i64 {
    value.as_i64().unwrap()
}

fn hex(bytes: &[u8]) -> Value {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Value::from(digits)
}

fn unhex(value: &Value) -> Vec<u8> {
    let digits = value.as_str().unwrap();
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}
