//! An embedded single-process Kafka-protocol broker for the demo, tests and fault injection. Not for production.
