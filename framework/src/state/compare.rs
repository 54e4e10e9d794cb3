//! Comparing two states row by row.

use rusqlite::types::Value;

use crate::error::{Error, Result};
use crate::params;
use crate::schema::quoted;
use crate::state::StateDb;

/// A table whose rows are compared.
struct Comparable {
    name: String,
    columns: usize,
    has_rowid: bool,
}

impl StateDb {
    /// Whether the tables have the same rows, with the same rowids.
    ///
    /// # Errors
    /// [`Error::Diverged`] with the first table that differs.
    pub(crate) fn compare(&self, expected: &Self) -> Result<()> {
        expected.tables()?.iter().try_for_each(|table| {
            let (found, expected) = (self.rows(table)?, expected.rows(table)?);
            let differs = || (0..).find(|&row| found.get(row) != expected.get(row)).unwrap_or_default();
            if found == expected { Ok(()) } else { Err(diverged(&table.name, differs(), &found, &expected)) }
        })
    }

    /// The tables that materializers fill. What a virtual table keeps for itself depends on how its rows came in.
    fn tables(&self) -> Result<Vec<Comparable>> {
        let sql = "SELECT name, ncol, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table'
            AND name NOT LIKE '\\_\\_headwater%' ESCAPE '\\' AND name <> 'sqlite_schema' ORDER BY name";
        let tables: Vec<(String, usize, bool)> = self.db.query(sql, params![])?;
        let table = |(name, columns, wr): (String, usize, bool)| Comparable { name, columns, has_rowid: !wr };
        Ok(tables.into_iter().map(table).collect())
    }

    fn rows(&self, table: &Comparable) -> Result<Vec<Vec<Value>>> {
        let (rowid, order) = if table.has_rowid {
            ("rowid, ", "1".to_owned())
        } else {
            ("", (1..=table.columns).map(|column| column.to_string()).collect::<Vec<_>>().join(", "))
        };
        let sql = format!("SELECT {rowid}* FROM {} ORDER BY {order}", quoted(&table.name));
        let mut rows = Vec::new();
        let each = |row: &crate::schema::Row<'_>| {
            rows.push((0..row.width()).map(|column| row.get(column)).collect::<Result<_>>()?);
            Ok(())
        };
        self.db.for_each(&sql, params![], each, None)?;
        Ok(rows)
    }
}

fn diverged(table: &str, row: usize, found: &[Vec<Value>], expected: &[Vec<Value>]) -> Error {
    let text = |rows: &[Vec<Value>]| rows.get(row).map_or_else(|| "missing".to_owned(), |row| format!("{row:?}"));
    let reason = format!("row {row} is {}, and a replay of the log gives {}", text(found), text(expected));
    Error::Diverged { table: table.to_owned(), reason }
}
