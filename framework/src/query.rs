//! Queries and live queries.
