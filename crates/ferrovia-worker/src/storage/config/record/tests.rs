//! Facts about records' bytes: they are those of a Java worker.

use super::*;
use crate::storage::recorded;

/// Java writes a connector's settings in the order of the user's request, which is not known here; everything else is the
/// same byte for byte.
#[test]
fn records_of_a_java_worker_are_written_as_they_were_read() {
    for record in recorded::records("configs") {
        let (key, value) = (record.key.as_bytes(), record.value.as_deref());
        let parsed = ConfigRecord::parse(Some(key), value.map(str::as_bytes)).unwrap();
        assert_eq!(parsed.key(), record.key);
        let written = parsed
            .value()
            .map(|value| String::from_utf8(value).unwrap());
        if let ConfigRecord::Connector { .. } = &parsed {
            let sorted = |text: &str| {
                serde_json::from_str::<BTreeMap<String, BTreeMap<String, String>>>(text).unwrap()
            };
            assert_eq!(written.as_deref().map(sorted), value.map(sorted));
        } else {
            assert_eq!(written.as_deref(), value, "{}", record.key);
        }
    }
}

#[test]
fn bytes_are_those_of_javas_classes() {
    let check = |record: ConfigRecord, key: &str, value: &str| {
        assert_eq!(record.key(), key);
        let written = record.value().unwrap();
        assert_eq!(String::from_utf8(written.clone()).unwrap(), value);
        let read = ConfigRecord::parse(Some(key.as_bytes()), Some(&written)).unwrap();
        assert_eq!(read, record);
    };
    let name: Arc<str> = "n".into();
    check(
        ConfigRecord::Target {
            name: Arc::clone(&name),
            state: Some(TargetState::Stopped),
        },
        "target-state-n",
        r#"{"state":"PAUSED","state.v2":"STOPPED"}"#,
    );
    check(
        ConfigRecord::Restart(RestartRequest {
            connector: Arc::clone(&name),
            only_failed: false,
            include_tasks: true,
        }),
        "restart-connector-n",
        r#"{"include-tasks":true,"only-failed":false}"#,
    );
    check(
        ConfigRecord::SessionKey(SessionKey {
            key: [0_u8].into(),
            algorithm: "HmacSHA256".into(),
            created_ms: 1,
        }),
        "session-key",
        r#"{"key":"AA==","algorithm":"HmacSHA256","creation-timestamp":1}"#,
    );
    let settings = [("a", "1"), ("b", "x/y\"é")].map(|(key, value)| (key.into(), value.into()));
    check(
        ConfigRecord::Connector {
            name: Arc::clone(&name),
            settings: Some(Arc::new(settings.into())),
        },
        "connector-n",
        r#"{"properties":{"a":"1","b":"x/y\"é"}}"#,
    );
    check(
        ConfigRecord::TasksFencing { name, tasks: 3 },
        "tasks-fencing-n",
        r#"{"task-count":3}"#,
    );
}
