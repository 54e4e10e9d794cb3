//! The backend through its public surface: the library in this process, the binary in one of its own.
