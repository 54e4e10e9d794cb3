//! SQL of the derived materializers, put together while the app is compiled.
//!
//! A derived event knows the columns that it sets but not the table's name or key: those stand in the
//! [`TableDef`] of another type, a constant. So the text is built by constant functions, which also find what the two
//! declarations contradict each other in.

use crate::schema::{ColumnDef, TableDef};

/// A text of `N` bytes. Built twice: with `N = 0` to learn its length, then with that length.
#[derive(Clone, Copy)]
pub struct SqlText<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

/// Builds a statement at compile time: `sql!(delete(&TABLE, &["id"]))`.
#[doc(hidden)]
#[macro_export]
macro_rules! __sql {
    ($build:ident($($argument:expr),* $(,)?)) => {{
        const LEN: usize = $crate::__private::sql::$build::<0>($($argument),*).len();
        const TEXT: &$crate::__private::sql::SqlText<LEN> = &$crate::__private::sql::$build::<LEN>($($argument),*);
        TEXT.as_str()
    }};
}

impl<const N: usize> SqlText<N> {
    const fn new() -> Self {
        Self { bytes: [0; N], len: 0 }
    }

    /// How many bytes were written, stored or not.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "no statement is empty")]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// The text.
    ///
    /// # Panics
    /// If it is longer than `N`.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        assert!(self.len <= N, "the text is longer than its room");
        match std::str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => text,
            Err(_) => panic!("pieces of UTF-8 are UTF-8"),
        }
    }

    const fn byte(&mut self, byte: u8) {
        if self.len < N {
            self.bytes[self.len] = byte;
        }
        self.len += 1;
    }

    const fn text(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut i = 0;
        while i < bytes.len() {
            self.byte(bytes[i]);
            i += 1;
        }
    }

    const fn name(&mut self, name: &str) {
        self.byte(b'"');
        let bytes = name.as_bytes();
        let mut i = 0;
        while i < bytes.len() {
            if bytes[i] == b'"' {
                self.byte(b'"');
            }
            self.byte(bytes[i]);
            i += 1;
        }
        self.byte(b'"');
    }

    const fn names(&mut self, names: &[&str]) {
        let mut i = 0;
        while i < names.len() {
            self.text(if i == 0 { "" } else { ", " });
            self.name(names[i]);
            i += 1;
        }
    }

    /// `?7`.
    const fn parameter(&mut self, number: usize) {
        self.byte(b'?');
        let mut unit = 1;
        while unit * 10 <= number {
            unit *= 10;
        }
        while unit > 0 {
            #[expect(clippy::cast_possible_truncation, reason = "a digit")]
            self.byte(b'0' + (number / unit % 10) as u8);
            unit /= 10;
        }
    }

    /// `"a" = ?3 AND "b" = ?4`.
    const fn equalities(&mut self, names: &[&str], separator: &str, first: usize) {
        let mut i = 0;
        while i < names.len() {
            self.text(if i == 0 { "" } else { separator });
            self.name(names[i]);
            self.text(" = ");
            self.parameter(first + i);
            i += 1;
        }
    }
}

/// What comes one after the other.
#[must_use]
pub const fn concat<const N: usize>(pieces: &[&str]) -> SqlText<N> {
    let mut sql = SqlText::new();
    let mut i = 0;
    while i < pieces.len() {
        sql.text(pieces[i]);
        i += 1;
    }
    sql
}

/// `INSERT INTO "todos" ("id", "text") VALUES (?1, ?2)`; `verb` is what stands before the table.
#[must_use]
pub const fn insert<const N: usize>(verb: &str, table: &TableDef, columns: &[&str]) -> SqlText<N> {
    let mut sql = SqlText::new();
    sql.text(verb);
    sql.byte(b' ');
    sql.name(table.name);
    sql.text(" (");
    sql.names(columns);
    sql.text(") VALUES (");
    let mut i = 0;
    while i < columns.len() {
        sql.text(if i == 0 { "" } else { ", " });
        sql.parameter(i + 1);
        i += 1;
    }
    sql.byte(b')');
    sql
}

