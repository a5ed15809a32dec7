//! The assignors against Java's answers, and against what must hold for any group.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

/// Printed by `tests/fixtures/java/GroupGolden.java assignors 42`.
const JAVA_ANSWERS: &str = include_str!("../../../tests/fixtures/group_assignors.txt");

#[test]
fn range_answers_as_java_does() {
    replay("r ", Assignor::Range);
}

#[test]
fn cooperative_sticky_answers_as_java_does() {
    replay("c ", Assignor::CooperativeSticky);
}

fn replay(prefix: &str, assignor: Assignor) {
    let cases: Vec<&str> = JAVA_ANSWERS
        .lines()
        .filter_map(|line| line.strip_prefix(prefix))
        .collect();
    assert!(cases.len() >= 300, "only {} cases", cases.len());
    for case in cases {
        let (question, answer) = case.split_once(" >").unwrap();
        let mut parts = question.split(" ; ");
        let counts = parse_counts(parts.next().unwrap());
        let members: Vec<GroupMember> = parts.map(parse_member).collect();
        let expected: Division = answer
            .split_whitespace()
            .map(|entry| entry.split_once('=').unwrap())
            .map(|(id, partitions)| (id.into(), parse_partitions(partitions)))
            .collect();
        assert_eq!(assignor.assign(&members, &counts), expected, "{case}");
    }
}

fn parse_counts(text: &str) -> PartitionCounts {
    let pairs = text.split(',').map(|pair| pair.split_once('=').unwrap());
    pairs
        .map(|(topic, count)| (topic.into(), count.parse().unwrap()))
        .collect()
}

fn parse_member(text: &str) -> GroupMember {
    let mut words = text.split(' ');
    let member_id = words.next().unwrap().into();
    let fields: BTreeMap<&str, &str> = words.map(|word| word.split_once('=').unwrap()).collect();
    let version: i16 = fields["v"].parse().unwrap();
    let sent = MemberSubscription {
        topics: fields["t"].split(',').map(Arc::from).collect(),
        user_data: fields
            .get("u")
            .map(|user| Bytes::copy_from_slice(&user.parse::<i32>().unwrap().to_be_bytes())),
        owned: fields
            .get("o")
            .filter(|_| version >= 1)
            .map_or_else(Vec::new, |text| parse_partitions(text)),
        generation: fields
            .get("g")
            .filter(|_| version >= 2)
            .map(|text| text.parse().unwrap()),
        rack: None,
    };
    let instance_id = fields.get("i").map(|id| Arc::from(*id));
    GroupMember {
        member_id,
        instance_id,
        subscription: sent,
    }
}

fn parse_partitions(text: &str) -> Vec<TopicPartition> {
    let topics = text.split(',').filter(|part| !part.is_empty());
    topics
        .map(|part| part.split_once(':').unwrap())
        .flat_map(|(topic, numbers)| {
            let topic: Arc<str> = topic.into();
            numbers.split('.').map(move |number| TopicPartition {
                topic: Arc::clone(&topic),
                partition: number.parse().unwrap(),
            })
        })
        .collect()
}

/// Members with any subscriptions and any claims, true or false.
fn any_group() -> impl Strategy<Value = (Vec<GroupMember>, PartitionCounts)> {
    let counts = prop::collection::btree_map("[a-d]".prop_map(Arc::from), 0i32..9, 1..5);
    let topics = prop::collection::vec("[a-e]".prop_map(Arc::from), 0..6);
    let owned = prop::collection::vec(("[a-e]", -1i32..12), 0..14);
    let member = (
        topics,
        owned,
        prop::option::of(-1i32..4),
        prop::bool::weighted(0.2),
    );
    let members = prop::collection::btree_map("[a-zA-Z]{1,3}", member, 0..9);
    (members, counts, any::<bool>()).prop_map(|(members, counts, alike)| {
        let mut all = None;
        let members = members
            .into_iter()
            .map(|(id, (topics, owned, generation, is_static))| {
                let topics = if alike {
                    all.get_or_insert(topics).clone()
                } else {
                    topics
                };
                let owned = owned.into_iter().map(|(topic, partition)| TopicPartition {
                    topic: topic.into(),
                    partition,
                });
                let owned = owned.collect();
                let subscription = MemberSubscription {
                    topics,
                    owned,
                    generation,
                    ..Default::default()
                };
                let instance_id = is_static.then(|| Arc::from(format!("instance-{id}")));
                GroupMember {
                    member_id: id.into(),
                    instance_id,
                    subscription,
                }
            });
        (members.collect(), counts)
    })
}

