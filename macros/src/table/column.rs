//! The arguments of `#[column(…)]` on a table's field.

use quote::ToTokens;
use syn::parse::Parser;
use syn::{Expr, Lit, LitStr, Type, UnOp};

use crate::arguments::{Argument, Value, once};
use crate::errors::Errors;
use crate::row::{self, RowField};

const ARGUMENTS: &[&str] =
    &["check", "collate", "default", "generated", "index", "json", "name", "primary_key", "references", "unique"];

/// What is said of a column besides its name and type.
#[derive(Default)]
pub(super) struct ColumnOptions {
    pub(super) primary_key: bool,
    pub(super) index: bool,
    /// SQL.
    pub(super) default: Option<String>,
    /// SQL.
    pub(super) constraints: Vec<String>,
}

pub(super) fn options(field: &RowField<'_>, errors: &mut Errors) -> ColumnOptions {
    let mut options = ColumnOptions::default();
    let mut default = None;
    for (index, argument) in field.arguments.iter().enumerate() {
        let key = argument.key();
        let is_again = field.arguments[..index].iter().any(|earlier| earlier.name == argument.name);
        if is_again && ARGUMENTS.contains(&&*key) && !["name", "json", "default"].contains(&&*key) {
            errors.at(&argument.name, format!("`{key}` is given twice: remove one of them"));
        }
        let mut constraint = |sql: fn(&str) -> String, errors: &mut Errors| {
            options.constraints.extend(argument.string(errors).map(|text| sql(&text.value())));
        };
        match &*key {
            "name" | "json" => {}
            "primary_key" => options.primary_key = argument.flag(errors),
            "index" => options.index = argument.flag(errors),
            "unique" => {
                argument.flag(errors);
                options.constraints.push("UNIQUE".to_owned());
            }
            "check" => constraint(|sql| format!("CHECK ({sql})"), errors),
            "references" => constraint(|sql| format!("REFERENCES {sql}"), errors),
            "collate" => constraint(|sql| format!("COLLATE {sql}"), errors),
            "generated" => constraint(|sql| format!("AS ({sql}) STORED"), errors),
            "default" => {
                let value = default_sql(argument, field, errors);
                once(&mut default, value, argument, errors);
            }
            _ => errors.unknown(&argument.name, ARGUMENTS),
        }
    }
    check_together(field, default.is_some(), errors);
    options.default = default;
    options
}

/// Notes arguments that exclude each other.
fn check_together(field: &RowField<'_>, has_default: bool, errors: &mut Errors) {
    let find = |name: &str| field.arguments.iter().find(|argument| argument.name == name);
    if let Some(generated) = find("generated") {
        if has_default {
            errors.at(generated, "a generated column has no default: remove one of them");
        }
        if find("primary_key").is_some() {
            errors.at(generated, "a generated column can't be in the primary key: remove one of them");
        }
    }
    if let (Some(_), Some(unique)) = (find("primary_key"), find("unique")) {
        errors.at(unique, "a primary key is unique already: remove `unique`");
    }
}

/// A default as SQL: a Rust literal, or `sql("…")`.
fn default_sql(argument: &Argument, field: &RowField<'_>, errors: &mut Errors) -> Option<String> {
    let Value::Expr(value) = &argument.value else {
        errors.at(argument, "`default` takes a literal or SQL: write `default = false` or `default = sql(\"…\")`");
        return None;
    };
    if let Some(sql) = sql_call(value) {
        return errors.take(sql).map(|sql| sql.value());
    }
    let Some(literal) = literal(value) else {
        errors.at(value, "a default is a literal or SQL: write `default = false` or `default = sql(\"…\")`");
        return None;
    };
    let kind = if field.json { Kind::Json } else { Kind::of(&field.field.ty) };
    if let Some(expected) = kind.mismatch(&literal) {
        errors.at(value, format!("the default of this column is {expected}: write `default = {}`", kind.example()));
        return None;
    }
    Some(literal.sql())
}

/// The text of `sql("…")`.
fn sql_call(value: &Expr) -> Option<syn::Result<LitStr>> {
    let Expr::Call(call) = value else {
        return None;
    };
    let named_sql = matches!(&*call.func, Expr::Path(path) if path.path.is_ident("sql"));
    let text = |input: syn::parse::ParseStream<'_>| input.parse::<LitStr>();
    named_sql.then(|| text.parse2(call.args.to_token_stream()))
}

enum Literal {
    Bool(bool),
    Integer(String),
    Real(String),
    Text(String),
    Bytes(Vec<u8>),
}

fn literal(value: &Expr) -> Option<Literal> {
    match value {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Bool(value) => Some(Literal::Bool(value.value)),
            Lit::Int(value) => Some(Literal::Integer(value.base10_digits().to_owned())),
            Lit::Float(value) => Some(Literal::Real(value.base10_digits().to_owned())),
            Lit::Str(value) => Some(Literal::Text(value.value())),
            Lit::ByteStr(value) => Some(Literal::Bytes(value.value())),
            _ => None,
        },
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => match literal(&unary.expr)? {
            Literal::Integer(digits) => Some(Literal::Integer(format!("-{digits}"))),
            Literal::Real(digits) => Some(Literal::Real(format!("-{digits}"))),
            _ => None,
        },
        _ => None,
    }
}

impl Literal {
    fn sql(&self) -> String {
        match self {
            Self::Bool(value) => value.to_string().to_uppercase(),
            Self::Integer(digits) | Self::Real(digits) => digits.clone(),
            Self::Text(text) => format!("'{}'", text.replace('\'', "''")),
            Self::Bytes(bytes) => format!("x'{}'", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
        }
    }
}

/// What the type of a field takes as default, as far as its name tells.
#[derive(Clone, Copy)]
enum Kind {
    Bool,
    Integer,
    Real,
    Text,
    Bytes,
    Json,
    Unknown,
}

impl Kind {
    fn of(ty: &Type) -> Self {
        let ty = row::option_of(ty).unwrap_or(ty);
        match &*ty.to_token_stream().to_string().replace(' ', "") {
            "bool" => Self::Bool,
            "i8" | "i16" | "i32" | "i64" | "isize" | "u8" | "u16" | "u32" | "u64" | "usize" => Self::Integer,
            "f64" => Self::Real,
            "String" => Self::Text,
            "Vec<u8>" => Self::Bytes,
            _ => Self::Unknown,
        }
    }

    /// What was expected instead of this literal.
    fn mismatch(self, literal: &Literal) -> Option<&'static str> {
        match (self, literal) {
            (Self::Bool, Literal::Bool(_))
            | (Self::Integer, Literal::Integer(_))
            | (Self::Real, Literal::Real(_) | Literal::Integer(_))
            | (Self::Text, Literal::Text(_))
            | (Self::Bytes, Literal::Bytes(_))
            | (Self::Unknown, _) => None,
            (Self::Bool, _) => Some("a bool"),
            (Self::Integer, _) => Some("an integer"),
            (Self::Real, _) => Some("a number"),
            (Self::Text, _) => Some("a text"),
            (Self::Bytes, _) => Some("a byte string"),
            (Self::Json, _) => Some("JSON, given as SQL"),
        }
    }

    fn example(self) -> &'static str {
        match self {
            Self::Bool => "false",
            Self::Integer => "0",
            Self::Real => "0.5",
            Self::Text => "\"…\"",
            Self::Bytes => "b\"…\"",
            Self::Json | Self::Unknown => "sql(\"'[]'\")",
        }
    }
}
