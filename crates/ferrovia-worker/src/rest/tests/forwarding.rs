//! Requests that another worker has to do.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::*;
use crate::config::mac_algorithm::MacAlgorithm;
use crate::herder::scripted::sink;
use crate::rest::client::ClientError;

fn elsewhere(url: Option<String>) -> impl FnMut(&Change) -> Result<Outcome, HerderError> {
    move |_| {
        Err(HerderError::Elsewhere {
            reason: "not the leader".to_owned(),
            url: url.as_deref().map(Arc::from),
        })
    }
}

#[test]
fn the_leaders_answer_is_passed_on_as_it_is() {
    run(async {
        let leader = stage(&[], |change| match change {
            Change::Create { name, .. } => Ok(Outcome::Connector {
                info: sink(name),
                is_new: true,
            }),
            Change::Stop(_) => Ok(Outcome::Done),
            _ => Err(HerderError::NotFound("Unknown connector: a/b".to_owned())),
        })
        .await;
        let follower = stage(&[], elsewhere(Some(leader.url.clone()))).await;
        let body = r#"{"name":"n","config":{"a":"ä"}}"#;
        let (status, head, answer) = follower.ask("POST", "/connectors", body).await;
        assert_eq!(status, 201);
        assert!(answer.starts_with(r#"{"name":"n","#), "{answer}");
        let at = leader.addresses[0];
        assert!(
            head.contains(&format!("location: http://{at}/connectors/n\r\n")),
            "{head}"
        );
        assert!(
            leader.last().contains(r#""a": Some("ä")"#),
            "{}",
            leader.last()
        );
        let (status, _, body) = follower.ask("PUT", "/connectors/a%2Fb/stop", "").await;
        assert_eq!((status, body.as_str()), (204, ""));
        assert_eq!(leader.last(), r#"Some(Stop("a/b"))"#);
        let target = "/connectors/a%2Fb/restart?onlyFailed=true&other=1";
        let refused = follower.error("POST", target, "").await;
        assert_eq!(refused, (404, "Unknown connector: a/b".to_owned()));
        assert!(
            leader
                .last()
                .contains("only_failed: true, include_tasks: false")
        );
    });
}

#[test]
fn a_request_makes_two_hops_and_no_more() {
    run(async {
        // Two workers that take each other for the leader.
        let address = Arc::new(Mutex::new(None));
        let to = Arc::clone(&address);
        let second = stage(&[], move |_| {
            Err(HerderError::Elsewhere {
                reason: String::new(),
                url: to.lock().unwrap().clone(),
            })
        })
        .await;
        let first = stage(&[], elsewhere(Some(second.url.clone()))).await;
        *address.lock().unwrap() = Some(Arc::from(first.url.as_str()));
        let words =
            "Cannot complete request because of a conflicting operation (e.g. worker rebalance)";
        let refused = (409, words.to_owned());
        assert_eq!(first.error("DELETE", "/connectors/n", "").await, refused);
        assert_eq!(first.asked.lock().unwrap().len(), 2);
        assert_eq!(second.asked.lock().unwrap().len(), 1);
        let target = "/connectors/n?forward=false";
        assert_eq!(first.error("DELETE", target, "").await, refused);
        assert_eq!(second.asked.lock().unwrap().len(), 1);
    });
}

#[test]
fn without_a_leader_nothing_is_sent() {
    run(async {
        let lonely = stage(&[], elsewhere(None)).await;
        let words = "Cannot complete request momentarily due to no known leader URL, likely because a rebalance was underway.";
        let refused = lonely.error("PUT", "/connectors/n/stop", "").await;
        assert_eq!(refused, (409, words.to_owned()));
        let is_first = lonely.asked.lock().unwrap().len() == 1;
        assert!(is_first, "there is nobody to wait for");
    });
}

#[test]
fn a_request_waits_for_the_next_leader_where_the_last_one_is_gone() {
    run(async {
        let leader = stage(&[], |_| Ok(Outcome::Done)).await;
        // A leader that has gone, and one that goes when it has heard the request.
        let gone = nobody();
        let (dying, heard) = hanging_up().await;
        let mut leaders = [gone.clone(), format!("http://{dying}/"), leader.url.clone()]
            .into_iter()
            .cycle();
        let follower = stage(&[], move |_| {
            Err(HerderError::Elsewhere {
                reason: String::new(),
                url: leaders.next().map(Arc::from),
            })
        })
        .await;
        let (status, _, body) = follower.ask("PUT", "/connectors/n/stop", "").await;
        assert_eq!((status, body.as_str()), (204, ""));
        assert_eq!(follower.asked.lock().unwrap().len(), 3);
        assert_eq!(leader.asked.lock().unwrap().len(), 1);
        assert_eq!(*heard.lock().unwrap(), 1);
        // What may have been done already is not done again: who asked has to look.
        let (status, words) = follower.error("POST", "/connectors/n/restart", "").await;
        assert_eq!(status, 500);
        assert!(words.starts_with(IO_ERROR), "{words}");
        assert_eq!(follower.asked.lock().unwrap().len(), 5);
        assert_eq!(leader.asked.lock().unwrap().len(), 1);
    });
}

#[test]
fn a_leader_that_stays_away_is_an_error_in_the_end() {
    run(async {
        let gone = stage(&[], elsewhere(Some(nobody()))).await;
        let (status, words) = gone.error("PUT", "/connectors/n/stop", "").await;
        assert_eq!(status, 500);
        assert!(words.starts_with(IO_ERROR), "{words}");
        let asked = gone.asked.lock().unwrap().len();
        assert!((2..=4).contains(&asked), "{asked}");
    });
}

#[test]
fn a_leader_that_says_nothing_is_not_waited_for_longer_than_a_request_may_take() {
    run(async {
        // The system takes the connection, and nobody reads.
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let silent = format!("http://{}/", socket.local_addr().unwrap());
        let follower = stage(&[], elsewhere(Some(silent))).await;
        let asked = follower.error("PUT", "/connectors/n/stop", "");
        let (status, words) = tokio::time::timeout(PATIENCE * 4, asked).await.unwrap();
        assert_eq!(status, 500);
        assert!(words.starts_with("Request timed out"), "{words}");
    });
}

const IO_ERROR: &str = "IO Error trying to forward REST request: ";

/// An address that nobody listens at.
fn nobody() -> String {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}/", free.local_addr().unwrap())
}

/// A server that ends each connection after the request has come, and how many there were.
async fn hanging_up() -> (SocketAddr, Arc<Mutex<usize>>) {
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let heard = Arc::new(Mutex::new(0));
    let count = Arc::clone(&heard);
    tokio::task::spawn_local(async move {
        loop {
            let (mut stream, _) = socket.accept().await.unwrap();
            assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
            *count.lock().unwrap() += 1;
        }
    });
    (address, heard)
}

#[test]
fn credentials_and_signatures_go_along() {
    run(async {
        let (server, heard) =
            listener("HTTP/1.1 302 Found\r\nLocation: http://evil/\r\nContent-Length: 0\r\n\r\n")
                .await;
        let worker = stage(&[], elsewhere(Some(format!("http://{server}")))).await;
        let headers = "Authorization: Basic eA==\r\nX-Connect-Authorization: aGk=\r\nX-Connect-Request-Signature-Algorithm: HmacSHA256\r\nCookie: no\r\n";
        let (status, _, body) = whole(
            worker.addresses[0],
            "POST",
            "/connectors/n/tasks",
            headers,
            "[]",
        )
        .await;
        assert_eq!(status, 500);
        assert!(
            body.contains("Unexpected status code when handling forwarded request: 302"),
            "{body}"
        );
        let heard = heard.await.unwrap();
        assert!(
            heard.starts_with("POST /connectors/n/tasks?forward=true HTTP/1.1\r\n"),
            "{heard}"
        );
        for line in [
            "authorization: Basic eA==",
            "x-connect-authorization: aGk=",
            "x-connect-request-signature-algorithm: HmacSHA256",
            "accept: application/json",
            "user-agent: kafka-connect",
            "content-type: application/json",
        ] {
            assert!(heard.contains(&format!("{line}\r\n")), "{line}: {heard}");
        }
        assert!(!heard.contains("cookie"), "{heard}");
        assert!(heard.ends_with("\r\n\r\n[]"), "{heard}");
    });
}

#[test]
fn workers_sign_what_they_send_each_other() {
    run(async {
        let leader = stage(&[], |_| Ok(Outcome::Done)).await;
        let client = InternalClient::new(config(&[]).tls);
        let tasks = [BTreeMap::from([("a".to_owned(), "b".to_owned())])];
        let sent = client.put_tasks(&leader.url, "x/y", &tasks, b"key", MacAlgorithm::HmacSha256);
        sent.await.unwrap();
        let last = leader.last();
        assert!(
            last.contains(r#"name: "x/y", tasks: [{"a": "b"}]"#),
            "{last}"
        );
        assert!(
            last.contains(r#"authorization: Some("EbyF8qBQY+GE5ly9A0Y6S92oAsVyrNW9B9EiTeGhUaM=")"#),
            "{last}"
        );
        let sent = client.fence(&leader.url, "x", b"key", MacAlgorithm::HmacSha512);
        sent.await.unwrap();
        assert!(
            leader
                .last()
                .contains(r#"algorithm: Some("HmacSHA512"), body: []"#)
        );
    });
}

#[test]
fn a_refusal_says_whether_to_try_again() {
    run(async {
        let leader = stage(&[], |_| Err(HerderError::Forbidden("wrong key".into()))).await;
        let client = InternalClient::new(config(&[]).tls);
        let sent = client
            .fence(&leader.url, "x", b"key", MacAlgorithm::HmacSha1)
            .await;
        let error = sent.unwrap_err();
        let message = "wrong key".to_owned();
        assert_eq!(
            error,
            ClientError::Refused {
                status: 403,
                message
            }
        );
        assert!(error.is_retriable());
        let error = client
            .fence("nothing", "x", b"k", MacAlgorithm::HmacSha1)
            .await
            .unwrap_err();
        assert!(!error.is_retriable(), "{error:?}");
    });
}

/// A server that answers one request with this text, and what it heard.
async fn listener(answer: &'static str) -> (SocketAddr, tokio::task::JoinHandle<String>) {
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let heard = tokio::task::spawn_local(async move {
        let (mut stream, _) = socket.accept().await.unwrap();
        let mut heard = Vec::new();
        while !heard.ends_with(b"[]") {
            let mut chunk = [0; 4096];
            let count = stream.read(&mut chunk).await.unwrap();
            assert!(count > 0, "the request ends early");
            heard.extend_from_slice(&chunk[..count]);
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(heard).unwrap()
    });
    (address, heard)
}
