//! Conditions and typed expressions of the query builder.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{BitAnd, BitOr, Not};
use std::sync::Arc;

use crate::db::Params;
use crate::query::Select;
use crate::query::term::{Kind, Term, Writer};
use crate::schema::{Column, ColumnType, Table, ToColumn};

/// A condition: what [`filter`](Select::filter) takes. It is true, false or NULL, as in SQL; only true passes a filter.
///
/// ```
/// use headwater::{Table, query::Expr};
///
/// #[derive(Clone, Debug, PartialEq, Table)]
/// #[table(name = "todos")]
/// struct Todo {
///     #[column(primary_key)]
///     id: String,
///     text: String,
///     completed: bool,
/// }
///
/// let open: Expr = Todo::COMPLETED.eq(false);
/// let condition = open & !Todo::TEXT.starts_with("old");
/// assert_eq!(
///     condition.to_string(),
///     r#"(("todos"."completed" = ?) AND (NOT ("todos"."text" LIKE ? ESCAPE '\')))"#
/// );
/// ```
#[derive(Clone)]
pub struct Expr(pub(crate) Term);

impl Expr {
    /// A condition as SQL text, for what the builder has no words for. Its parameters are written `?`.
    ///
    /// The text becomes part of the statement as it is: never put values into it.
    #[expect(clippy::needless_pass_by_value, reason = "params![…] is a reference")]
    pub fn sql(text: impl Into<Arc<str>>, params: impl Params) -> Self {
        Self(Term::text(text.into(), &params))
    }

    /// Both.
    #[must_use]
    pub fn and(self, other: impl Into<Self>) -> Self {
        Self(Term::operation(&["(", " AND ", ")"], [self.0, other.into().0]))
    }

    /// At least one of both.
    #[must_use]
    pub fn or(self, other: impl Into<Self>) -> Self {
        Self(Term::operation(&["(", " OR ", ")"], [self.0, other.into().0]))
    }

    /// The opposite; NULL stays NULL.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "it does; this needs no import")]
    pub fn not(self) -> Self {
        Self(Term::operation(&["(NOT ", ")"], [self.0]))
    }

    /// All of these; true if there are none.
    #[must_use]
    pub fn all(conditions: impl IntoIterator<Item = Self>) -> Self {
        conditions.into_iter().reduce(Self::and).unwrap_or_else(|| Self(Term::value(&true)))
    }

    /// At least one of these; false if there are none.
    #[must_use]
    pub fn any(conditions: impl IntoIterator<Item = Self>) -> Self {
        conditions.into_iter().reduce(Self::or).unwrap_or_else(|| Self(Term::value(&false)))
    }
}

/// Whether a subquery has a row. It may name columns of the query around it.
#[must_use]
pub fn exists<T>(select: Select<T>) -> Expr {
    Expr(Term(Kind::Exists(Box::new(select.parts))))
}

impl BitAnd for Expr {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        self.and(other)
    }
}

impl BitOr for Expr {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.or(other)
    }
}

impl Not for Expr {
    type Output = Self;

    fn not(self) -> Self {
        Self::not(self)
    }
}

impl<T: Table> From<Column<T, bool>> for Expr {
    fn from(column: Column<T, bool>) -> Self {
        Self(column.into_term())
    }
}

impl<T: Table> From<Column<T, Option<bool>>> for Expr {
    fn from(column: Column<T, Option<bool>>) -> Self {
        Self(column.into_term())
    }
}

impl From<Scalar<bool>> for Expr {
    fn from(scalar: Scalar<bool>) -> Self {
        Self(scalar.term)
    }
}

fn text(term: &Term) -> Arc<str> {
    let mut writer = Writer::default();
    writer.term(term);
    writer.finish().0
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text(&self.0))
    }
}

impl fmt::Debug for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expr({self})")
    }
}

