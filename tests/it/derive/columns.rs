//! Tables: every type of column, every constraint.

use std::collections::BTreeMap;

use expect_test::expect;
use headwater::schema::{SqlType, TableDef};
use headwater::{Event, FromRow, Json, Schema, Storage, Store, Table, Timestamp};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Tag {
    name: String,
}

/// A type of the app's own.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Color {
    Red,
    Green,
}

impl headwater::schema::ToColumn for Color {
    fn to_column(&self) -> headwater::Result<rusqlite::types::ToSqlOutput<'_>> {
        Ok(if *self == Self::Red { "red" } else { "green" }.into())
    }
}

impl headwater::ColumnType for Color {
    const SQL_TYPE: SqlType = SqlType::Text;

    fn from_column(value: rusqlite::types::ValueRef<'_>) -> Result<Self, String> {
        match String::from_column(value)?.as_str() {
            "red" => Ok(Self::Red),
            "green" => Ok(Self::Green),
            other => Err(format!("{other} is no color")),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Table)]
struct AllTypes {
    #[column(primary_key)]
    id: i64,
    small: u8,
    wide: i32,
    real: f64,
    flag: bool,
    text: String,
    bytes: Vec<u8>,
    at: Timestamp,
    color: Color,
    json: Json<BTreeMap<String, u8>>,
    #[column(json)]
    tags: Vec<Tag>,
    #[column(json)]
    tag: Option<Tag>,
    maybe_text: Option<String>,
    maybe_real: Option<f64>,
    maybe_bytes: Option<Vec<u8>>,
    maybe_color: Option<Color>,
    #[column(name = "type")]
    r#type: String,
}

#[derive(Clone, Debug, PartialEq, Event, Serialize, Deserialize)]
enum AllEvent {
    #[event(name = "v1.AllSet", upsert(AllTypes))]
    Set {
        id: i64,
        small: u8,
        wide: i32,
        real: f64,
        flag: bool,
        text: String,
        bytes: Vec<u8>,
        at: Timestamp,
        color: Color,
        json: BTreeMap<String, u8>,
        tags: Vec<Tag>,
        tag: Option<Tag>,
        maybe_text: Option<String>,
        maybe_real: Option<f64>,
        maybe_bytes: Option<Vec<u8>>,
        maybe_color: Option<Color>,
        r#type: String,
    },
    /// Fields of `T` where the columns are `Option<T>`.
    #[event(name = "v1.Some", update(AllTypes, key = id))]
    Some { id: i64, maybe_text: String, maybe_real: f64, maybe_bytes: Vec<u8>, maybe_color: Color, tag: Tag },
}

fn set(id: i64) -> AllEvent {
    AllEvent::Set {
        id,
        small: 255,
        wide: -7,
        real: 0.1,
        flag: true,
        text: "quote ' and \" and ö".into(),
        bytes: vec![0, 255],
        at: Timestamp::from_micros(-1),
        color: Color::Green,
        json: BTreeMap::from([("a".into(), 1)]),
        tags: vec![Tag { name: "x".into() }],
        tag: None,
        maybe_text: None,
        maybe_real: None,
        maybe_bytes: None,
        maybe_color: None,
        r#type: "t".into(),
    }
}

fn row(id: i64) -> AllTypes {
    AllTypes {
        id,
        small: 255,
        wide: -7,
        real: 0.1,
        flag: true,
        text: "quote ' and \" and ö".into(),
        bytes: vec![0, 255],
        at: Timestamp::from_micros(-1),
        color: Color::Green,
        json: Json(BTreeMap::from([("a".into(), 1)])),
        tags: vec![Tag { name: "x".into() }],
        tag: None,
        maybe_text: None,
        maybe_real: None,
        maybe_bytes: None,
        maybe_color: None,
        r#type: "t".into(),
    }
}

fn store() -> headwater::Result<Store> {
    let schema = Schema::builder().table::<AllTypes>().event::<AllEvent>().build();
    Store::builder(schema).storage(Storage::in_memory()).open()
}

#[test]
fn every_type_reads_back_as_it_was() -> headwater::Result<()> {
    let store = store()?;
    store.commit(set(1))?;
    assert_eq!(store.query(AllTypes::query())?, [row(1)]);
    Ok(())
}

#[test]
fn a_value_fits_an_optional_column() -> headwater::Result<()> {
    let store = store()?;
    store.commit(set(1))?;
    let tag = Tag { name: "y".into() };
    store.commit(AllEvent::Some {
        id: 1,
        maybe_text: "some".into(),
        maybe_real: 1.0,
        maybe_bytes: vec![1],
        maybe_color: Color::Red,
        tag: tag.clone(),
    })?;
    let changed = AllTypes {
        tag: Some(tag),
        maybe_text: Some("some".into()),
        maybe_real: Some(1.0),
        maybe_bytes: Some(vec![1]),
        maybe_color: Some(Color::Red),
        ..row(1)
    };
    assert_eq!(store.query(AllTypes::query())?, [changed]);
    Ok(())
}

#[test]
fn json_that_is_none_is_null() -> headwater::Result<()> {
    #[derive(Debug, PartialEq, FromRow)]
    struct Nulls {
        id: i64,
        #[column(name = "tag")]
        text: Option<String>,
        #[column(name = "tags", json)]
        read: Vec<Tag>,
    }
    let store = store()?;
    store.commit(set(1))?;
    let nulls =
        store.query(headwater::query::sql::<Nulls>("SELECT tags, tag, id FROM all_types", headwater::params![]))?;
    assert_eq!(nulls, [Nulls { id: 1, text: None, read: vec![Tag { name: "x".into() }] }]);
    Ok(())
}

#[test]
fn storage_classes_and_nulls_follow_from_the_types() {
    expect![[r#"
        CREATE TABLE "all_types" (
          "id" INTEGER NOT NULL,
          "small" INTEGER NOT NULL,
          "wide" INTEGER NOT NULL,
          "real" REAL NOT NULL,
          "flag" INTEGER NOT NULL,
          "text" TEXT NOT NULL,
          "bytes" BLOB NOT NULL,
          "at" INTEGER NOT NULL,
          "color" TEXT NOT NULL,
          "json" TEXT NOT NULL,
          "tags" TEXT NOT NULL,
          "tag" TEXT,
          "maybe_text" TEXT,
          "maybe_real" REAL,
          "maybe_bytes" BLOB,
          "maybe_color" TEXT,
          "type" TEXT NOT NULL,
          PRIMARY KEY ("id")
        ) STRICT"#]]
    .assert_eq(&AllTypes::DEF.create_statements().join("\n"));
}

#[derive(PartialEq, Table)]
#[table(name = "lists")]
struct List {
    #[column(primary_key)]
    id: String,
}

#[derive(Debug, PartialEq, Table)]
#[table(
    name = "items",
    primary_key(list, position),
    unique(list, text),
    check = "length(text) < 100",
    foreign_key = "(list) REFERENCES lists (id) ON DELETE CASCADE",
    index(columns(text, "position DESC"), name = "items_latest", where = "note IS NOT NULL"),
    index(columns(list, position), unique)
)]
struct Item {
    list: String,
    position: i64,
    #[column(collate = "NOCASE", check = "text <> ''", index)]
    text: String,
    #[column(default = "it's new", name = "note")]
    remark: Option<String>,
    #[column(default = -1)]
    rank: i64,
    #[column(default = sql("1 + 1"), unique)]
    sum: i64,
    #[column(default = b"\x00\xff")]
    bytes: Vec<u8>,
    #[column(default = 1.5)]
    real: f64,
    #[column(generated = "upper(text)")]
    loud: String,
    #[column(references = "lists (id)")]
    other: Option<String>,
}

#[derive(Debug, Event, Serialize, Deserialize)]
enum ItemEvent {
    #[event(name = "v1.ListAdded", insert(List))]
    ListAdded { id: String },
    #[event(name = "v1.ItemAdded", insert(Item))]
    Added { list: String, position: i64, text: String },
}

fn items() -> Schema {
    Schema::builder().table::<List>().table::<Item>().event::<ItemEvent>().build()
}

#[test]
fn constraints_and_indexes_are_declared_as_written() -> headwater::Result<()> {
    items().check()?;
    expect![[r#"
        CREATE TABLE "items" (
          "list" TEXT NOT NULL,
          "position" INTEGER NOT NULL,
          "text" TEXT NOT NULL COLLATE NOCASE CHECK (text <> ''),
          "note" TEXT DEFAULT ('it''s new'),
          "rank" INTEGER NOT NULL DEFAULT (-1),
          "sum" INTEGER NOT NULL DEFAULT (1 + 1) UNIQUE,
          "bytes" BLOB NOT NULL DEFAULT (x'00ff'),
          "real" REAL NOT NULL DEFAULT (1.5),
          "loud" TEXT NOT NULL AS (upper(text)) STORED,
          "other" TEXT REFERENCES lists (id),
          PRIMARY KEY ("list", "position"),
          UNIQUE ("list", "text"),
          CHECK (length(text) < 100),
          FOREIGN KEY (list) REFERENCES lists (id) ON DELETE CASCADE
        ) STRICT;
        CREATE INDEX "items_by_text" ON "items" ("text");
        CREATE INDEX "items_latest" ON "items" ("text", position DESC) WHERE note IS NOT NULL;
        CREATE UNIQUE INDEX "items_by_list_position" ON "items" ("list", "position")"#]]
    .assert_eq(&Item::DEF.create_statements().join(";\n"));
    Ok(())
}

#[test]
fn what_an_insert_leaves_out_has_its_default() -> headwater::Result<()> {
    let store = Store::builder(items()).storage(Storage::in_memory()).open()?;
    store.commit(ItemEvent::ListAdded { id: "a".into() })?;
    store.commit(ItemEvent::Added { list: "a".into(), position: 1, text: "owl".into() })?;
    let expected = Item {
        list: "a".into(),
        position: 1,
        text: "owl".into(),
        remark: Some("it's new".into()),
        rank: -1,
        sum: 2,
        bytes: vec![0, 255],
        real: 1.5,
        loud: "OWL".into(),
        other: None,
    };
    assert_eq!(store.query(Item::query())?, [expected]);
    Ok(())
}

#[test]
fn a_broken_constraint_fails_the_commit() -> headwater::Result<()> {
    let store = Store::builder(items()).storage(Storage::in_memory()).open()?;
    let added = |list: &str, text: &str| ItemEvent::Added { list: list.into(), position: 1, text: text.into() };
    assert!(store.commit(added("a", "owl")).is_err(), "there is no list a");
    store.commit(ItemEvent::ListAdded { id: "a".into() })?;
    assert!(store.commit(added("a", "")).is_err(), "the text is empty");
    assert!(store.query(Item::query())?.is_empty());
    store.commit(added("a", "owl"))?;
    Ok(())
}

#[test]
fn names_follow_from_the_struct_unless_they_are_given() {
    const DEF: TableDef = AllTypes::DEF;
    assert_eq!((DEF.name, Item::DEF.name), ("all_types", "items"));
    assert_eq!((Item::REMARK.name(), AllTypes::TYPE.name()), ("note", "type"));
    assert_eq!(Item::COLUMNS.map(|names| names[3]), Some("note"));
}