/// Every partition that exists and is wanted.
fn wanted(members: &[GroupMember], counts: &PartitionCounts) -> BTreeSet<TopicPartition> {
    let topics: BTreeSet<_> = members
        .iter()
        .flat_map(|member| member.subscription.topics.clone())
        .collect();
    topics
        .into_iter()
        .flat_map(|topic| {
            let count = counts.get(&topic).copied().unwrap_or(0);
            (0..count).map(move |partition| TopicPartition {
                topic: Arc::clone(&topic),
                partition,
            })
        })
        .collect()
}

fn check_valid(members: &[GroupMember], division: &Division) -> BTreeSet<TopicPartition> {
    assert_eq!(division.len(), members.len());
    let mut assigned = BTreeSet::new();
    for member in members {
        for partition in &division[&member.member_id] {
            assert!(
                member.subscription.topics.contains(&partition.topic),
                "{partition:?} is not wanted"
            );
            assert!(
                assigned.insert(partition.clone()),
                "{partition:?} is assigned twice"
            );
        }
    }
    assigned
}

/// What each member says in the next rebalance when it does what it was told.
fn obey(members: &[GroupMember], division: &Division, generation: i32) -> Vec<GroupMember> {
    let mut members = members.to_vec();
    for member in &mut members {
        member.subscription.owned = division[&member.member_id].clone();
        member.subscription.generation = Some(generation);
    }
    members
}

fn loads(division: &Division) -> Vec<usize> {
    division.values().map(Vec::len).collect()
}

