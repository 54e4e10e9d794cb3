//! Tests of what can be observed through the public interface.

mod derive;
