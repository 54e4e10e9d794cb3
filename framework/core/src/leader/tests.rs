//! Scenarios of the leader alone.
