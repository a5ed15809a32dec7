//! Every advertised request in every version, and the outlines against the real encoders.
