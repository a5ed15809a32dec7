//! What a task reports of itself, and that commands are heard whatever it does.

use std::time::{Duration, Instant};

use ferrovia_broker::{ApiKey, Fault, Times};
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::sink::Placement;
use ferrovia_worker::status::State;

use crate::probe::{Call, Given, at};
use crate::stage::{Stage, play, until};
use crate::unspeakable::Unspeakable;

#[test]
fn paused_task_is_not_polled_until_it_goes_on() {
    play(async {
        let stage = Stage::new(1).await;
        let mut task = stage.task(&[]).await;
        task.until_state(State::Running).await;
        task.pause(true).await;
        task.until_state(State::Paused).await;
        let polls = task.probe.polls();
        task.probe.give_records([at("a", 1)]);
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(task.probe.polls(), polls);
        task.pause(false).await;
        task.until_state(State::Running).await;
        stage.until_count("t", 1).await;
        task.stop().await;
        stage.end().await;
    });
}

#[test]
fn task_that_begins_paused_is_started_when_it_goes_on() {
    play(async {
        let stage = Stage::new(1).await;
        let own = Placement::OwnThread;
        let mut task = stage.task_on(own, &[], true).await;
        task.until_state(State::Paused).await;
        assert!(task.probe.calls().is_empty());
        task.pause(false).await;
        task.until_state(State::Running).await;
        task.stop().await;
        let mut task = stage.task_on(own, &[], true).await;
        task.until_state(State::Paused).await;
        let probe = task.stop().await;
        assert!(probe.calls().is_empty(), "it never ran");
        stage.end().await;
    });
}

#[test]
fn task_that_wants_to_be_left_alone_hears_commands_at_once() {
    play(async {
        let stage = Stage::new(1).await;
        let hour = Duration::from_secs(3600);
        let placements = [Placement::OwnThread, Placement::Shared];
        for (placement, wait) in placements.into_iter().zip([hour, Duration::MAX]) {
            let mut task = stage.task_on(placement, &[], false).await;
            task.until_state(State::Running).await;
            task.probe.give(Given::Wait(wait));
            tokio::time::sleep(Duration::from_millis(30)).await;
            let polls = task.probe.polls();
            let asked = Instant::now();
            task.pause(true).await;
            task.until_state(State::Paused).await;
            task.pause(false).await;
            task.until_state(State::Running).await;
            assert_eq!(task.probe.polls(), polls, "it still wants to wait");
            task.stop().await;
            assert!(asked.elapsed() < Duration::from_secs(5));
        }
        stage.end().await;
    });
}

#[test]
fn retriable_error_is_as_good_as_no_records() {
    play(async {
        let stage = Stage::new(1).await;
        let mut task = stage.task(&[]).await;
        task.until_state(State::Running).await;
        task.probe
            .give(Given::Error(ConnectError::retriable("later")));
        task.probe.give_records([at("a", 1)]);
        stage.until_count("t", 1).await;
        task.stop().await;
        stage.end().await;
    });
}

#[test]
fn failed_task_has_stored_what_kafka_has() {
    play(async {
        let stage = Stage::new(1).await;
        let mut task = stage.task(&[]).await;
        task.until_state(State::Running).await;
        task.probe.give_records([at("a", 1)]);
        task.probe
            .give(Given::Error(ConnectError::failed("no more")));
        let (trace, probe) = task.until_failed().await;
        assert_eq!(
            trace,
            "org.apache.kafka.connect.errors.ConnectException: no more"
        );
        assert_eq!(stage.stored("a").await, Some(1));
        assert_eq!(
            probe.calls()[1..],
            [Call::Poll(1), Call::Commit, Call::Stop]
        );
        stage.end().await;
    });
}

#[test]
fn panic_fails_the_task_which_is_called_no_more_but_to_stop() {
    play(async {
        let stage = Stage::new(1).await;
        let mut task = stage.task(&[]).await;
        task.until_state(State::Running).await;
        task.probe.give_records([at("a", 1).tag(1)]);
        task.probe.give(Given::Panic("boom"));
        let (trace, probe) = task.until_failed().await;
        assert!(trace.contains("the task panicked in poll: boom"), "{trace}");
        assert_eq!(stage.stored("a").await, Some(1), "Kafka has it");
        let calls = probe.calls();
        assert_eq!(calls.last(), Some(&Call::Stop));
        assert!(!calls.contains(&Call::Commit));
        stage.end().await;
    });
}

#[test]
fn panic_of_the_worker_itself_fails_the_task_which_can_be_stopped() {
    play(async {
        let stage = Stage::new(1).await;
        for placement in [Placement::OwnThread, Placement::Shared] {
            let mut task = stage.task_on(placement, &[], false).await;
            task.until_state(State::Running).await;
            let error = ConnectError::failed_by("no more", Unspeakable);
            task.probe.give(Given::Error(error));
            let trace = task.until_state(State::Failed).await;
            assert!(
                trace.contains("the worker itself panicked: no words"),
                "{trace}"
            );
            task.ask_to_stop().await;
            task.until_ended().await;
        }
        stage.end().await;
    });
}

#[test]
fn task_that_cannot_start_has_failed_and_is_stopped() {
    play(async {
        let stage = Stage::new(1).await;
        let task = stage.task(&[("fails.to.start", "no way")]).await;
        let (trace, probe) = task.until_failed().await;
        assert!(trace.contains("no way"), "{trace}");
        let calls = [Call::Start(vec![None, None]), Call::Stop];
        assert_eq!(probe.calls(), calls);
        stage.end().await;
    });
}

/// A stage whose offsets cannot be read at the moment.
async fn without_offsets() -> Stage {
    let stage = Stage::with_topic_of_offsets().await;
    assert_eq!(stage.stored("a").await, None);
    let faults = stage.broker().faults();
    faults.inject(ApiKey::ListOffsets, Fault::Drop, Times::Always);
    stage
}

#[test]
fn task_whose_offsets_cannot_be_read_hears_that_it_is_to_stop_and_is_not_called() {
    play(async {
        let stage = without_offsets().await;
        let probe = stage.task(&[]).await.stop().await;
        assert_eq!(probe.calls(), []);
        stage.broker().faults().clear();
        stage.end().await;
    });
}

#[test]
fn task_that_is_paused_before_it_has_started_is_paused_when_it_has() {
    play(async {
        let stage = without_offsets().await;
        let mut task = stage.task(&[]).await;
        task.pause(true).await;
        task.until_state(State::Paused).await;
        stage.broker().faults().clear();
        task.until_state(State::Running).await;
        task.until_state(State::Paused).await;
        assert_eq!(task.probe.polls(), 0);
        task.pause(false).await;
        task.until_state(State::Running).await;
        until("polled", || task.probe.polls() > 0).await;
        task.stop().await;
        stage.end().await;
    });
}

#[test]
fn polls_follow_each_other_without_a_pause() {
    play(async {
        let stage = Stage::new(1).await;
        let mut task = stage.task(&[]).await;
        task.until_state(State::Running).await;
        for position in 0..200 {
            task.probe.give_records([at("a", position)]);
        }
        stage.until_count("t", 200).await;
        until("written", || task.counts().written == 200).await;
        assert_eq!(task.counts().active(), 0);
        task.stop().await;
        let expected: Vec<String> = (0..200).map(|position| format!("a{position}")).collect();
        assert_eq!(stage.values(0).await, expected);
        stage.end().await;
    });
}
