//! The leader's state machine.
