//! When a broker gets a second connection, and what goes by it.

use super::*;

fn outlook<'a>(view: &'a MetadataView, connected: &'a BTreeSet<Line>) -> Outlook<'a> {
    Outlook {
        view,
        connected,
        admitted: None,
    }
}

#[test]
fn full_connection_gets_a_second_one_for_half_of_the_partitions() {
    let now = Instant::now();
    let view = view(&[1, 1, 1, 1]);
    let (first, second) = (Line::first(1), Line::second(1));
    let of = |connected| outlook(&view, connected);
    let alone = BTreeSet::from([first]);
    let mut window = Window::new(WindowSettings {
        requests_per_line: 1,
        ..settings(Numbering::None)
    });
    let push = |window: &mut Window<u32>, partition: i32| {
        let ticket = partition.cast_unsigned();
        window.push(t(partition), sealed(10, b"x"), 10, ticket, now);
    };
    push(&mut window, 0);
    push(&mut window, 1);
    assert!(window.unconnected(of(&alone), now).is_empty());
    let both = window.next_dispatch(of(&alone), now).unwrap();
    assert_eq!((both.line, tickets(&both)), (first, vec![0, 1]));
    push(&mut window, 2);
    assert!(
        window.unconnected(of(&alone), now).is_empty(),
        "a partition with an even number stays with the first"
    );
    push(&mut window, 3);
    assert_eq!(window.unconnected(of(&alone), now), [second].into());
    assert!(window.next_dispatch(of(&alone), now).is_none());
    let connected = BTreeSet::from([first, second]);
    assert!(window.unconnected(of(&connected), now).is_empty());
    let beside = window.next_dispatch(of(&connected), now).unwrap();
    assert_eq!((beside.line, tickets(&beside)), (second, vec![3]));
    assert!(window.next_dispatch(of(&connected), now).is_none());
    let lost = Err(ClientError::UnknownNode { node_id: 1 });
    window.on_answer(beside, lost, now, 0.5);
    let answer = good(&both);
    window.on_answer(both, answer, now, 0.5);
    let later = now + Duration::from_secs(1);
    let rest = window.next_dispatch(of(&alone), later).unwrap();
    assert_eq!((rest.line, tickets(&rest)), (first, vec![2, 3]));
}

#[test]
fn batches_of_one_partition_on_their_way_share_a_connection() {
    let now = Instant::now();
    let view = view(&[1, 1]);
    let mut window = window_of(Numbering::Idempotent, &[1, 1, 1], now);
    window.set_identity(ProducerIdentity { id: 9, epoch: 0 });
    let of = |connected| outlook(&view, connected);
    let (alone, connected) = (
        BTreeSet::from([Line::first(1)]),
        BTreeSet::from([Line::first(1), Line::second(1)]),
    );
    let known = window.next_dispatch(of(&alone), now).unwrap();
    let answer = good(&known);
    window.on_answer(known, answer, now, 0.5);
    let before = window.next_dispatch(of(&alone), now).unwrap();
    assert!(window.next_dispatch(of(&connected), now).is_none());
    let answer = good(&before);
    window.on_answer(before, answer, now, 0.5);
    let behind = window.next_dispatch(of(&connected), now).unwrap();
    assert_eq!(behind.line, Line::second(1));
}
