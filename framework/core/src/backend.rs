//! What a backend decides, without its storage: the checks of a push, in the order of the protocol.