/// An expression with values of type `V`: an aggregate, or SQL text.
pub struct Scalar<V> {
    pub(crate) term: Term,
    types: PhantomData<fn() -> V>,
}

impl<V> Scalar<V> {
    pub(crate) fn new(term: Term) -> Self {
        Self { term, types: PhantomData }
    }

    /// An expression as SQL text, for what the builder has no words for. Its parameters are written `?`.
    ///
    /// The text becomes part of the statement as it is: never put values into it.
    ///
    /// ```
    /// use headwater::{params, query::Scalar};
    ///
    /// let initial = Scalar::<String>::sql(r#"substr("todos"."text", 1, ?)"#, params![1]);
    /// assert_eq!(initial.eq("o").to_string(), r#"((substr("todos"."text", 1, ?)) = ?)"#);
    /// ```
    #[expect(clippy::needless_pass_by_value, reason = "params![…] is a reference")]
    pub fn sql(text: impl Into<Arc<str>>, params: impl Params) -> Self {
        Self::new(Term::text(text.into(), &params))
    }
}

impl<V> Clone for Scalar<V> {
    fn clone(&self) -> Self {
        Self::new(self.term.clone())
    }
}

impl<V> fmt::Debug for Scalar<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scalar({})", text(&self.term))
    }
}

/// What has a value in each row: a [`Column`] or a [`Scalar`].
pub trait Operand {
    /// The type of the value.
    type Value: ColumnType + Send + Sync + 'static;

    /// The expression.
    #[doc(hidden)]
    fn into_term(self) -> Term;
}

impl<T: Table, V: ColumnType + Send + Sync + 'static> Operand for Column<T, V> {
    type Value = V;

    fn into_term(self) -> Term {
        Term::column(self.alias().unwrap_or(T::DEF.name), self.name())
    }
}

impl<V: ColumnType + Send + Sync + 'static> Operand for Scalar<V> {
    type Value = V;

    fn into_term(self) -> Term {
        self.term
    }
}

/// Types that may be compared with each other: equal ones, and `V` with `Option<V>`.
pub trait Compatible<V> {}

impl<V> Compatible<V> for V {}
impl<V> Compatible<Option<V>> for V {}
impl<V> Compatible<V> for Option<V> {}

/// What may be compared with values of type `V`: a `V`, a reference to one, a `&str` for a `String`, any of these for
/// an `Option<V>`, and columns and expressions of such a type.
#[diagnostic::on_unimplemented(message = "`{Self}` can't be compared with a column of type `{V}`")]
pub trait Input<V> {
    /// The expression.
    #[doc(hidden)]
    fn into_input(self) -> Term;
}

impl<V: ToColumn> Input<V> for V {
    fn into_input(self) -> Term {
        Term::value(&self)
    }
}

impl<V: ToColumn> Input<V> for &V {
    fn into_input(self) -> Term {
        Term::value(self)
    }
}

impl<V: ToColumn> Input<Option<V>> for V {
    fn into_input(self) -> Term {
        Term::value(&self)
    }
}

impl<V: ToColumn> Input<Option<V>> for &V {
    fn into_input(self) -> Term {
        Term::value(self)
    }
}

macro_rules! borrowed_inputs {
    ($($borrowed:ty => $owned:ty;)*) => {$(
        impl Input<$owned> for &$borrowed {
            fn into_input(self) -> Term {
                Term::value(self)
            }
        }

        impl Input<Option<$owned>> for &$borrowed {
            fn into_input(self) -> Term {
                Term::value(self)
            }
        }
    )*};
}
borrowed_inputs! {
    str => String;
    [u8] => Vec<u8>;
}

impl<T: Table, V, W: Compatible<V> + ColumnType + Send + Sync + 'static> Input<V> for Column<T, W> {
    fn into_input(self) -> Term {
        Operand::into_term(self)
    }
}

impl<V, W: Compatible<V>> Input<V> for Scalar<W> {
    fn into_input(self) -> Term {
        self.term
    }
}