/// Rebalances until everything is assigned.
const PHASES_MAX: i32 = 6;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn range_assigns_everything_once_and_within_one_per_topic((members, counts) in any_group()) {
        let division = Assignor::Range.assign(&members, &counts);
        prop_assert_eq!(check_valid(&members, &division), wanted(&members, &counts));
        for topic in counts.keys() {
            let subscribers = members.iter().filter(|member| member.subscription.topics.contains(topic));
            let of_topic = subscribers.map(|member| {
                division[&member.member_id].iter().filter(|partition| partition.topic == *topic).count()
            });
            let of_topic: Vec<usize> = of_topic.collect();
            let (least, most) = (of_topic.iter().min(), of_topic.iter().max());
            prop_assert!(most.unwrap_or(&0) - least.unwrap_or(&0) <= 1);
        }
    }

    #[test]
    fn range_puts_equal_topics_side_by_side(members in 1usize..6, partitions in 1i32..12) {
        let members: Vec<GroupMember> = (0..members).map(|number| GroupMember {
            member_id: format!("m{number}").into(),
            instance_id: None,
            subscription: MemberSubscription { topics: vec!["left".into(), "right".into()], ..Default::default() },
        }).collect();
        let counts = PartitionCounts::from([("left".into(), partitions), ("right".into(), partitions)]);
        for assigned in Assignor::Range.assign(&members, &counts).values() {
            let of = |name| assigned.iter().filter(|partition| &*partition.topic == name)
                .map(|partition| partition.partition).collect::<Vec<_>>();
            prop_assert_eq!(of("left"), of("right"));
        }
    }

    #[test]
    fn sticky_assigns_everything_once_within_a_few_phases((members, counts) in any_group()) {
        // Two phases are the rule. Where members want different topics, Java's assignor may think again about what it
        // has just had revoked, and takes a phase more, as this one does.
        let everything = wanted(&members, &counts);
        let mut members = members;
        let mut assigned = BTreeSet::new();
        for generation in 9..9 + PHASES_MAX {
            let division = Assignor::CooperativeSticky.assign(&members, &counts);
            assigned = check_valid(&members, &division);
            prop_assert!(assigned.is_subset(&everything));
            if assigned == everything {
                break;
            }
            members = obey(&members, &division, generation);
        }
        prop_assert_eq!(assigned, everything);
    }

    #[test]
    fn sticky_hands_out_nothing_that_its_owner_has_yet_to_revoke((members, counts) in any_group()) {
        let division = Assignor::CooperativeSticky.assign(&members, &counts);
        for member in &members {
            for gained in &division[&member.member_id] {
                let loser = members.iter().find(|other| {
                    other.member_id != member.member_id
                        && other.subscription.owned.contains(gained)
                        && other.subscription.generation > member.subscription.generation
                        && !division[&other.member_id].contains(gained)
                        && !member.subscription.owned.contains(gained)
                });
                let subscribed = loser.is_some_and(|loser| {
                    loser.subscription.topics.contains(&gained.topic)
                });
                prop_assert!(!subscribed, "{gained:?} is still owned by {loser:?}");
            }
        }
    }

    #[test]
    fn sticky_settles_and_is_balanced((members, counts) in any_group()) {
        let mut members = members;
        let mut division = Division::new();
        for generation in 9..14 {
            division = Assignor::CooperativeSticky.assign(&members, &counts);
            members = obey(&members, &division, generation);
        }
        let again = Assignor::CooperativeSticky.assign(&members, &counts);
        let sets = |division: &Division| -> BTreeMap<Arc<str>, BTreeSet<TopicPartition>> {
            division.iter().map(|(id, list)| (Arc::clone(id), list.iter().cloned().collect())).collect()
        };
        prop_assert_eq!(sets(&again), sets(&division), "nothing changed, so nothing moves");
        let alike = members.windows(2).all(|pair| {
            let names = |member: &GroupMember| member.subscription.topics.iter().cloned().collect::<BTreeSet<_>>();
            names(&pair[0]) == names(&pair[1])
        });
        if alike {
            let loads = loads(&division);
            prop_assert!(loads.iter().max().unwrap_or(&0) - loads.iter().min().unwrap_or(&0) <= 1);
        }
        for light in &members {
            for heavy in &members {
                let takes = division[&heavy.member_id].iter()
                    .any(|partition| light.subscription.topics.contains(&partition.topic));
                let (light, heavy) = (division[&light.member_id].len(), division[&heavy.member_id].len());
                prop_assert!(!takes || heavy <= light + 1, "{heavy} against {light}");
            }
        }
    }

    #[test]
    fn sticky_keeps_what_it_may_when_a_member_leaves(members in 2usize..8, partitions in 1i32..40, gone in 0usize..8) {
        let mut members: Vec<GroupMember> = (0..members).map(|number| GroupMember {
            member_id: format!("m{number}").into(),
            instance_id: None,
            subscription: MemberSubscription { topics: vec!["t".into()], ..Default::default() },
        }).collect();
        let counts = PartitionCounts::from([("t".into(), partitions)]);
        let before = Assignor::CooperativeSticky.assign(&members, &counts);
        members = obey(&members, &before, 1);
        members.remove(gone % members.len());
        let after = Assignor::CooperativeSticky.assign(&members, &counts);
        for (id, assigned) in after {
            prop_assert!(before[&id].iter().all(|kept| assigned.contains(kept)));
        }
    }
}

#[test]
fn the_protocol_is_the_highest_that_all_assignors_support() {
    use Assignor::{CooperativeSticky, Range};
    let check = |assignors: &[Assignor], expected| {
        assert_eq!(
            Assignor::common_protocol(assignors),
            expected,
            "{assignors:?}"
        );
    };
    check(&[Range], RebalanceProtocol::Eager);
    check(&[Range, CooperativeSticky], RebalanceProtocol::Eager);
    check(&[CooperativeSticky], RebalanceProtocol::Cooperative);
}
