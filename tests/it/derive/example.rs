//! The example of the documentation.

use expect_test::expect;
use headwater::{Document, Event, Materialize, Schema, StateTx, Table, Timestamp, params};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Table)]
#[table(name = "todos")]
pub(super) struct Todo {
    #[column(primary_key)]
    id: String,
    text: String,
    #[column(default = false)]
    completed: bool,
    #[column(index)]
    list_id: String,
    deleted_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Event, Serialize, Deserialize)]
pub(super) enum TodoEvent {
    #[event(name = "v1.TodoCreated", insert(Todo))]
    Created { id: String, text: String, list_id: String },
    #[event(name = "v1.TodoTextChanged", update(Todo, key = id))]
    TextChanged { id: String, text: String },
    #[event(name = "v1.TodoCompleted", update(Todo, key = id, set(completed = true)))]
    Completed { id: String },
    #[event(name = "v1.TodoPurged", delete(Todo, key = id))]
    Purged { id: String },
    #[event(name = "v1.CompletedCleared", materialize = clear_completed)]
    CompletedCleared { deleted_at: Timestamp },
}

fn clear_completed(tx: &mut StateTx<'_>, deleted_at: &Timestamp) -> headwater::Result<()> {
    tx.execute("UPDATE todos SET deleted_at = ?1 WHERE completed AND deleted_at IS NULL", params![deleted_at]).map(drop)
}

#[derive(Clone, Debug, Default, PartialEq, Document, Serialize, Deserialize)]
#[document(name = "ui")]
struct Ui {
    draft: String,
}

fn schema() -> Schema {
    Schema::builder().table::<Todo>().event::<TodoEvent>().document::<Ui>().build()
}

fn created() -> TodoEvent {
    TodoEvent::Created { id: "a".into(), text: "draw the owl".into(), list_id: "in/box".into() }
}

#[test]
fn the_schema_is_valid() -> headwater::Result<()> {
    schema().check()
}

#[test]
fn the_table_is_declared_as_written() {
    expect![[r#"
        CREATE TABLE "todos" (
          "id" TEXT NOT NULL,
          "text" TEXT NOT NULL,
          "completed" INTEGER NOT NULL DEFAULT (FALSE),
          "list_id" TEXT NOT NULL,
          "deleted_at" INTEGER,
          PRIMARY KEY ("id")
        ) STRICT
        CREATE INDEX "todos_by_list_id" ON "todos" ("list_id")"#]]
    .assert_eq(&Todo::DEF.create_statements().join("\n"));
}

#[test]
fn each_event_has_its_statement() {
    let defs: Vec<_> =
        TodoEvent::DEFS.iter().map(|def| format!("{} {}: {}", def.name, def.ver, def.materializer)).collect();
    expect![[r#"
        v1.TodoCreated 1: INSERT INTO "todos" ("id", "text", "list_id") VALUES (?1, ?2, ?3)
        v1.TodoTextChanged 1: UPDATE "todos" SET "text" = ?1 WHERE "id" = ?2
        v1.TodoCompleted 1: UPDATE "todos" SET "completed" = ?1 WHERE "id" = ?2; completed = true
        v1.TodoPurged 1: DELETE FROM "todos" WHERE "id" = ?1
        v1.CompletedCleared 1: clear_completed revision 1"#]]
    .assert_eq(&defs.join("\n"));
}

#[test]
fn shapes_are_what_is_published() {
    expect![[r#"
        headwater.DocumentSet 1 document: String, key: String, fields: Map
        v1.CompletedCleared 1 deleted_at: Timestamp
        v1.TodoCompleted 1 id: String
        v1.TodoCreated 1 id: String, text: String, list_id: String
        v1.TodoPurged 1 id: String
        v1.TodoTextChanged 1 id: String, text: String
    "#]]
    .assert_eq(&schema().shapes());
}

#[test]
fn arguments_are_the_fields() -> Result<(), serde_json::Error> {
    let args = created().encode()?;
    assert_eq!(args.json(), r#"{"id":"a","text":"draw the owl","list_id":"in/box"}"#);
    assert_eq!(TodoEvent::decode(0, &args)?, created());
    assert_eq!(created().def().name, "v1.TodoCreated");
    assert_eq!(TodoEvent::Completed { id: "a".into() }.def().name, "v1.TodoCompleted");
    Ok(())
}

#[test]
fn facts_name_the_row() {
    let (writes, requires) = (created().facts().writes, created().facts().requires);
    assert_eq!((writes, requires), (vec!["todos/a".to_owned()], vec![]));
    let purged = TodoEvent::Purged { id: "a/b".into() }.facts();
    assert_eq!((purged.writes, purged.requires), (vec!["todos/a%2Fb".to_owned()], vec!["todos/a%2Fb".to_owned()]));
}

#[test]
fn column_constants_carry_names() {
    assert_eq!((Todo::LIST_ID.name(), Todo::DELETED_AT.name()), ("list_id", "deleted_at"));
    assert_eq!(Ui::NAME, "ui");
}
