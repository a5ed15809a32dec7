//! Facts about the group machine.

use proptest::prelude::*;

use super::join::JoinRequest;
use super::sync::SyncRequest;
use super::*;

const SESSION: Duration = Duration::from_secs(10);
const REBALANCE: Duration = Duration::from_secs(60);

struct World {
    group: Group,
    now: Instant,
    tokens: u64,
}

impl World {
    fn new() -> Self {
        Self::with_delay(Duration::ZERO)
    }

    fn with_delay(initial_delay: Duration) -> Self {
        let limits = GroupLimits {
            members_max: 4,
            initial_delay,
            session_timeout_min: Duration::from_secs(1),
            session_timeout_max: Duration::from_secs(100),
        };
        Self {
            group: Group::new(limits),
            now: Instant::now(),
            tokens: 0,
        }
    }

    fn token(&mut self) -> Token {
        self.tokens += 1;
        Token(self.tokens)
    }

    fn join(&mut self, request: JoinRequest) -> Vec<Reply> {
        let token = self.token();
        self.group.on_join(request, token, self.now)
    }

    fn sync(&mut self, id: &str, generation: i32, shares: &[(&str, &'static str)]) -> Vec<Reply> {
        let token = self.token();
        let assignments = shares
            .iter()
            .map(|(id, share)| ((*id).to_owned(), Bytes::from_static(share.as_bytes())))
            .collect();
        let member_id = id.to_owned();
        let request = SyncRequest {
            member_id,
            generation,
            assignments,
            ..SyncRequest::default()
        };
        self.group.on_sync(request, token, self.now)
    }

    fn heartbeat(&mut self, id: &str, generation: i32) -> Result<(), ResponseError> {
        self.group.on_heartbeat(id, None, generation, self.now)
    }

    fn leave(&mut self, id: &str) -> Vec<Reply> {
        let mut replies = Vec::new();
        self.group
            .on_leave(id, None, self.now, &mut replies)
            .unwrap();
        replies
    }

    fn pass(&mut self, time: Duration) -> Vec<Reply> {
        self.now += time;
        self.group.on_tick(self.now)
    }

    /// A stable group of these members (version 0 joins, so ids are given at once).
    fn stable(members: &[&str]) -> Self {
        let mut world = Self::new();
        for id in members {
            world.join(fresh(id));
            for known in world.ids() {
                if world.group.phase == Phase::PreparingRebalance {
                    world.join(known_as(&known));
                }
            }
        }
        for id in members {
            world.sync(id, world.group.generation, &[]);
        }
        assert_eq!(world.group.phase, Phase::Stable);
        world
    }

    fn ids(&self) -> Vec<String> {
        self.group.members.keys().cloned().collect()
    }
}

fn fresh(id: &str) -> JoinRequest {
    JoinRequest {
        member_id: String::new(),
        instance_id: None,
        client_id: "client".to_owned(),
        client_host: "/127.0.0.1".to_owned(),
        session_timeout: SESSION,
        rebalance_timeout: REBALANCE,
        protocol_type: "consumer".to_owned(),
        protocols: vec![("range".to_owned(), Bytes::from_static(b"r"))],
        fresh_id: id.to_owned(),
        id_required: false,
        can_skip_assignment: false,
    }
}

fn known_as(id: &str) -> JoinRequest {
    JoinRequest {
        member_id: id.to_owned(),
        ..fresh("unused")
    }
}

fn instance(name: &str, id: &str) -> JoinRequest {
    JoinRequest {
        instance_id: Some(name.to_owned()),
        ..fresh(id)
    }
}

fn joins(replies: &[Reply]) -> Vec<&JoinAnswer> {
    let answers = replies.iter().map(|reply| match reply {
        Reply::Joined(_, answer) => Some(answer),
        Reply::Synced(..) => None,
    });
    answers.flatten().collect()
}

fn shares(replies: &[Reply]) -> Vec<Result<&[u8], ResponseError>> {
    let answers = replies.iter().map(|reply| match reply {
        Reply::Synced(_, answer) => Some(answer.error.map_or(Ok(&*answer.assignment), Err)),
        Reply::Joined(..) => None,
    });
    answers.flatten().collect()
}

#[test]
fn the_first_member_leads_the_first_generation() {
    let mut world = World::new();
    let replies = world.join(fresh("a"));
    let answer = joins(&replies)[0];
    assert_eq!(
        (answer.generation, answer.leader.as_str(), answer.error),
        (1, "a", None)
    );
    assert_eq!(answer.members.len(), 1);
    assert_eq!(
        shares(&world.sync("a", 1, &[("a", "all")])),
        [Ok(&b"all"[..])]
    );
    assert_eq!(world.group.phase, Phase::Stable);
}

#[test]
fn a_newer_client_must_come_back_with_its_id() {
    let mut world = World::new();
    let replies = world.join(JoinRequest {
        id_required: true,
        ..fresh("a")
    });
    let answer = joins(&replies)[0];
    assert_eq!(answer.error, Some(ResponseError::MemberIdRequired));
    assert_eq!(answer.member_id, "a");
    let replies = world.join(JoinRequest {
        id_required: true,
        ..known_as("a")
    });
    assert_eq!(joins(&replies)[0].generation, 1);
    let replies = world.join(known_as("stranger"));
    assert_eq!(
        joins(&replies)[0].error,
        Some(ResponseError::UnknownMemberId)
    );
}

#[test]
fn a_second_member_waits_for_the_first_to_rejoin() {
    let mut world = World::stable(&["a"]);
    assert!(world.join(fresh("b")).is_empty());
    assert_eq!(
        world.heartbeat("a", 1),
        Err(ResponseError::RebalanceInProgress)
    );
    let replies = world.join(known_as("a"));
    let answers = joins(&replies);
    assert_eq!(answers.len(), 2);
    assert!(
        answers
            .iter()
            .all(|answer| answer.generation == 2 && answer.leader == "a")
    );
    assert!(world.sync("b", 2, &[]).is_empty());
    let replies = world.sync("a", 2, &[("a", "x"), ("b", "y")]);
    assert_eq!(shares(&replies), [Ok(&b"x"[..]), Ok(&b"y"[..])]);
}

#[test]
fn a_member_that_does_not_rejoin_in_time_is_left_behind() {
    let mut world = World::stable(&["a"]);
    world.join(fresh("b"));
    for _ in 0..11 {
        let _ = world.heartbeat("a", 1);
        assert!(world.pass(Duration::from_secs(5)).is_empty());
    }
    let _ = world.heartbeat("a", 1);
    let replies = world.pass(Duration::from_secs(5));
    let answer = joins(&replies)[0];
    assert_eq!((answer.generation, answer.leader.as_str()), (2, "b"));
    assert_eq!(world.heartbeat("a", 1), Err(ResponseError::UnknownMemberId));
}

#[test]
fn a_silent_member_loses_its_session() {
    let mut world = World::stable(&["a", "b"]);
    let generation = world.group.generation;
    world.pass(SESSION / 2);
    world.heartbeat("a", generation).unwrap();
    world.pass(SESSION / 2);
    assert_eq!(world.ids(), ["a"]);
    assert_eq!(
        world.heartbeat("a", generation),
        Err(ResponseError::RebalanceInProgress)
    );
}

#[test]
fn a_waiting_member_needs_no_heartbeat() {
    let mut world = World::stable(&["a"]);
    world.join(fresh("b"));
    let _ = world.pass(SESSION * 2);
    assert_eq!(world.ids(), ["b"]);
    assert_eq!(world.group.phase, Phase::CompletingRebalance);
}

#[test]
fn a_member_that_never_syncs_is_removed() {
    let mut world = World::new();
    world.join(fresh("a"));
    for _ in 0..13 {
        let _ = world.heartbeat("a", 1);
        world.pass(Duration::from_secs(5));
    }
    assert_eq!((world.group.phase, world.ids().len()), (Phase::Empty, 0));
}

#[test]
fn leaving_starts_a_rebalance_and_the_last_one_empties_the_group() {
    let mut world = World::stable(&["a", "b"]);
    world.leave("a");
    assert_eq!(world.group.phase, Phase::PreparingRebalance);
    let replies = world.join(known_as("b"));
    assert_eq!(joins(&replies)[0].leader, "b");
    world.leave("b");
    assert_eq!(
        (world.group.phase, world.group.is_vacant()),
        (Phase::Empty, true)
    );
}

#[test]
fn a_sync_under_way_learns_of_a_new_rebalance() {
    let mut world = World::new();
    world.join(fresh("a"));
    world.join(fresh("b"));
    world.join(known_as("a"));
    assert!(world.sync("b", 2, &[]).is_empty());
    let replies = world.leave("a");
    assert_eq!(shares(&replies), [Err(ResponseError::RebalanceInProgress)]);
}

#[test]
fn the_protocol_most_members_prefer_wins_among_the_common_ones() {
    let protocols = |names: &[&str]| -> Vec<(String, Bytes)> {
        names
            .iter()
            .map(|name| ((*name).to_owned(), Bytes::new()))
            .collect()
    };
    let mut world = World::new();
    world.join(JoinRequest {
        protocols: protocols(&["x", "y", "z"]),
        ..fresh("a")
    });
    world.join(JoinRequest {
        protocols: protocols(&["z", "y"]),
        ..fresh("b")
    });
    world.join(JoinRequest {
        protocols: protocols(&["y", "z"]),
        ..fresh("c")
    });
    let rejoin = JoinRequest {
        protocols: protocols(&["x", "z", "y"]),
        ..known_as("a")
    };
    let replies = world.join(rejoin);
    assert!(
        joins(&replies)
            .iter()
            .all(|answer| answer.protocol.as_deref() == Some("z"))
    );
    let odd = world.join(JoinRequest {
        protocols: protocols(&["q"]),
        ..fresh("d")
    });
    assert_eq!(
        joins(&odd)[0].error,
        Some(ResponseError::InconsistentGroupProtocol)
    );
    let other = world.join(JoinRequest {
        protocol_type: "connect".to_owned(),
        ..fresh("d")
    });
    assert_eq!(
        joins(&other)[0].error,
        Some(ResponseError::InconsistentGroupProtocol)
    );
}

#[test]
fn a_restarted_static_member_keeps_its_share_without_a_rebalance() {
    let mut world = World::new();
    world.join(instance("i", "a"));
    world.sync("a", 1, &[("a", "mine")]);
    let replies = world.join(JoinRequest {
        can_skip_assignment: true,
        ..instance("i", "a2")
    });
    let answer = joins(&replies)[0];
    assert_eq!((answer.generation, answer.leader.as_str()), (1, "a2"));
    assert!(answer.skip_assignment);
    assert_eq!(shares(&world.sync("a2", 1, &[])), [Ok(&b"mine"[..])]);
    let old = world.group.on_heartbeat("a", Some("i"), 1, world.now);
    assert_eq!(old, Err(ResponseError::FencedInstanceId));
}

#[test]
fn an_initial_delay_collects_members_into_one_generation() {
    let mut world = World::with_delay(Duration::from_secs(3));
    assert!(world.join(fresh("a")).is_empty());
    assert!(world.pass(Duration::from_secs(2)).is_empty());
    assert!(world.join(fresh("b")).is_empty());
    assert!(world.pass(Duration::from_secs(1)).is_empty());
    let replies = world.pass(Duration::from_secs(3));
    assert!(joins(&replies).iter().all(|answer| answer.generation == 1));
    assert_eq!(joins(&replies).len(), 2);
}

#[test]
fn only_members_of_the_generation_commit_but_anyone_does_when_nobody_is_there() {
    let mut world = World::new();
    let now = world.now;
    assert_eq!(world.group.on_commit("", None, -1, now), Ok(()));
    world.join(fresh("a"));
    let early = world.group.on_commit("a", None, 1, now);
    assert_eq!(early, Err(ResponseError::RebalanceInProgress));
    world.sync("a", 1, &[]);
    assert_eq!(world.group.on_commit("a", None, 1, now), Ok(()));
    let old = world.group.on_commit("a", None, 0, now);
    assert_eq!(old, Err(ResponseError::IllegalGeneration));
    let outsider = world.group.on_commit("", None, -1, now);
    assert_eq!(outsider, Err(ResponseError::UnknownMemberId));
}

#[test]
fn members_of_a_group_and_session_timeouts_are_bounded() {
    let mut world = World::new();
    for id in ["a", "b", "c", "d"] {
        world.join(fresh(id));
    }
    let replies = world.join(fresh("e"));
    assert_eq!(
        joins(&replies)[0].error,
        Some(ResponseError::GroupMaxSizeReached)
    );
    let hasty = JoinRequest {
        session_timeout: Duration::ZERO,
        ..known_as("a")
    };
    let replies = world.join(hasty);
    assert_eq!(
        joins(&replies)[0].error,
        Some(ResponseError::InvalidSessionTimeout)
    );
}

proptest! {
    /// Whatever members do, every held request is answered exactly once, deadlines always come,
    /// and a group that everybody abandons becomes empty.
    #[test]
    fn every_request_is_answered_once(steps in proptest::collection::vec((0u8..5, 0usize..4), 0..60)) {
        let mut world = World::new();
        let mut asked = BTreeSet::new();
        let mut answered = BTreeSet::new();
        let names = ["a", "b", "c", "d"];
        let mut note = |replies: Vec<Reply>| {
            for reply in replies {
                let (Reply::Joined(token, _) | Reply::Synced(token, _)) = reply;
                assert!(answered.insert(token), "answered twice");
            }
        };
        for (action, who) in steps {
            let name = names[who];
            let known = world.group.members.contains_key(name);
            match action {
                0 if known => note(world.join(known_as(name))),
                0 => note(world.join(fresh(name))),
                1 => note(world.sync(name, world.group.generation, &[(name, "s")])),
                2 if known => note(world.leave(name)),
                3 => drop(world.heartbeat(name, world.group.generation)),
                _ => note(world.pass(Duration::from_secs(3))),
            }
            asked.extend((1..=world.tokens).map(Token));
        }
        for _ in 0..1_000 {
            let Some(deadline) = world.group.next_deadline() else { break };
            world.now = world.now.max(deadline);
            note(world.group.on_tick(world.now));
        }
        prop_assert_eq!(asked, answered);
        prop_assert!(world.group.is_vacant());
        prop_assert_eq!(world.group.phase, Phase::Empty);
    }
}
