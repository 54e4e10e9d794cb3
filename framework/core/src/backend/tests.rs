//! What the decisions are, row by row of the protocol's table.
