//! Credit is given out in order, waited for, and comes back with the last reference to a frame.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::*;

const MIB: usize = 1 << 20;

fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn credit_comes_back_when_dropped_or_shrunk() {
    let budget = MemoryBudget::new(8 * MIB);
    let mut credit = budget.try_reserve(6 * MIB).unwrap();
    assert!(budget.try_reserve(3 * MIB).is_none());
    credit.shrink_to(MIB);
    assert_eq!(budget.used_bytes(), MIB);
    drop(credit);
    assert_eq!(budget.used_bytes(), 0);
}

#[test]
fn request_larger_than_the_budget_is_admitted_alone() {
    let budget = MemoryBudget::new(MIB);
    let small = budget.try_reserve(1).unwrap();
    let mut large = pin!(budget.reserve(100 * MIB));
    assert!(poll_once(large.as_mut()).is_pending());
    assert!(budget.is_tight());
    drop(small);
    let Poll::Ready(credit) = poll_once(large.as_mut()) else {
        panic!("not admitted")
    };
    assert_eq!(credit.bytes(), MIB);
    assert!(budget.try_reserve(1).is_none());
}

#[test]
fn waiters_are_served_in_order_and_a_dropped_one_leaves_the_queue() {
    let budget = MemoryBudget::new(4 * MIB);
    let held = budget.try_reserve(4 * MIB).unwrap();
    let mut first = Box::pin(budget.reserve(4 * MIB));
    let mut second = Box::pin(budget.reserve(MIB));
    assert!(poll_once(first.as_mut()).is_pending());
    assert!(poll_once(second.as_mut()).is_pending());
    drop(held);
    assert!(
        poll_once(second.as_mut()).is_pending(),
        "the small request must not overtake"
    );
    drop(first);
    assert!(poll_once(second.as_mut()).is_ready());
}

#[test]
fn credit_covers_a_larger_answer_without_waiting() {
    let budget = MemoryBudget::new(4 * MIB);
    let mut credit = budget.try_reserve(MIB).unwrap();
    credit.cover(2 * MIB);
    assert_eq!(credit.bytes(), 2 * MIB);
    let _rest = budget.try_reserve(2 * MIB).unwrap();
    credit.cover(3 * MIB);
    assert_eq!(
        credit.bytes(),
        2 * MIB,
        "an exhausted budget is overdrawn, not waited for"
    );
}

#[test]
fn frame_gives_buffer_and_credit_back_with_its_last_slice() {
    let budget = MemoryBudget::new(4 * MIB);
    let pool = FramePool::new(16 * MIB);
    let mut buffer = pool.take(MIB);
    buffer.space()[..5].copy_from_slice(b"hello");
    let frame = buffer.freeze(5, budget.try_reserve(MIB));
    let slice = frame.slice(1..3);
    assert_eq!(&frame[..], b"hello");
    drop(frame);
    assert_eq!(budget.used_bytes(), MIB);
    assert_eq!(pool.idle_bytes(), 0);
    drop(slice);
    assert_eq!(budget.used_bytes(), 0);
    assert!(pool.idle_bytes() >= MIB);
    let taken = pool.take_idle(MIB);
    assert!(taken.is_some());
    assert_eq!(pool.idle_bytes(), 0);
}

#[test]
fn pool_keeps_no_more_than_its_limit_and_no_one_off_buffers() {
    let pool = FramePool::new(3 * MIB);
    drop((pool.take(MIB), pool.take(MIB), pool.take(MIB)));
    assert!(pool.idle_bytes() <= 3 * MIB);
    let idle = pool.idle_bytes();
    drop(pool.take(64 * MIB));
    assert_eq!(pool.idle_bytes(), idle);
}
