//! Aggregates: one value for many rows.

use crate::query::expr::{Operand, Scalar};
use crate::query::term::Term;

/// How many rows there are.
///
/// ```
/// assert_eq!(format!("{:?}", headwater::query::count()), "Scalar(count(*))");
/// ```
#[must_use]
pub fn count() -> Scalar<i64> {
    Scalar::new(Term::operation(&["count(*)"], []))
}

/// How many rows have a value other than NULL.
#[must_use]
pub fn count_of(operand: impl Operand) -> Scalar<i64> {
    Scalar::new(Term::operation(&["count(", ")"], [operand.into_term()]))
}

/// How many different values other than NULL there are.
#[must_use]
pub fn count_distinct(operand: impl Operand) -> Scalar<i64> {
    Scalar::new(Term::operation(&["count(DISTINCT ", ")"], [operand.into_term()]))
}

/// The sum of the values; `None` if there are none. A sum of integers that is too large is an error of the query.
#[must_use]
pub fn sum<O: Operand<Value: Summable>>(operand: O) -> Scalar<Option<<O::Value as Summable>::Sum>> {
    Scalar::new(Term::operation(&["sum(", ")"], [operand.into_term()]))
}

/// The mean of the values; `None` if there are none.
#[must_use]
pub fn avg(operand: impl Operand<Value: Summable>) -> Scalar<Option<f64>> {
    Scalar::new(Term::operation(&["avg(", ")"], [operand.into_term()]))
}

/// The least value; `None` if there are none.
#[must_use]
pub fn min<O: Operand>(operand: O) -> Scalar<Option<O::Value>> {
    Scalar::new(Term::operation(&["min(", ")"], [operand.into_term()]))
}

/// The greatest value; `None` if there are none.
#[must_use]
pub fn max<O: Operand>(operand: O) -> Scalar<Option<O::Value>> {
    Scalar::new(Term::operation(&["max(", ")"], [operand.into_term()]))
}

/// Numbers, and `Option`s of them.
#[diagnostic::on_unimplemented(message = "`{Self}` is no number that could be summed up")]
pub trait Summable {
    /// The type of a sum.
    type Sum: crate::schema::ColumnType + Send + Sync + 'static;
}

macro_rules! summable {
    ($($number:ty => $sum:ty;)*) => {$(
        impl Summable for $number {
            type Sum = $sum;
        }
    )*};
}
summable! {
    i8 => i64; i16 => i64; i32 => i64; i64 => i64; isize => i64;
    u8 => i64; u16 => i64; u32 => i64; u64 => i64; usize => i64;
    bool => i64; f64 => f64;
}

impl<V: Summable> Summable for Option<V> {
    type Sum = V::Sum;
}