/// An insert that sets the same columns of a row that has the same primary key, except those in `keep`.
#[must_use]
pub const fn upsert<const N: usize>(table: &TableDef, columns: &[&str], keep: &[&str]) -> SqlText<N> {
    let mut sql = insert("INSERT INTO", table, columns);
    sql.text(" ON CONFLICT (");
    sql.names(table.primary_key);
    sql.text(") DO ");
    let mut updated = 0;
    let mut i = 0;
    while i < columns.len() {
        if !contains(table.primary_key, columns[i]) && !contains(keep, columns[i]) {
            sql.text(if updated == 0 { "UPDATE SET " } else { ", " });
            sql.name(columns[i]);
            sql.text(" = excluded.");
            sql.name(columns[i]);
            updated += 1;
        }
        i += 1;
    }
    if updated == 0 {
        sql.text("NOTHING");
    }
    sql
}

/// `UPDATE "todos" SET "text" = ?1 WHERE "id" = ?2`.
#[must_use]
pub const fn update<const N: usize>(table: &TableDef, columns: &[&str], key: &[&str]) -> SqlText<N> {
    let mut sql = SqlText::new();
    sql.text("UPDATE ");
    sql.name(table.name);
    sql.text(" SET ");
    sql.equalities(columns, ", ", 1);
    sql.text(" WHERE ");
    sql.equalities(key, " AND ", columns.len() + 1);
    sql
}

/// `DELETE FROM "todos" WHERE "id" = ?1`.
#[must_use]
pub const fn delete<const N: usize>(table: &TableDef, key: &[&str]) -> SqlText<N> {
    let mut sql = SqlText::new();
    sql.text("DELETE FROM ");
    sql.name(table.name);
    sql.text(" WHERE ");
    sql.equalities(key, " AND ", 1);
    sql
}

/// Whether an insert of these columns can make a row.
///
/// # Panics
/// If a column is left out that has neither a default nor NULL, or one is set that SQLite computes.
#[track_caller]
pub const fn check_insert(table: &TableDef, columns: &[&str]) {
    let mut i = 0;
    while i < table.columns.len() {
        let column = &table.columns[i];
        let set = contains(columns, column.name);
        if set && is_generated(column) {
            panic!(
                "{}",
                complaint(&["column `", column.name, "` of `", table.name, "` is generated: it can't be set"]).as_str()
            );
        }
        if !set && contains(table.primary_key, column.name) {
            let pieces = [
                "column `",
                column.name,
                "` of the primary key of `",
                table.name,
                "` is not set: add a field or `set(…)`",
            ];
            panic!("{}", complaint(&pieces).as_str());
        }
        if !set && !column.nullable && column.default.is_none() && !is_generated(column) {
            let pieces = [
                "column `",
                column.name,
                "` of `",
                table.name,
                "` is not set and has no default: add a field or `set(…)`",
            ];
            panic!("{}", complaint(&pieces).as_str());
        }
        i += 1;
    }
}

/// Whether these columns are the table's primary key.
///
/// # Panics
/// If not.
#[track_caller]
pub const fn check_key(table: &TableDef, key: &[&str]) {
    let mut i = 0;
    while i < table.primary_key.len() {
        if !contains(key, table.primary_key[i]) {
            let pieces = ["`key` lacks column `", table.primary_key[i], "` of the primary key of `", table.name, "`"];
            panic!("{}", complaint(&pieces).as_str());
        }
        i += 1;
    }
    let mut i = 0;
    while i < key.len() {
        if !contains(table.primary_key, key[i]) {
            let pieces = [
                "column `",
                key[i],
                "` is not in the primary key of `",
                table.name,
                "`: for other conditions write `sql = \"…\"`",
            ];
            panic!("{}", complaint(&pieces).as_str());
        }
        i += 1;
    }
}

/// Whether an update may set these columns.
///
/// # Panics
/// If one of them is generated or in the primary key.
#[track_caller]
pub const fn check_update(table: &TableDef, columns: &[&str]) {
    let mut i = 0;
    while i < table.columns.len() {
        let column = &table.columns[i];
        if contains(columns, column.name) && is_generated(column) {
            panic!(
                "{}",
                complaint(&["column `", column.name, "` of `", table.name, "` is generated: it can't be set"]).as_str()
            );
        }
        if contains(columns, column.name) && contains(table.primary_key, column.name) {
            let pieces = [
                "column `",
                column.name,
                "` is in the primary key of `",
                table.name,
                "`: move it from the fields to `key`",
            ];
            panic!("{}", complaint(&pieces).as_str());
        }
        i += 1;
    }
}

