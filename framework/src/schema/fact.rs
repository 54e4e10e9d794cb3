//! Facts as the derived events write them.

use std::fmt::Write as _;

use headwater_core::limits::MAX_FACT_BYTES;
use rusqlite::types::{ToSqlOutput, ValueRef};

use crate::schema::{TableDef, ToColumn};

/// The fact of a row, such as `todos/42`: the table's name and the values of its primary key, among `values`.
#[must_use]
pub fn row(table: &TableDef, values: &[(&str, &dyn ToColumn)]) -> String {
    let mut fact = table.name.to_owned();
    for column in table.primary_key {
        fact.push('/');
        if let Some((_, value)) = values.iter().find(|(name, _)| name == column) {
            fact.push_str(&part(*value));
        }
    }
    fit(fact)
}

/// A fact of its pieces of text with values between them.
#[must_use]
pub fn text(pieces: &[&str], values: &[&dyn ToColumn]) -> String {
    let mut values = values.iter();
    let fact = pieces.iter().fold(String::new(), |fact, piece| {
        let value = values.next().map(|value| part(*value)).unwrap_or_default();
        fact + piece + &value
    });
    fit(fact)
}

/// A value within a fact. `/` and `%` are escaped, so that `a/b` is one value and not two.
fn part(value: &dyn ToColumn) -> String {
    // A value that has no form can't be materialized either: the commit fails.
    let Ok(value) = value.to_column() else {
        return String::new();
    };
    let value = match &value {
        ToSqlOutput::Borrowed(value) => *value,
        ToSqlOutput::Owned(value) => value.into(),
        _ => ValueRef::Null,
    };
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(bytes) => String::from_utf8_lossy(bytes).replace('%', "%25").replace('/', "%2F"),
        ValueRef::Blob(bytes) => bytes.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        }),
    }
}

/// A fact that is too long is replaced by its hash; what stands before its last values stays readable.
fn fit(fact: String) -> String {
    if fact.len() <= MAX_FACT_BYTES {
        return fact;
    }
    let readable: String = fact.chars().take(64).collect();
    format!("{readable}…{}", blake3::hash(fact.as_bytes()).to_hex())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAGGED: TableDef =
        TableDef { name: "tagged", columns: &[], primary_key: &["todo", "tag"], indexes: &[], constraints: &[] };

    #[test]
    fn a_row_is_told_by_its_primary_key_in_the_tables_order() {
        assert_eq!(row(&TAGGED, &[("tag", &7), ("note", &"x"), ("todo", &"a/b%")]), "tagged/a%2Fb%25/7");
        assert_eq!(row(&TAGGED, &[("tag", &[1u8, 255].as_slice()), ("todo", &None::<i64>)]), "tagged//01ff");
    }

    #[test]
    fn text_has_its_values_between_its_pieces() {
        assert_eq!(text(&["lists/", "/todos"], &[&"in/box"]), "lists/in%2Fbox/todos");
        assert_eq!(text(&["settings"], &[]), "settings");
    }

    #[test]
    fn a_long_key_stays_within_the_limit_and_distinct() {
        let fact = |end: &str| row(&TAGGED, &[("todo", &format!("{}{end}", "x".repeat(600))), ("tag", &1)]);
        assert!(fact("a").len() <= MAX_FACT_BYTES && fact("a").starts_with("tagged/xxx"));
        assert_ne!(fact("a"), fact("b"));
    }
}
