//! A worker of a cluster, round by round.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ferrovia_client::group::cohort::{Assignment as Given, LossCause};

use crate::config::SignatureConfig;
use crate::config::mac_algorithm::MacAlgorithm;
use crate::herder::machine::{
    Action, ClusterRules, HerderMachine, Moment, RequestId, Rules, Ticket, WorkEvent,
};
use crate::herder::request::Change;
use crate::herder::testing::Catalog;
use crate::herder::work::{Run, WorkAction};
use crate::membership::protocol::{Assignment, ConnectProtocol};
use crate::storage::config::ConfigRecord;

pub(super) const AT: Moment = Moment {
    now: Duration::from_secs(1),
    wall_ms: 1_700_000_000_000,
};

pub(super) fn machine() -> HerderMachine {
    machine_of(false)
}

/// One whose leaders write in transactions, or do not.
pub(super) fn machine_of(has_transactional_leader: bool) -> HerderMachine {
    let signatures = SignatureConfig {
        key_algorithm: MacAlgorithm::HmacSha256,
        key_bytes: 32,
        key_ttl: Duration::from_secs(3600),
        algorithm: MacAlgorithm::HmacSha256,
        verified: vec![MacAlgorithm::HmacSha256],
    };
    let rules = Rules {
        worker_id: "w:8083".into(),
        task_stop_timeout: Duration::from_secs(5),
        tracks_topics: true,
        resets_topics: true,
        cluster: Some(ClusterRules {
            url: "http://w:8083/".into(),
            protocol: ConnectProtocol::Sessioned,
            rebalance_delay_max: Duration::from_secs(300),
            sync_timeout: Duration::from_secs(3),
            unsync_backoff: Duration::from_secs(300),
            gives_exactly_once: false,
            has_transactional_leader,
            signatures,
        }),
    };
    HerderMachine::new(rules, Arc::new(Catalog::new()))
}

pub(super) fn read_connector(machine: &mut HerderMachine, offset: i64, name: &str) -> Vec<Action> {
    let class = ("connector.class".to_owned(), "FileStreamSink".to_owned());
    let record = ConfigRecord::Connector {
        name: name.into(),
        settings: Some(Arc::new([class].into())),
    };
    read(machine, offset, &record)
}

pub(super) fn read(machine: &mut HerderMachine, offset: i64, record: &ConfigRecord) -> Vec<Action> {
    let (key, value) = (record.key(), record.value());
    machine.on_config_record(offset, Some(key.as_bytes()), value.as_deref(), AT)
}

/// What this worker, which leads, is given.
pub(super) fn given(
    generation: i32,
    config_offset: i64,
    connectors: &[&str],
    revoked: &[&str],
) -> Given {
    let names = |names: &[&str]| names.iter().map(|&name| name.into()).collect();
    let assignment = Assignment {
        version: 2,
        error: Assignment::NO_ERROR,
        leader: "me".into(),
        leader_url: "http://w:8083/".into(),
        config_offset,
        connectors: names(connectors),
        tasks: Vec::new(),
        revoked_connectors: names(revoked),
        revoked_tasks: Vec::new(),
        delay_ms: 0,
    };
    Given {
        generation,
        member_id: "me".into(),
        leader_id: "me".into(),
        protocol: "sessioned".into(),
        bytes: assignment
            .to_bytes(ConnectProtocol::Sessioned)
            .unwrap_or_else(|_| Bytes::new()),
    }
}

fn offers(actions: &[Action]) -> bool {
    actions
        .iter()
        .any(|action| matches!(action, Action::Offer(_)))
}

fn flush(actions: &[Action]) -> Ticket {
    let flush = |action: &Action| match action {
        Action::FlushStatuses(ticket) => Some(*ticket),
        _ => None,
    };
    actions.iter().find_map(flush).unwrap()
}

#[test]
fn a_round_wanted_while_revoked_work_ends_is_met_by_the_offer_that_was_due() {
    let mut machine = machine();
    read_connector(&mut machine, 0, "c");
    machine.on_config_caught_up(AT);
    assert!(offers(&machine.on_offers_wanted(AT)));
    let actions = machine.on_assigned(&given(1, 1, &["c"], &[]), AT);
    let run = actions.iter().find_map(|action| match action {
        Action::Work(WorkAction::StartConnector { run, .. }) => Some(*run),
        _ => None,
    });
    let run: Run = run.unwrap();
    machine.on_work(WorkEvent::ConnectorStarted("c".into(), run, Ok(())), AT);

    assert!(offers(&machine.on_offers_wanted(AT)));
    machine.on_assigned(&given(2, 1, &[], &["c"]), AT);
    assert!(
        !offers(&machine.on_offers_wanted(AT)),
        "its work has not ended"
    );
    let actions = read_connector(&mut machine, 1, "d");
    assert!(
        matches!(actions.as_slice(), [Action::Rejoin(_)]),
        "{actions:?}"
    );
    let stopped = WorkEvent::ConnectorStopped("c".into(), run, Ok(()));
    let flush = flush(&machine.on_work(stopped, AT));
    assert!(offers(&machine.on_statuses_flushed(flush, AT)));
    machine.on_assigned(&given(3, 2, &["d"], &[]), AT);

    let delete = Change::Delete("unknown".to_owned());
    let actions = machine.on_change(RequestId(1), delete, AT);
    let [Action::Reply(RequestId(1), Err(error))] = actions.as_slice() else {
        panic!("the request waits: {actions:?}")
    };
    assert_eq!(error.to_string(), "Connector unknown not found");
}

