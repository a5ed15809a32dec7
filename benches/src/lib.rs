//! Payloads that the benchmarks share.
