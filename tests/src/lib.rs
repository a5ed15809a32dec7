//! Starting and driving real Apache Kafka and Java Connect processes from tests.
