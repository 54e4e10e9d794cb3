//! What the authorizer does not report although a statement reads or writes it. Each of these is answered by a footprint
//! that is too large, never by one that is too small.
//!
//! - `UPDATE OR REPLACE`, and an UPDATE of a table with `ON CONFLICT REPLACE`, deletes other rows.
//! - An UPDATE changes the generated columns that follow from what it sets.
//! - `SET rowid = …` changes the integer primary key, whatever its name.
//! - A virtual table may read any other table, and its rows are in tables of its own.
//! - SQLite's own tables change as a side effect.

/// Whether SQL may resolve conflicts by replacing rows: it has the word `REPLACE`, and not only as the function.
pub(crate) fn replaces_rows(sql: &str) -> bool {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let sql = sql.to_lowercase();
    sql.match_indices("replace").any(|(start, word)| {
        let (before, after) = (&sql[..start], &sql[start + word.len()..]);
        !before.ends_with(is_word) && !after.starts_with(is_word) && !after.trim_start().starts_with('(')
    })
}

/// Whether the rows of a table can change by writes to others.
pub(crate) fn is_opaque(table: &str, virtual_tables: &[String]) -> bool {
    let belongs = |owner: &String| {
        table.strip_prefix(owner.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    };
    table.starts_with("sqlite_") || table == "dbstat" || virtual_tables.iter().any(belongs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_replace_is_told_from_the_function() {
        for sql in [
            "UPDATE OR REPLACE t SET a = 1",
            "update or/**/replace t set a = 1",
            "a TEXT UNIQUE ON CONFLICT REPLACE, b",
            "Replace",
        ] {
            assert!(replaces_rows(sql), "{sql}");
        }
        for sql in [
            "UPDATE t SET a = replace(a, 'x', 'y')",
            "SELECT replace (a, 'x', 'y')",
            "UPDATE t SET replaced = 1, no_replace = 2",
        ] {
            assert!(!replaces_rows(sql), "{sql}");
        }
    }

    #[test]
    fn virtual_tables_and_their_own_tables_are_opaque() {
        let words = ["words".to_owned()];
        assert!(["words", "words_content", "sqlite_sequence", "dbstat"].iter().all(|table| is_opaque(table, &words)));
        assert!(["todos", "wordsmith", "my_words"].iter().all(|table| !is_opaque(table, &words)));
    }
}