const fn complaint(pieces: &[&str]) -> SqlText<512> {
    concat(pieces)
}

const fn is_generated(column: &ColumnDef) -> bool {
    let mut i = 0;
    while i < column.constraints.len() {
        if starts_with(column.constraints[i], "AS ") || starts_with(column.constraints[i], "GENERATED ") {
            return true;
        }
        i += 1;
    }
    false
}

const fn starts_with(text: &str, start: &str) -> bool {
    let (text, start) = (text.as_bytes(), start.as_bytes());
    let mut i = 0;
    while i < start.len() {
        if i >= text.len() || !text[i].eq_ignore_ascii_case(&start[i]) {
            return false;
        }
        i += 1;
    }
    true
}

/// SQLite does not tell upper from lower case in names.
const fn contains(names: &[&str], name: &str) -> bool {
    let mut i = 0;
    while i < names.len() {
        if names[i].eq_ignore_ascii_case(name) {
            return true;
        }
        i += 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::SqlType;

    const fn column(name: &'static str) -> ColumnDef {
        ColumnDef { name, sql_type: SqlType::Text, nullable: false, default: None, constraints: &[] }
    }

    const TABLE: TableDef = TableDef {
        name: "a \"b\"",
        columns: &[column("x"), column("y"), ColumnDef { constraints: &["AS (x || y) STORED"], ..column("z") }],
        primary_key: &["x", "y"],
        indexes: &[],
        constraints: &[],
    };

    #[test]
    fn statements_are_built_at_compile_time() {
        const INSERT: &str = crate::__sql!(insert("INSERT OR IGNORE INTO", &TABLE, &["x", "y"]));
        const UPDATE: &str = crate::__sql!(update(&TABLE, &["p", "q"], &["x", "y"]));
        const DELETE: &str = crate::__sql!(delete(&TABLE, &["x"]));
        assert_eq!(INSERT, r#"INSERT OR IGNORE INTO "a ""b""" ("x", "y") VALUES (?1, ?2)"#);
        assert_eq!(UPDATE, r#"UPDATE "a ""b""" SET "p" = ?1, "q" = ?2 WHERE "x" = ?3 AND "y" = ?4"#);
        assert_eq!(DELETE, r#"DELETE FROM "a ""b""" WHERE "x" = ?1"#);
    }

    #[test]
    fn an_upsert_sets_what_is_neither_key_nor_kept() {
        const SQL: &str = crate::__sql!(upsert(&TABLE, &["x", "y", "p", "q"], &["q"]));
        let conflict = r#"ON CONFLICT ("x", "y") DO UPDATE SET "p" = excluded."p""#;
        assert_eq!(SQL, format!(r#"INSERT INTO "a ""b""" ("x", "y", "p", "q") VALUES (?1, ?2, ?3, ?4) {conflict}"#));
        assert!(crate::__sql!(upsert(&TABLE, &["x", "y"], &[])).ends_with("DO NOTHING"));
    }

    #[test]
    fn parameters_have_all_their_digits() {
        let mut sql = SqlText::<32>::new();
        [1, 9, 10, 109, 1200].into_iter().for_each(|number| sql.parameter(number));
        assert_eq!(sql.as_str(), "?1?9?10?109?1200");
    }

    #[test]
    fn contradictions_are_found() {
        let fails = |check: fn()| std::panic::catch_unwind(check).is_err();
        check_insert(&TABLE, &["x", "y"]);
        check_key(&TABLE, &["y", "X"]);
        check_update(&TABLE, &["p"]);
        assert!(fails(|| check_insert(&TABLE, &["x"])));
        assert!(fails(|| check_insert(&TABLE, &["x", "y", "z"])));
        assert!(fails(|| check_key(&TABLE, &["x"])));
        assert!(fails(|| check_key(&TABLE, &["x", "y", "p"])));
        assert!(fails(|| check_update(&TABLE, &["x"])));
        assert!(fails(|| check_update(&TABLE, &["z"])));
    }
}