/// By the eager protocol a worker joins with nothing: somebody else may be given what it had.
#[test]
fn what_has_failed_is_given_up_with_the_rest_before_an_eager_round() {
    let mut machine = machine();
    read_connector(&mut machine, 0, "c");
    machine.on_config_caught_up(AT);
    machine.on_ready(AT);
    machine.on_offers_wanted(AT);
    let mut round = given(1, 1, &["c"], &[]);
    let mut assignment = Assignment::from_bytes(&round.bytes).unwrap();
    assignment.version = 0;
    round.bytes = assignment.to_bytes(ConnectProtocol::Eager).unwrap();
    round.protocol = "default".into();
    let begun = |actions: &[Action]| {
        actions.iter().find_map(|action| match action {
            Action::Work(WorkAction::StartConnector { run, .. }) => Some(*run),
            _ => None,
        })
    };
    let run = begun(&machine.on_assigned(&round, AT)).unwrap();
    let failed = WorkEvent::ConnectorStarted("c".into(), run, Err("no way".to_owned()));
    machine.on_work(failed, AT);

    let flush = flush(&machine.on_offers_wanted(AT));
    assert!(offers(&machine.on_statuses_flushed(flush, AT)));
    let actions = read_connector(&mut machine, 1, "c");
    assert_eq!(begun(&actions), None, "another worker may have it");
}

/// The membership may end by itself while the word that the worker leaves is on its way to it.
#[test]
fn a_worker_that_has_left_to_read_comes_back_whatever_it_is_told_meanwhile() {
    let news: [fn(&mut HerderMachine); 3] = [
        |machine| drop(machine.on_lost(&LossCause::UnknownMember, AT)),
        |machine| drop(machine.on_offers_wanted(AT)),
        |machine| drop(machine.on_assigned(&given(2, -1, &[], &[]), AT)),
    ];
    for told in news {
        let mut machine = machine();
        machine.on_config_caught_up(AT);
        machine.on_ready(AT);
        machine.on_offers_wanted(AT);
        machine.on_assigned(&given(1, 5, &[], &[]), AT);
        let after = |seconds| Moment {
            now: AT.now + Duration::from_secs(seconds),
            ..AT
        };
        let has_left = |action: &Action| matches!(action, Action::StepOut(_));
        assert!(machine.on_time(after(3)).iter().any(has_left));
        told(&mut machine);
        let actions = machine.on_time(after(1_000));
        let read = actions.iter().find_map(|action| match action {
            Action::ReadConfig(ticket) => Some(*ticket),
            _ => None,
        });
        let actions = machine.on_read_to_end(read.unwrap(), after(1_000));
        assert!(matches!(actions.as_slice(), [Action::Rejoin(_)]));
    }
}

#[test]
fn users_can_be_told_what_the_worker_is_busy_with() {
    let mut machine = machine();
    let busy = |machine: &HerderMachine| machine.stage().unwrap_or_default().into_owned();
    assert_eq!(
        busy(&machine),
        "initializing and reading to the end of internal topics"
    );
    machine.on_config_caught_up(AT);
    assert_eq!(busy(&machine), "ensuring membership in the cluster");
    machine.on_offers_wanted(AT);
    machine.on_assigned(&given(1, 5, &[], &[]), AT);
    assert_eq!(busy(&machine), "reading to the end of the config topic");
    machine.on_stop(AT);
    assert_eq!(busy(&machine), "shutting down");
}

#[test]
fn settled_worker_is_busy_with_nothing_that_requests_wait_for() {
    let mut machine = machine();
    machine.on_config_caught_up(AT);
    machine.on_offers_wanted(AT);
    machine.on_assigned(&given(1, -1, &[], &[]), AT);
    assert_eq!(machine.stage(), None);
}

/// The others have left before it: the group would give it all that they had.
#[test]
fn a_worker_that_ends_takes_on_nothing_more() {
    let mut machine = machine();
    read_connector(&mut machine, 0, "c");
    read_connector(&mut machine, 1, "d");
    machine.on_config_caught_up(AT);
    machine.on_ready(AT);
    assert!(offers(&machine.on_offers_wanted(AT)));
    let actions = machine.on_assigned(&given(1, 2, &["c"], &[]), AT);
    let started = |action: &Action| match action {
        Action::Work(WorkAction::StartConnector { run, .. }) => Some(*run),
        _ => None,
    };
    let run = actions.iter().find_map(started).unwrap();
    machine.on_work(WorkEvent::ConnectorStarted("c".into(), run, Ok(())), AT);

    machine.on_stop(AT);
    assert!(!offers(&machine.on_offers_wanted(AT)));
    let actions = machine.on_assigned(&given(2, 2, &["c", "d"], &[]), AT);
    assert_eq!(actions.iter().find_map(started), None);
    let stopped = WorkEvent::ConnectorStopped("c".into(), run, Ok(()));
    let actions = machine.on_work(stopped, AT);
    assert!(
        matches!(actions.last(), Some(Action::Finish)),
        "{actions:?}"
    );
}
