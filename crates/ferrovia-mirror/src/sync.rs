//! Offset syncs: which offset at the target stands for which one at the source.
