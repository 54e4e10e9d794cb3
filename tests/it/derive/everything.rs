//! Every argument of every derive, without a warning.
#![deny(warnings)]

use headwater::{Document, Event, FromRow, Json, StateTx, Table, Timestamp};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Table)]
#[table(
    name = "todos",
    check = "length(text) < 1000",
    foreign_key = "(list_id) REFERENCES lists (id) ON DELETE CASCADE",
    unique(list_id, rank),
    index(columns(list_id, "at DESC"), name = "todos_latest", where = "note IS NULL"),
    index(columns(text), unique)
)]
struct Todo {
    #[column(primary_key)]
    id: i64,
    #[column(collate = "NOCASE", check = "text <> ''")]
    text: String,
    #[column(default = false)]
    completed: bool,
    #[column(index)]
    list_id: String,
    #[column(unique, default = -1)]
    rank: i64,
    #[column(name = "why", default = "it's new")]
    note: Option<String>,
    #[column(json, default = sql("'[]'"))]
    tags: Vec<String>,
    #[column(json)]
    extra: Option<serde_json::Value>,
    #[column(generated = "upper(text)")]
    loud: String,
    #[column(references = "lists (id)")]
    parent: Option<String>,
    at: Timestamp,
    r#type: f64,
    wrapped: Json<u8>,
    bytes: Vec<u8>,
}

#[derive(PartialEq, Table)]
#[table(primary_key(list, user))]
struct ListMember {
    list: String,
    user: String,
    name: String,
}

#[derive(FromRow)]
struct Count {
    #[column(name = "n")]
    count: i64,
    #[column(json)]
    tags: Vec<String>,
}

#[derive(Clone, Default, Document, Serialize, Deserialize)]
struct UiState {
    draft: String,
}

#[derive(Event, Serialize, Deserialize)]
#[serde(rename_all_fields = "camelCase")]
enum Todos {
    #[event(
        name = "v1.TodoCreated",
        ver = 3,
        client_only,
        revision = 2,
        upcast(from = 2, with = lift),
        upcast(from = 1, with = lift),
        insert(Todo, or_ignore, skip(raw), set(text = raw.trim(), completed = false, at = now, r#type = 0.5, extra = serde_json::Value::Null)),
        facts(writes("todos/{id}", "lists/{list_id}"), reads("lists/{list_id}"), requires("{{}}"))
    )]
    Created {
        id: i64,
        raw: String,
        list_id: String,
        now: Timestamp,
        tags: Vec<String>,
        wrapped: Json<u8>,
        bytes: Vec<u8>,
    },
    #[event(name = "v1.TodoChanged", update(Todo, key(id = todo), set(note = None::<String>, text, rank = rank + 1)))]
    Changed { todo: i64, text: String, rank: i64 },
    #[event(name = "v1.TodoGone", delete(Todo, key = id, skip(tx)))]
    Gone { id: i64, tx: String },
    #[event(name = "v1.Named", upsert(ListMember, keep(name)))]
    Named { list: String, user: String, name: String },
    #[event(name = "v1.Left", delete(ListMember, key(user, list)))]
    Left { list: String, user: String },
    #[event(name = "v1.Replaced", insert(ListMember, or_replace))]
    Replaced { list: String, user: String, name: String },
    #[event(
        name = "v1.Cleared",
        sql("DELETE FROM todos WHERE list_id = :list", "DELETE FROM lists WHERE id = :list", skip(why))
    )]
    Cleared { list: String, why: String },
    #[event(name = "v1.AllCleared", sql = "DELETE FROM todos;")]
    AllCleared,
    #[event(name = "v1.Sorted", materialize = inner::sorted)]
    Sorted { by: String, tx: i64 },
    #[event(name = "v1.Reset", materialize = reset)]
    Reset {},
}

fn lift(args: serde_json::Value) -> headwater::Result<serde_json::Value> {
    Ok(args)
}

fn reset(_: &mut StateTx<'_>) -> headwater::Result<()> {
    Ok(())
}

mod inner {
    pub(super) fn sorted(_: &mut headwater::StateTx<'_>, _: &str, _: &i64) -> headwater::Result<()> {
        Ok(())
    }
}

#[test]
fn every_argument_is_taken_without_a_warning() {
    assert_eq!((Todo::TYPE.name(), Todo::NOTE.name(), UiState::NAME), ("type", "why", "ui_state"));
    assert_eq!((Todos::DEFS.len(), Todos::DEFS[0].ver, Todos::DEFS[0].upcasts.len()), (10, 3, 2));
    assert_eq!(ListMember::DEF.primary_key, ["list", "user"]);
    assert_eq!(Count::COLUMNS, Some(["n", "tags"].as_slice()));
    let _ = |count: Count| (count.count, count.tags);
}
