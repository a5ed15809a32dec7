//! A Kafka wire client: bytes in, bytes out. It knows brokers and never opens a record.
