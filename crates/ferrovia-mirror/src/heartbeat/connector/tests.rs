//! Tests of this module.

use super::*;
use crate::testing::{Stage, listening};

#[test]
fn start_makes_the_topic_and_one_task_has_all_settings() {
    let stage = Stage::new();
    let settings = stage.settings(&[]);
    let (context, _heard) = listening();
    let mut connector = MirrorHeartbeatConnector::default();
    connector.start(&settings, context).unwrap();
    assert_eq!(stage.target.topic_end_offsets("heartbeats"), [0]);
    assert_eq!(connector.task_configs(5).unwrap(), [settings]);
    connector.stop().unwrap();
}

#[test]
fn without_heartbeats_there_is_no_task() {
    let stage = Stage::new();
    let settings = stage.settings(&[("emit.heartbeats.enabled", "false")]);
    let (context, _heard) = listening();
    let mut connector = MirrorHeartbeatConnector::default();
    connector.start(&settings, context).unwrap();
    assert!(connector.task_configs(5).unwrap().is_empty());
}
