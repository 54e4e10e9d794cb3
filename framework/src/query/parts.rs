//! The clauses of a built query.

use crate::query::order::Order;
use crate::query::tables::columns;
use crate::query::term::{Term, Writer};
use crate::schema::Table;

/// The clauses of a SELECT.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) outputs: Vec<Term>,
    pub(crate) distinct: bool,
    from: Vec<Source>,
    pub(crate) filters: Vec<Term>,
    pub(crate) groups: Vec<Term>,
    pub(crate) having: Vec<Term>,
    pub(crate) order: Vec<Order>,
    pub(crate) limit: Option<u64>,
    pub(crate) offset: u64,
}

/// A table in FROM.
#[derive(Clone)]
pub(crate) struct Source {
    /// How it is joined to those before, and on what; `None` for the first.
    join: Option<(&'static str, Term)>,
    table: &'static str,
    alias: Option<&'static str>,
    primary_key: &'static [&'static str],
}

impl Source {
    fn first<T: Table>() -> Self {
        Self { join: None, table: T::DEF.name, alias: None, primary_key: T::DEF.primary_key }
    }

    pub(crate) fn joined<T: Table>(join: &'static str, alias: Option<&'static str>, on: Term) -> Self {
        Self { join: Some((join, on)), alias, ..Self::first::<T>() }
    }

    fn qualifier(&self) -> &'static str {
        self.alias.unwrap_or(self.table)
    }

    fn write(&self, writer: &mut Writer) {
        if let Some((join, _)) = &self.join {
            writer.push(join);
        }
        writer.identifier(self.table);
        if let Some(alias) = self.alias {
            writer.push(" AS ");
            writer.identifier(alias);
        }
        if let Some((_, on)) = &self.join {
            writer.push(" ON ");
            writer.term(on);
        }
    }
}

impl Parts {
    /// All rows of a table.
    pub(crate) fn all<T: Table>() -> Self {
        Self {
            outputs: columns::<T>(T::DEF.name).collect(),
            distinct: false,
            from: vec![Source::first::<T>()],
            filters: Vec::new(),
            groups: Vec::new(),
            having: Vec::new(),
            order: Vec::new(),
            limit: None,
            offset: 0,
        }
    }

    /// Adds a table and its columns.
    pub(crate) fn join<T: Table>(&mut self, source: Source) {
        self.outputs.extend(columns::<T>(source.qualifier()));
        self.from.push(source);
    }

    /// Whether each row of the result is a row of the tables.
    pub(crate) fn is_plain(&self) -> bool {
        !self.distinct && self.groups.is_empty() && self.having.is_empty()
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.push(if self.distinct { "SELECT DISTINCT " } else { "SELECT " });
        writer.list(&self.outputs, ", ");
        writer.push(" FROM ");
        self.from.iter().for_each(|source| source.write(writer));
        clause(writer, " WHERE ", &self.filters, " AND ");
        clause(writer, " GROUP BY ", &self.groups, ", ");
        clause(writer, " HAVING ", &self.having, " AND ");
        self.write_order(writer);
        match self.limit {
            Some(limit) => {
                writer.push(" LIMIT ");
                writer.number(limit);
            }
            None if self.offset > 0 => writer.push(" LIMIT -1"),
            None => {}
        }
        if self.offset > 0 {
            writer.push(" OFFSET ");
            writer.number(self.offset);
        }
    }

    fn write_order(&self, writer: &mut Writer) {
        let mut order = self.order.clone();
        if self.is_plain() && (!order.is_empty() || self.limit.is_some() || self.offset > 0) {
            let keys =
                self.from.iter().flat_map(|source| source.primary_key.iter().map(|name| (source.qualifier(), *name)));
            order.extend(keys.map(|(table, name)| Order::ascending(Term::column(table, name))));
        }
        for (index, order) in order.iter().enumerate() {
            writer.push(if index == 0 { " ORDER BY " } else { ", " });
            order.write(writer);
        }
    }
}

fn clause(writer: &mut Writer, keyword: &str, terms: &[Term], separator: &str) {
    if !terms.is_empty() {
        writer.push(keyword);
        writer.list(terms, separator);
    }
}
