//! What can be asked of a column or an expression.

use crate::query::Select;
use crate::query::expr::{Compatible, Expr, Input, Operand, Scalar};
use crate::query::order::{Collation, Order};
use crate::query::term::{Kind, Term};
use crate::schema::{Column, ColumnType, Table};

/// Two operands.
fn binary(sql: &'static [&'static str], left: Term, right: Term) -> Expr {
    Expr(Term::operation(sql, [left, right]))
}

fn in_list(operand: Term, negated: bool, list: Vec<Term>) -> Expr {
    Expr(Term(Kind::In { operand: Box::new(operand), negated, list }))
}

fn in_select<W>(operand: Term, negated: bool, select: Select<W>) -> Expr {
    Expr(Term(Kind::InSelect { operand: Box::new(operand), negated, select: Box::new(select.parts) }))
}

/// A LIKE pattern in which this text stands for itself.
fn escaped(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern
}

fn like_escaped(operand: Term, pattern: &str) -> Expr {
    binary(&["(", " LIKE ", " ESCAPE '\\')"], operand, Term::value(pattern))
}

macro_rules! operators {
    ($([$($generics:tt)*] $operand:ty;)*) => {$(
        impl<$($generics)*> $operand {
            /// `=`. NULL if one side is NULL; see [`is`](Self::is).
            #[must_use]
            pub fn eq(self, other: impl Input<V>) -> Expr {
                binary(&["(", " = ", ")"], Operand::into_term(self), other.into_input())
            }

            /// `=` between columns, for joins: [`eq`](Self::eq) that takes nothing but a column.
            #[must_use]
            pub fn eq_column<U: Table, W>(self, other: Column<U, W>) -> Expr
            where
                Column<U, W>: Input<V>,
            {
                self.eq(other)
            }

            /// `<>`. NULL if one side is NULL; see [`is_not`](Self::is_not).
            #[must_use]
            pub fn ne(self, other: impl Input<V>) -> Expr {
                binary(&["(", " <> ", ")"], Operand::into_term(self), other.into_input())
            }

            /// `<`.
            #[must_use]
            pub fn lt(self, other: impl Input<V>) -> Expr {
                binary(&["(", " < ", ")"], Operand::into_term(self), other.into_input())
            }

            /// `<=`.
            #[must_use]
            pub fn le(self, other: impl Input<V>) -> Expr {
                binary(&["(", " <= ", ")"], Operand::into_term(self), other.into_input())
            }

            /// `>`.
            #[must_use]
            pub fn gt(self, other: impl Input<V>) -> Expr {
                binary(&["(", " > ", ")"], Operand::into_term(self), other.into_input())
            }

            /// `>=`.
            #[must_use]
            pub fn ge(self, other: impl Input<V>) -> Expr {
                binary(&["(", " >= ", ")"], Operand::into_term(self), other.into_input())
            }

            /// `BETWEEN`: from `low` to `high`, both included.
            #[must_use]
            pub fn between(self, low: impl Input<V>, high: impl Input<V>) -> Expr {
                let operands = [Operand::into_term(self), low.into_input(), high.into_input()];
                Expr(Term::operation(&["(", " BETWEEN ", " AND ", ")"], operands))
            }

            /// `IS`: equal, where NULL equals NULL. Never NULL.
            #[must_use]
            pub fn is(self, other: impl Input<V>) -> Expr {
                binary(&["(", " IS ", ")"], Operand::into_term(self), other.into_input())
            }

            /// `IS NOT`: the opposite of [`is`](Self::is).
            #[must_use]
            pub fn is_not(self, other: impl Input<V>) -> Expr {
                binary(&["(", " IS NOT ", ")"], Operand::into_term(self), other.into_input())
            }

            /// `IS NULL`.
            #[must_use]
            pub fn is_null(self) -> Expr {
                Expr(Term::operation(&["(", " IS NULL)"], [Operand::into_term(self)]))
            }

            /// `IS NOT NULL`.
            #[must_use]
            pub fn is_not_null(self) -> Expr {
                Expr(Term::operation(&["(", " IS NOT NULL)"], [Operand::into_term(self)]))
            }

            /// `IN`: one of these values; false if there are none. At most 32,766 values fit into one query.
            #[must_use]
            pub fn in_<I: Input<V>>(self, values: impl IntoIterator<Item = I>) -> Expr {
                in_list(Operand::into_term(self), false, values.into_iter().map(I::into_input).collect())
            }

            /// `NOT IN`: none of these values; true if there are none. NULL, so never true, if one of them is NULL.
            #[must_use]
            pub fn not_in<I: Input<V>>(self, values: impl IntoIterator<Item = I>) -> Expr {
                in_list(Operand::into_term(self), true, values.into_iter().map(I::into_input).collect())
            }

            /// `IN`: one of the values of a subquery of one column.
            #[must_use]
            pub fn in_query<W: Compatible<V>>(self, select: Select<W>) -> Expr {
                in_select(Operand::into_term(self), false, select)
            }

            /// `NOT IN`: none of the values of a subquery of one column. NULL, so never true, if one of them is NULL.
            #[must_use]
            pub fn not_in_query<W: Compatible<V>>(self, select: Select<W>) -> Expr {
                in_select(Operand::into_term(self), true, select)
            }

            /// `LIKE`: `%` stands for any text, `_` for any character. Upper and lower case of A to Z are the same.
            #[must_use]
            pub fn like(self, pattern: &str) -> Expr {
                binary(&["(", " LIKE ", ")"], Operand::into_term(self), Term::value(pattern))
            }

            /// Whether this text is in it; `%` and `_` stand for themselves. Upper and lower case of A to Z are the
            /// same.
            #[must_use]
            pub fn contains(self, text: &str) -> Expr {
                like_escaped(Operand::into_term(self), &format!("%{}%", escaped(text)))
            }

            /// Whether it starts with this text. Characters are compared as by [`contains`](Self::contains).
            #[must_use]
            pub fn starts_with(self, text: &str) -> Expr {
                like_escaped(Operand::into_term(self), &format!("{}%", escaped(text)))
            }

            /// Whether it ends with this text. Characters are compared as by [`contains`](Self::contains).
            #[must_use]
            pub fn ends_with(self, text: &str) -> Expr {
                like_escaped(Operand::into_term(self), &format!("%{}", escaped(text)))
            }

            /// `GLOB`: `*` stands for any text, `?` for any character, `[a-z]` for one of these. Case matters.
            #[must_use]
            pub fn glob(self, pattern: &str) -> Expr {
                binary(&["(", " GLOB ", ")"], Operand::into_term(self), Term::value(pattern))
            }

            /// The same, compared and ordered by this collation.
            #[must_use]
            pub fn collate(self, collation: Collation) -> Scalar<V> {
                Scalar::new(Term::operation(collation.operator(), [Operand::into_term(self)]))
            }

            /// Ascending order; NULL comes first.
            #[must_use]
            pub fn asc(self) -> Order {
                Order::ascending(Operand::into_term(self))
            }

            /// Descending order; NULL comes last.
            #[must_use]
            pub fn desc(self) -> Order {
                Order::descending(Operand::into_term(self))
            }
        }
    )*};
}
operators! {
    [T: Table, V: ColumnType + Send + Sync + 'static] Column<T, V>;
    [V: ColumnType + Send + Sync + 'static] Scalar<V>;
}
