//! Materializers given as SQL: `sql = "…"`.

use proc_macro2::TokenStream;
use sqlparser::ast::{SetExpr, Statement};
use sqlparser::dialect::SQLiteDialect;
use sqlparser::parser::Parser as SqlParser;
use syn::ext::IdentExt;
use syn::{Ident, LitStr};

use crate::errors::Errors;
use crate::event::{EventField, field_hint};

/// A statement and the fields that are its parameters.
pub(super) struct SqlStatement {
    pub(super) text: LitStr,
    pub(super) parameters: Vec<Ident>,
}

/// Checks the statements; `skip` are fields that none of them needs to use.
pub(super) fn parse(
    texts: Vec<LitStr>,
    fields: &[EventField<'_>],
    skip: &[Ident],
    errors: &mut Errors,
) -> Vec<SqlStatement> {
    let statements: Vec<_> = texts.into_iter().map(|text| statement(text, fields, errors)).collect();
    for field in fields {
        let used = statements.iter().any(|statement| statement.parameters.contains(field.ident));
        if !used && !skip.contains(field.ident) {
            let name = field.ident.unraw();
            let hint = format!("write `:{name}` in the SQL, leave the field out with `skip({name})` or remove it");
            errors.at(field.ident, format!("the SQL does not use the field `{name}`: {hint}"));
        }
    }
    statements
}

fn statement(text: LitStr, fields: &[EventField<'_>], errors: &mut Errors) -> SqlStatement {
    let sql = text.value();
    let scan = Scan::of(&sql);
    if let Some(problem) = kind_problem(&sql, &scan) {
        errors.at(&text, problem);
    }
    if let Some(other) = &scan.other_parameter {
        errors.at(&text, format!("`{other}` is not bound to a field: write `:field`"));
    }
    let mut parameters = Vec::new();
    for name in &scan.parameters {
        match fields.iter().find(|field| field.ident.unraw() == name) {
            Some(field) => parameters.push(field.ident.clone()),
            None => errors.at(&text, format!("the event has no field for `:{name}`: {}", field_hint(name, fields))),
        }
    }
    SqlStatement { text, parameters }
}

/// Why this is not one statement that writes rows.
fn kind_problem(sql: &str, scan: &Scan) -> Option<&'static str> {
    const SEVERAL: &str = "these are several statements: write each on its own, `sql(\"…\", \"…\")`";
    const READS: &str = "a materializer writes rows, this statement only reads: write an INSERT, UPDATE or DELETE";
    const RETURNS: &str = "nobody reads what a materializer returns: remove RETURNING";
    const OTHER: &str =
        "a materializer is an INSERT, UPDATE or DELETE: what creates tables, views or triggers belongs to the schema";
    if scan.first_word.is_empty() {
        return Some("the SQL is empty: write an INSERT, UPDATE or DELETE");
    }
    if scan.statements > 1 {
        return Some(SEVERAL);
    }
    // What sqlparser can't read may still be valid SQLite: that is decided when the schema is checked.
    let parsed = SqlParser::parse_sql(&SQLiteDialect {}, sql).ok().and_then(|mut statements| statements.pop());
    match &*scan.first_word {
        "INSERT" | "UPDATE" | "DELETE" | "REPLACE" => {
            parsed.is_some_and(|statement| returns_rows(&statement)).then_some(RETURNS)
        }
        "SELECT" | "VALUES" => Some(READS),
        "WITH" => match parsed {
            Some(Statement::Query(query)) => match *query.body {
                SetExpr::Insert(written) | SetExpr::Update(written) | SetExpr::Delete(written) => {
                    returns_rows(&written).then_some(RETURNS)
                }
                _ => Some(READS),
            },
            _ => None,
        },
        _ => Some(OTHER),
    }
}

fn returns_rows(statement: &Statement) -> bool {
    match statement {
        Statement::Insert(insert) => insert.returning.is_some(),
        Statement::Update(update) => update.returning.is_some(),
        Statement::Delete(delete) => delete.returning.is_some(),
        _ => false,
    }
}

/// What can be told of SQL without a grammar: its tokens are enough to find parameters and the ends of statements.
#[derive(Default)]
struct Scan {
    /// Names after `:`, each once, in the order of their first use.
    parameters: Vec<String>,
    /// A parameter of another form.
    other_parameter: Option<String>,
    statements: usize,
    /// The first word, in capitals.
    first_word: String,
}

impl Scan {
    fn of(sql: &str) -> Self {
        let mut scan = Self::default();
        let mut in_statement = false;
        let mut rest = sql;
        while let Some(letter) = rest.chars().next() {
            let length = token_length(rest, letter);
            let (token, after) = rest.split_at(length);
            rest = after;
            let is_comment = token.starts_with("--") || token.starts_with("/*");
            if letter == ';' {
                in_statement = false;
            } else if !letter.is_whitespace() && !is_comment {
                scan.statements += usize::from(!in_statement);
                in_statement = true;
                scan.note(token);
            }
        }
        scan
    }

    fn note(&mut self, token: &str) {
        if self.first_word.is_empty() {
            self.first_word = token.to_ascii_uppercase();
        }
        let (mark, name) = token.split_at(token.chars().next().map_or(0, char::len_utf8));
        match (mark, name) {
            (":", name) if !name.is_empty() && !self.parameters.iter().any(|known| known == name) => {
                self.parameters.push(name.to_owned());
            }
            ("?" | "@" | "$", _) => {
                self.other_parameter.get_or_insert_with(|| token.to_owned());
            }
            _ => {}
        }
    }
}

/// How long the token at the beginning of `rest` is, in bytes.
fn token_length(rest: &str, first: char) -> usize {
    match first {
        '\'' | '"' | '`' => quoted_length(rest, first),
        '[' => rest.find(']').map_or(rest.len(), |end| end + 1),
        '-' if rest.starts_with("--") => rest.find('\n').map_or(rest.len(), |end| end + 1),
        '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
        ':' | '?' | '@' | '$' => 1 + word_length(&rest[1..]),
        _ if is_word(first) => word_length(rest),
        _ => first.len_utf8(),
    }
}

/// A quote within is written twice.
fn quoted_length(rest: &str, quote: char) -> usize {
    let mut end = 1;
    while let Some(next) = rest[end..].find(quote) {
        end += next + 1;
        if !rest[end..].starts_with(quote) {
            return end;
        }
        end += 1;
    }
    rest.len()
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || "_$".contains(letter) || !letter.is_ascii()
}

fn word_length(rest: &str) -> usize {
    rest.find(|letter| !is_word(letter)).unwrap_or(rest.len())
}

/// The strings of `sql = "…"` or `sql("…", "…", skip(field))`.
pub(super) fn texts(
    argument: &crate::arguments::Argument,
    fields: &[EventField<'_>],
    errors: &mut Errors,
) -> Option<(Vec<LitStr>, Vec<Ident>)> {
    use crate::arguments::Value;
    let Value::List(list) = &argument.value else {
        return argument.string(errors).map(|text| (vec![text], Vec::new()));
    };
    let parts = errors.take(parts(list.clone()))?;
    let (mut texts, mut skip) = (Vec::new(), Vec::new());
    for part in parts {
        match part {
            Part::Text(text) => texts.push(text),
            Part::Argument(argument) if argument.name == "skip" => skip.extend(argument.names(errors)),
            Part::Argument(argument) => errors.unknown(&argument.name, &["skip"]),
        }
    }
    skip.iter().for_each(|field| crate::event::check_field(field, fields, errors));
    if texts.is_empty() {
        errors.at(argument, "`sql` takes at least one statement: write `sql = \"…\"`");
        return None;
    }
    Some((texts, skip))
}

enum Part {
    Text(LitStr),
    Argument(crate::arguments::Argument),
}

fn parts(list: TokenStream) -> syn::Result<Vec<Part>> {
    use syn::parse::{ParseStream, Parser};
    let part = |input: ParseStream<'_>| {
        if input.peek(LitStr) { input.parse().map(Part::Text) } else { input.parse().map(Part::Argument) }
    };
    let parser = |input: ParseStream<'_>| {
        syn::punctuated::Punctuated::<Part, syn::Token![,]>::parse_terminated_with(input, part)
    };
    Ok(parser.parse2(list)?.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(sql: &str) -> Option<&'static str> {
        kind_problem(sql, &Scan::of(sql))
    }

    #[test]
    fn parameters_are_found_where_sqlite_finds_them() {
        let sql =
            "UPDATE \":a\" SET x = ':b''' || :c -- :d\n , [:e] = :f /* :g */ , `:h` = json(:c) WHERE a::text = :ä1";
        assert_eq!(Scan::of(sql).parameters, ["c", "f", "text", "ä1"]);
        assert_eq!(Scan::of("DELETE FROM a WHERE b = ?1").other_parameter.as_deref(), Some("?1"));
        assert_eq!(Scan::of("DELETE FROM a WHERE b = @b").other_parameter.as_deref(), Some("@b"));
        assert_eq!(Scan::of("DELETE FROM a WHERE b = 'it''s ?'").other_parameter, None);
    }

    #[test]
    fn one_statement_may_end_with_a_semicolon_and_a_comment() {
        assert_eq!(problem("DELETE FROM a WHERE b = ';' ; -- the end; really\n"), None);
        assert!(problem("DELETE FROM a; DELETE FROM b").is_some_and(|text| text.contains("several")));
        assert!(problem(" ; -- nothing").is_some_and(|text| text.contains("empty")));
    }

    #[test]
    fn only_what_writes_rows_is_a_materializer() {
        let fine = [
            "insert into a values (1)",
            "REPLACE INTO a VALUES (1)",
            "WITH x AS (SELECT 1) INSERT INTO a SELECT * FROM x",
        ];
        fine.into_iter().for_each(|sql| assert_eq!(problem(sql), None, "{sql}"));
        for sql in ["SELECT 1", "VALUES (1)", "WITH x AS (SELECT 1) SELECT * FROM x"] {
            assert!(problem(sql).is_some_and(|text| text.contains("only reads")), "{sql}");
        }
        for sql in ["CREATE TABLE a (b)", "PRAGMA user_version", "UPDAET a SET b = 1"] {
            assert!(problem(sql).is_some_and(|text| text.contains("belongs to the schema")), "{sql}");
        }
    }

    #[test]
    fn a_materializer_returns_nothing() {
        for sql in
            ["DELETE FROM a RETURNING b", "INSERT INTO a VALUES (1) RETURNING *", "UPDATE a SET b = 1 RETURNING b"]
        {
            assert!(problem(sql).is_some_and(|text| text.contains("RETURNING")), "{sql}");
        }
        assert_eq!(problem("DELETE FROM a WHERE b = ' RETURNING '"), None);
    }

    #[test]
    fn what_the_parser_cannot_read_is_left_to_sqlite() {
        assert_eq!(problem("WITH x AS MATERIALIZED (SELECT 1) UPDATE a INDEXED BY b SET c = (SELECT * FROM x)"), None);
    }
}
