//! Names: what they may look like, and how one becomes another.

use syn::ext::IdentExt;
use syn::{Ident, LitStr};

use crate::errors::Errors;

/// The longest event name, in bytes. Equals `headwater_core::limits::MAX_EVENT_NAME_BYTES`.
const MAX_EVENT_NAME_BYTES: usize = 128;

/// A field's name as text, without `r#`.
pub(crate) fn plain(ident: &Ident) -> String {
    ident.unraw().to_string()
}

/// The column constant of a field: `list_id` is `LIST_ID`. It stands at the field.
pub(crate) fn constant(ident: &Ident) -> Ident {
    Ident::new(&plain(ident).to_uppercase(), ident.span())
}

/// `TodoList` is `todo_list`.
pub(crate) fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    let mut after_lower = false;
    for letter in name.chars() {
        if letter.is_uppercase() && after_lower {
            snake.push('_');
        }
        after_lower = !letter.is_uppercase() && letter != '_';
        snake.extend(letter.to_lowercase());
    }
    snake
}

/// The known name that was probably meant.
pub(crate) fn closest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let rated = known.iter().map(|known| (strsim::jaro_winkler(name, known), *known));
    rated.filter(|(similarity, _)| *similarity > 0.8).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, known)| known)
}

/// `` `a`, `b` or `c` ``.
pub(crate) fn list(names: &[impl AsRef<str>]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    match quoted.split_last() {
        None => "nothing".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}

/// Checks the name of a table, a column, an index or a document.
pub(crate) fn check_sql(name: &LitStr, what: &str, errors: &mut Errors) {
    if let Some(problem) = sql_problem(&name.value()) {
        errors.at(name, format!("the name of {what} {problem}"));
    }
}

/// Checks a name that follows from an identifier.
pub(crate) fn check_sql_ident(ident: &Ident, name: &str, what: &str, errors: &mut Errors) {
    if let Some(problem) = sql_problem(name) {
        errors.at(ident, format!("the name of {what} {problem}: write another one as `name = \"…\"`"));
    }
}

fn sql_problem(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    if name.is_empty() || !name.chars().all(plain) || name.starts_with(|first: char| first.is_ascii_digit()) {
        return Some("consists of ASCII letters, digits and `_`, and does not begin with a digit");
    }
    if lower.starts_with("sqlite_") || lower.starts_with("__headwater") {
        return Some("must not begin with `sqlite_` or `__headwater`: these are reserved");
    }
    ["rowid", "oid", "_rowid_"].contains(&&*lower).then_some("must not be SQLite's own name of the row number")
}

/// Checks an event's name.
pub(crate) fn check_event(name: &LitStr, errors: &mut Errors) {
    let text = name.value();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    if text.is_empty() || text.len() > MAX_EVENT_NAME_BYTES || !text.chars().all(plain) {
        errors.at(
            name,
            format!(
                "an event's name has 1 to {MAX_EVENT_NAME_BYTES} bytes of ASCII letters, digits, `.`, `_` and `-`, such as \
                 \"v1.TodoCreated\""
            ),
        );
    } else if text.starts_with("headwater.") {
        errors.at(name, "names that begin with `headwater.` are reserved: write another prefix, such as \"v1.\"");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_name_becomes_a_table_name() {
        let cases =
            [("Todo", "todo"), ("TodoList", "todo_list"), ("HTTPLog", "httplog"), ("A1B", "a1_b"), ("a_B", "a_b")];
        cases.into_iter().for_each(|(name, snake)| assert_eq!(snake_case(name), snake, "{name}"));
    }

    #[test]
    fn the_closest_name_is_suggested_only_if_it_is_close() {
        assert_eq!(closest("primary_ky", &["primary_key", "name"]), Some("primary_key"));
        assert_eq!(closest("colour", &["primary_key", "name"]), None);
    }

    #[test]
    fn names_are_listed_as_prose() {
        assert_eq!(list(&["a", "b", "c"]), "`a`, `b` or `c`");
        assert_eq!(list(&["a"]), "`a`");
        assert_eq!(list(&[] as &[&str]), "nothing");
    }
}
