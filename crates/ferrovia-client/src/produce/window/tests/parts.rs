//! Batches that their leader finds too large, in parts.

use super::*;
use crate::produce::message::Part;

fn halves(bytes: &Bytes, _: Compression) -> Option<[Bytes; 2]> {
    let (_, records) = opened(bytes);
    (records > 1).then(|| [records / 2, records - records / 2].map(|half| sealed(half, b"x")))
}

/// The numbers of the one batch in a request: first sequence, records, epoch.
fn numbers(dispatch: &Dispatch<u32>) -> (i32, i32, i16) {
    let batch = dispatch.batches.values().next().unwrap();
    let (stamp, records) = opened(&batch.bytes);
    (stamp.base_sequence, records, stamp.identity.epoch)
}

fn dividing(numbering: Numbering, batches: u32, now: Instant) -> Window<u32> {
    let mut window = Window::new(WindowSettings {
        divider: Some(Divider::new(halves)),
        ..settings(numbering)
    });
    window.set_identity(ProducerIdentity { id: 7, epoch: 0 });
    for ticket in 0..batches {
        window.push(t(0), sealed(10, b"x"), 10, ticket, now);
    }
    window
}

#[test]
fn batch_too_large_goes_in_parts_with_its_numbers_before_those_behind_it() {
    let now = Instant::now();
    let mut window = dividing(Numbering::Idempotent, 3, now);
    let view = view(&[1]);
    let too_large = ErrorCode::MESSAGE_TOO_LARGE;
    let first = next(&mut window, &view, now).unwrap();
    let answer = good(&first);
    assert_eq!(window.on_answer(first, answer, now, 0.5).done.len(), 1);
    let second = next(&mut window, &view, now).unwrap();
    let third = next(&mut window, &view, now).unwrap();
    assert_eq!(numbers(&second), (10, 10, 0));
    assert_eq!(numbers(&third), (20, 10, 0));
    let answer = bad(&second, too_large);
    let settled = window.on_answer(second, answer, now, 0.5);
    assert!(settled.done.is_empty() && settled.retries[0].is_divided);
    assert!(
        next(&mut window, &view, now).is_some_and(|part| numbers(&part) == (10, 5, 0)),
        "it waits for nothing"
    );
    let answer = bad(&third, ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER);
    assert!(window.on_answer(third, answer, now, 0.5).done.is_empty());
    assert!(next(&mut window, &view, now).is_none(), "one at a time");
}

#[test]
fn parts_land_where_they_land_and_the_rest_follows() {
    let now = Instant::now();
    for numbering in [Numbering::None, Numbering::Idempotent] {
        let mut window = dividing(numbering, 2, now);
        let view = view(&[1]);
        let mut answers = [(10, None), (5, Some(100)), (5, None), (2, Some(300))].into_iter();
        for (records, offset) in answers.by_ref() {
            let part = next(&mut window, &view, now).unwrap();
            assert_eq!(numbers(&part).1, records);
            let answer = match offset {
                None => bad(&part, ErrorCode::MESSAGE_TOO_LARGE),
                Some(_) => good(&part).map(|_| {
                    let produced = Produced {
                        base_offset: offset,
                    };
                    BTreeMap::from([(t(0), Ok(produced))])
                }),
            };
            assert!(window.on_answer(part, answer, now, 0.5).done.is_empty());
        }
        let last = next(&mut window, &view, now).unwrap();
        let answer = good(&last);
        let mut settled = window.on_answer(last, answer, now, 0.5);
        let (batch, outcome) = settled.done.remove(0);
        let (ticket, parts) = batch.into_parts(outcome);
        let offset = |part: &Part| part.outcome.clone().unwrap().base_offset.unwrap();
        let landed: Vec<_> = parts.iter().map(|it| (it.first, offset(it))).collect();
        assert_eq!((ticket, landed), (0, vec![(0, 100), (5, 300), (7, 7)]));
        let other = next(&mut window, &view, now).unwrap();
        assert_eq!(tickets(&other), [1]);
        if numbering == Numbering::Idempotent {
            assert_eq!(numbers(&other), (10, 10, 0));
        }
    }
}

#[test]
fn record_that_is_too_large_by_itself_is_refused_alone() {
    let now = Instant::now();
    let mut window = dividing(Numbering::Idempotent, 1, now);
    let view = view(&[1]);
    let mut sent = Vec::new();
    let done = loop {
        let part = next(&mut window, &view, now).unwrap();
        let (sequence, records, epoch) = numbers(&part);
        sent.push((sequence, records, epoch));
        // The first record is the one.
        let answer = match (sequence, epoch) {
            (0, 0) => bad(&part, ErrorCode::MESSAGE_TOO_LARGE),
            _ => good(&part),
        };
        let mut settled = window.on_answer(part, answer, now, 0.5);
        if let Some(done) = settled.done.pop() {
            break done;
        }
    };
    let before_the_gap = [(0, 10, 0), (0, 5, 0), (0, 2, 0), (0, 1, 0)];
    let behind_it = [(0, 1, 1), (1, 3, 1), (4, 5, 1)];
    assert_eq!(sent, [&before_the_gap[..], &behind_it].concat());
    let (_, parts) = done.0.into_parts(done.1);
    let outcomes: Vec<_> = parts
        .iter()
        .map(|part| (part.first, part.outcome.is_ok()))
        .collect();
    assert_eq!(outcomes, [(0, false), (1, true), (2, true), (5, true)]);
    assert!(window.is_empty());
}

#[test]
fn transaction_sends_parts_and_none_behind_one_that_is_refused() {
    let now = Instant::now();
    let mut window = dividing(Numbering::Transactional, 1, now);
    let view = view(&[1]);
    for records in [10, 5, 2] {
        let part = next(&mut window, &view, now).unwrap();
        assert_eq!(numbers(&part), (0, records, 0));
        assert!(opened(&part.batches[&t(0)].bytes).0.is_transactional);
        let answer = bad(&part, ErrorCode::MESSAGE_TOO_LARGE);
        assert!(window.on_answer(part, answer, now, 0.5).done.is_empty());
    }
    let last = next(&mut window, &view, now).unwrap();
    assert_eq!(numbers(&last), (0, 1, 0));
    let answer = bad(&last, ErrorCode::MESSAGE_TOO_LARGE);
    let (_, outcome) = window.on_answer(last, answer, now, 0.5).done.remove(0);
    assert!(outcome.is_err() && window.is_empty());
}
