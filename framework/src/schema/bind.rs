//! Which values fit which columns.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::schema::{Column, ColumnType, Json, ToColumn};

/// A value that can be written into a column with values of type `V`.
///
/// That is `V` itself, `V` where the column is an `Option<V>`, borrowed text and bytes, and any serde type where the
/// column is JSON.
#[diagnostic::on_unimplemented(
    message = "a value of type `{Self}` does not fit a column of type `{V}`",
    label = "does not fit the column",
    note = "the field must have the column's type, or `T` where the column is an `Option<T>`"
)]
pub trait Fits<V> {
    /// What is bound to the statement.
    type Bound<'a>: ToColumn
    where
        Self: 'a;

    /// The value as it is bound to a statement.
    fn bound(&self) -> Self::Bound<'_>;
}

impl<T, V> Column<T, V> {
    /// A value of this column as a parameter of a statement: `params![Todo::ID.bind(id)]`. Other than `params![id]` it
    /// compiles only if the value fits the column.
    pub fn bind<'a, X: Fits<V> + ?Sized>(&self, value: &'a X) -> X::Bound<'a> {
        value.bound()
    }
}

macro_rules! fits {
    ($([$($generics:tt)*] $value:ty => $column:ty, $bound:ty: |$this:ident| $body:expr;)*) => {$(
        #[diagnostic::do_not_recommend]
        impl<$($generics)*> Fits<$column> for $value {
            type Bound<'a> = $bound where Self: 'a;

            fn bound(&self) -> Self::Bound<'_> {
                let $this = self;
                $body
            }
        }
    )*};
}

fits! {
    [V: ColumnType] V => V, &'a V: |value| value;
    [V: ColumnType] V => Option<V>, &'a V: |value| value;
    [T: Serialize + DeserializeOwned] T => Json<T>, Json<&'a T>: |value| Json(value);
    [T: Serialize + DeserializeOwned] T => Option<Json<T>>, Json<&'a T>: |value| Json(value);
    [T: Serialize + DeserializeOwned] Option<T> => Option<Json<T>>, Option<Json<&'a T>>: |value| value.as_ref().map(Json);
    [] str => String, &'a str: |text| text;
    [] str => Option<String>, &'a str: |text| text;
    [] &str => String, &'a str: |text| text;
    [] &str => Option<String>, &'a str: |text| text;
    [] Option<&str> => Option<String>, Option<&'a str>: |text| *text;
    [] [u8] => Vec<u8>, &'a [u8]: |bytes| bytes;
    [] [u8] => Option<Vec<u8>>, &'a [u8]: |bytes| bytes;
    [] &[u8] => Vec<u8>, &'a [u8]: |bytes| bytes;
    [] &[u8] => Option<Vec<u8>>, &'a [u8]: |bytes| bytes;
}
