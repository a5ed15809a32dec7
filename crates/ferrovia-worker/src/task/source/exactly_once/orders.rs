//! The transactional producer of a task, on the event loop that sends: it does what the task orders, in order.
//!
//! A transaction begins with the first batch after the end of the one before. What is open when nobody gives orders any
//! more is aborted.

use std::time::Duration;

use bytes::Bytes;
use ferrovia_client::TopicPartition;
use ferrovia_client::cluster::Cluster;
use ferrovia_client::produce::{Ack, Part, ProduceError, Transaction, TransactionalProducer};
use ferrovia_client::settings::ProducerSettings;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};

/// The way to the producer. It ends with this.
#[derive(Debug)]
pub(in crate::task::source) struct Orders {
    queue: mpsc::Sender<Order>,
    /// Lets the producer begin; gone once it has.
    begin: Option<oneshot::Sender<Told>>,
    /// Tells by its end that nobody waits any more.
    _interest: oneshot::Sender<()>,
}

/// Resolves when the producer has its transactional id for itself, or cannot have it.
pub(in crate::task::source) type Ready = oneshot::Receiver<Result<(), ProduceError>>;
type Told = oneshot::Sender<Result<(), ProduceError>>;
/// Resolves when a transaction has ended.
pub(in crate::task::source) type Ended = oneshot::Receiver<Result<(), ProduceError>>;

/// How a transaction ends.
#[derive(Debug)]
pub(in crate::task::source) enum Ending {
    /// With these batches in it, if anything is.
    Commit(Vec<(TopicPartition, Bytes)>),
    /// With nothing.
    Abort,
}

#[derive(Debug)]
enum Order {
    Send {
        partition: TopicPartition,
        bytes: Bytes,
        sent: oneshot::Sender<Result<Ack, ProduceError>>,
    },
    End {
        ending: Ending,
        ended: oneshot::Sender<Result<(), ProduceError>>,
    },
}

/// A batch that the producer is to send.
#[derive(Debug)]
pub(in crate::task::source) struct Sending(oneshot::Receiver<Result<Ack, ProduceError>>);

impl Sending {
    /// What became of its parts.
    pub(in crate::task::source) async fn parts(self) -> Vec<Part> {
        match self.0.await {
            Ok(Ok(ack)) => ack.parts().await,
            Ok(Err(error)) => Part::all(Err(error)),
            Err(_) => Part::all(Err(ProduceError::Closed)),
        }
    }
}

impl Orders {
    /// A producer on the current event loop, which does nothing yet.
    pub(in crate::task::source) fn open(cluster: Cluster, settings: ProducerSettings) -> Self {
        let (queue, orders) = mpsc::channel(QUEUED_ORDERS);
        let (interest, lost) = oneshot::channel();
        let (begin, begun) = oneshot::channel();
        tokio::spawn(async move {
            let forsaken = async {
                // Nobody ever sends: it resolves when the other end is dropped.
                let _ = lost.await;
                sleep(LAST_ABORT_TIMEOUT).await;
            };
            tokio::select! {
                () = serve(cluster, settings, begun, orders) => {}
                () = forsaken => {}
            }
        });
        Self {
            queue,
            begin: Some(begin),
            _interest: interest,
        }
    }

    /// Takes the transactional id over: what others have produced with it and not committed is aborted. `None` when that
    /// was ordered before.
    pub(in crate::task::source) fn initialize(&mut self) -> Option<Ready> {
        let (tell, ready) = oneshot::channel();
        // One that is gone tells nothing, and that is heard.
        let _begun = self.begin.take()?.send(tell);
        Some(ready)
    }

    /// Has a batch sent, in a new transaction if none is open.
    pub(in crate::task::source) async fn send(
        &self,
        partition: TopicPartition,
        bytes: Bytes,
    ) -> Sending {
        let (sent, outcome) = oneshot::channel();
        let order = Order::Send {
            partition,
            bytes,
            sent,
        };
        // If nobody serves, the outcome says so.
        let _queued = self.queue.send(order).await;
        Sending(outcome)
    }

    /// Has the transaction end.
    pub(in crate::task::source) async fn end(&self, ending: Ending) -> Ended {
        let (ended, outcome) = oneshot::channel();
        let _queued = self.queue.send(Order::End { ending, ended }).await;
        outcome
    }
}

async fn serve(
    cluster: Cluster,
    settings: ProducerSettings,
    begun: oneshot::Receiver<Told>,
    mut orders: mpsc::Receiver<Order>,
) {
    let Ok(tell) = begun.await else {
        return;
    };
    let mut producer = match TransactionalProducer::start(cluster, settings).await {
        Ok(producer) => producer,
        Err(error) => return drop(tell.send(Err(error))),
    };
    if tell.send(Ok(())).is_err() {
        return;
    }
    while let Some(order) = orders.recv().await {
        match order {
            // Nothing is open.
            Order::End {
                ending: Ending::Abort,
                ended,
            } => drop(ended.send(Ok(()))),
            Order::End {
                ending: Ending::Commit(offsets),
                ended,
            } if offsets.is_empty() => drop(ended.send(Ok(()))),
            first => match producer.begin().await {
                Ok(transaction) => transact(transaction, first, &mut orders).await,
                Err(error) => refuse(first, error),
            },
        }
    }
}

/// Does what is ordered until the transaction ends.
async fn transact(transaction: Transaction<'_>, first: Order, orders: &mut mpsc::Receiver<Order>) {
    let mut next = Some(first);
    while let Some(order) = next {
        match order {
            Order::Send {
                partition,
                bytes,
                sent,
            } => drop(sent.send(Ok(transaction.send(partition, bytes).await))),
            Order::End { ending, ended } => {
                let outcome = match ending {
                    Ending::Abort => transaction.abort().await,
                    Ending::Commit(offsets) => {
                        for (partition, bytes) in offsets {
                            // What becomes of it is part of what becomes of the transaction.
                            drop(transaction.send(partition, bytes).await);
                        }
                        transaction.commit().await
                    }
                };
                // Whoever asked may have given up.
                return drop(ended.send(outcome));
            }
        }
        next = orders.recv().await;
    }
    let _in_time = timeout(LAST_ABORT_TIMEOUT, transaction.abort()).await;
}

fn refuse(order: Order, error: ProduceError) {
    match order {
        Order::Send { sent, .. } => drop(sent.send(Err(error))),
        Order::End { ended, .. } => drop(ended.send(Err(error))),
    }
}

/// Orders that wait for the producer.
const QUEUED_ORDERS: usize = 64;
/// How long a task that has gone lets its transaction be aborted.
const LAST_ABORT_TIMEOUT: Duration = Duration::from_secs(5);
