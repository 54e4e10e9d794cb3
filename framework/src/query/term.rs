//! SQL expressions as values, and how they are written.

use std::fmt::Write as _;
use std::sync::Arc;

use rusqlite::types::Value;

use crate::db::Params;
use crate::error::{Error, Result};
use crate::query::parts::Parts;
use crate::schema::{Bound, ToColumn, quoted};

/// An SQL expression. Its tables, columns and values are known, so that nothing has to be parsed.
#[derive(Clone)]
pub struct Term(pub(crate) Kind);

#[derive(Clone)]
pub(crate) enum Kind {
    Column {
        table: &'static str,
        name: &'static str,
    },
    Value(Value),
    /// A value that can't be bound. The query returns this when it is run.
    Failed(Arc<Error>),
    /// Operators and functions: SQL with operands in between.
    Operation {
        operands: Vec<Term>,
        sql: &'static [&'static str],
    },
    In {
        operand: Box<Term>,
        negated: bool,
        list: Vec<Term>,
    },
    InSelect {
        operand: Box<Term>,
        negated: bool,
        select: Box<Parts>,
    },
    Exists(Box<Parts>),
    /// SQL of the app, with its own parameters.
    Text {
        sql: Arc<str>,
        params: Bound,
    },
}

impl Term {
    pub(crate) fn column(table: &'static str, name: &'static str) -> Self {
        Self(Kind::Column { table, name })
    }

    pub(crate) fn value(value: &(impl ToColumn + ?Sized)) -> Self {
        Self(Bound::value(value).map_or_else(|error| Kind::Failed(Arc::new(error)), Kind::Value))
    }

    /// SQL with operands between its pieces, of which there is one more.
    pub(crate) fn operation<const N: usize>(sql: &'static [&'static str], operands: [Self; N]) -> Self {
        assert_eq!(sql.len(), N + 1, "{sql:?} has {N} operands");
        Self(Kind::Operation { operands: operands.into(), sql })
    }

    pub(crate) fn text(sql: Arc<str>, params: &impl Params) -> Self {
        match params.bound() {
            Ok(params) if !params.names.is_empty() => {
                Self(Kind::Failed(Arc::new(Error::app("an expression takes parameters by position, as `?`"))))
            }
            Ok(params) => Self(Kind::Text { sql, params }),
            Err(error) => Self(Kind::Failed(Arc::new(error))),
        }
    }
}

/// Writes SQL and collects its values, in the order of their parameters.
#[derive(Default)]
pub(crate) struct Writer {
    sql: String,
    values: Vec<Value>,
    failed: Option<Arc<Error>>,
}

impl Writer {
    pub(crate) fn push(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }

    pub(crate) fn number(&mut self, number: u64) {
        // SQLite's integers are signed: more rows than that there are not.
        let _ = write!(self.sql, "{}", number.min(i64::MAX.unsigned_abs()));
    }

    pub(crate) fn identifier(&mut self, name: &str) {
        self.sql.push_str(&quoted(name));
    }

    /// Terms with something in between.
    pub(crate) fn list<'a>(&mut self, terms: impl IntoIterator<Item = &'a Term>, separator: &str) {
        for (index, term) in terms.into_iter().enumerate() {
            if index > 0 {
                self.push(separator);
            }
            self.term(term);
        }
    }

    pub(crate) fn term(&mut self, term: &Term) {
        match &term.0 {
            Kind::Column { table, name } => {
                self.identifier(table);
                self.push(".");
                self.identifier(name);
            }
            Kind::Value(value) => self.value(value),
            Kind::Failed(error) => {
                self.failed.get_or_insert_with(|| error.clone());
                self.push("NULL");
            }
            Kind::Operation { operands, sql } => self.operation(operands, sql),
            Kind::In { operand, negated, list } => {
                self.in_head(operand, *negated);
                self.list(list, ", ");
                self.push("))");
            }
            Kind::InSelect { operand, negated, select } => {
                self.in_head(operand, *negated);
                select.write(self);
                self.push("))");
            }
            Kind::Exists(select) => {
                self.push("EXISTS (");
                select.write(self);
                self.push(")");
            }
            Kind::Text { sql, params } => {
                self.push("(");
                self.push(sql);
                self.push(")");
                self.values.extend(params.values.iter().cloned());
            }
        }
    }

    fn value(&mut self, value: &Value) {
        self.push("?");
        self.values.push(value.clone());
    }

    fn operation(&mut self, operands: &[Term], sql: &[&str]) {
        self.push(sql[0]);
        for (operand, after) in operands.iter().zip(&sql[1..]) {
            self.term(operand);
            self.push(after);
        }
    }

    fn in_head(&mut self, operand: &Term, negated: bool) {
        self.push("(");
        self.term(operand);
        self.push(if negated { " NOT IN (" } else { " IN (" });
    }

    /// The SQL, and its values or why they can't be bound.
    pub(crate) fn finish(self) -> (Arc<str>, Result<Arc<Bound>, Arc<Error>>) {
        let params = Bound { names: Vec::new(), values: self.values };
        (self.sql.into(), self.failed.map_or_else(|| Ok(Arc::new(params)), Err))
    }
}
