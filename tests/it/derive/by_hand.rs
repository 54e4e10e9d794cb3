//! The derives' output written by hand: what they emit can be replaced by this, and reads like it.

use headwater::schema::{ColumnDef, EventDef, Row, SqlType, TableDef};
use headwater::{Args, Column, Event, EventScope, Facts, FromRow, Materialize, StateTx, Table, params};
use serde::{Deserialize, Serialize};

/// A list, derived.
mod derived {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Table)]
    #[table(name = "lists")]
    pub(super) struct List {
        #[column(primary_key)]
        pub(super) id: String,
        #[column(default = "untitled")]
        pub(super) title: Option<String>,
    }

    #[derive(Clone, Debug, PartialEq, Event, Serialize, Deserialize)]
    pub(super) enum ListEvent {
        #[event(name = "v1.ListCreated", insert(List))]
        Created { id: String, title: String },
        #[event(name = "v1.ListRenamed", update(List, key = id))]
        Renamed { id: String, title: Option<String> },
    }
}

/// The same list, by hand.
mod written {
    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    pub(super) struct List {
        pub(super) id: String,
        pub(super) title: Option<String>,
    }

    impl FromRow for List {
        const COLUMNS: Option<&'static [&'static str]> = Some(&["id", "title"]);

        fn from_row(row: &Row<'_>) -> headwater::Result<Self> {
            Ok(Self { id: row.get(0)?, title: row.get(1)? })
        }
    }

    impl Table for List {
        const DEF: TableDef = TableDef {
            name: "lists",
            columns: &[
                ColumnDef { name: "id", sql_type: SqlType::Text, nullable: false, default: None, constraints: &[] },
                ColumnDef {
                    name: "title",
                    sql_type: SqlType::Text,
                    nullable: true,
                    default: Some("'untitled'"),
                    constraints: &[],
                },
            ],
            primary_key: &["id"],
            indexes: &[],
            constraints: &[],
        };
    }

    impl List {
        pub(super) const ID: Column<Self, String> = Column::new("id");
        pub(super) const TITLE: Column<Self, Option<String>> = Column::new("title");
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub(super) enum ListEvent {
        Created { id: String, title: String },
        Renamed { id: String, title: Option<String> },
    }

    const CREATED: &str = r#"INSERT INTO "lists" ("id", "title") VALUES (?1, ?2)"#;
    const RENAMED: &str = r#"UPDATE "lists" SET "title" = ?1 WHERE "id" = ?2"#;

    const fn def(name: &'static str, shape: &'static str, sql: &'static [&'static str; 1]) -> EventDef {
        EventDef { name, ver: 1, scope: EventScope::Synced, shape, materializer: sql[0], statements: sql, upcasts: &[] }
    }

    impl Event for ListEvent {
        const DEFS: &'static [EventDef] = &[
            def("v1.ListCreated", "id: String, title: String", &[CREATED]),
            def("v1.ListRenamed", "id: String, title: Option<String>", &[RENAMED]),
        ];

        fn def(&self) -> &'static EventDef {
            match self {
                Self::Created { .. } => &Self::DEFS[0],
                Self::Renamed { .. } => &Self::DEFS[1],
            }
        }

        fn encode(&self) -> Result<Args, serde_json::Error> {
            match self {
                Self::Created { id, title } => Args::encode(&serde_json::json!({ "id": id, "title": title })),
                Self::Renamed { id, title } => Args::encode(&serde_json::json!({ "id": id, "title": title })),
            }
        }

        fn decode(index: usize, args: &Args) -> Result<Self, serde_json::Error> {
            #[derive(Deserialize)]
            struct Created {
                id: String,
                title: String,
            }
            #[derive(Deserialize)]
            struct Renamed {
                id: String,
                title: Option<String>,
            }
            if index == 0 {
                args.decode().map(|Created { id, title }| Self::Created { id, title })
            } else {
                args.decode().map(|Renamed { id, title }| Self::Renamed { id, title })
            }
        }
    }

    impl Materialize for ListEvent {
        fn materialize(&self, tx: &mut StateTx<'_>) -> headwater::Result<()> {
            match self {
                Self::Created { id, title } => {
                    tx.execute(CREATED, params![List::ID.bind(id), List::TITLE.bind(title)])?
                }
                Self::Renamed { id, title } => {
                    tx.execute(RENAMED, params![List::TITLE.bind(title), List::ID.bind(id)])?
                }
            };
            Ok(())
        }

        fn facts(&self) -> Facts {
            match self {
                Self::Created { id, .. } => Facts { writes: vec![format!("lists/{id}")], ..Facts::default() },
                Self::Renamed { id, .. } => Facts {
                    writes: vec![format!("lists/{id}")],
                    requires: vec![format!("lists/{id}")],
                    ..Facts::default()
                },
            }
        }
    }
}

#[test]
fn declarations_are_equal() {
    assert_eq!(derived::List::DEF, written::List::DEF);
    assert_eq!(derived::List::COLUMNS, written::List::COLUMNS);
    assert_eq!(derived::List::TITLE.name(), written::List::TITLE.name());
    assert_eq!(format!("{:?}", derived::ListEvent::DEFS), format!("{:?}", written::ListEvent::DEFS));
}

#[test]
fn events_are_equal_on_the_wire_and_in_their_facts() -> Result<(), serde_json::Error> {
    let derived = [
        derived::ListEvent::Created { id: "a".into(), title: "b".into() },
        derived::ListEvent::Renamed { id: "a".into(), title: None },
    ];
    let by_hand = [
        written::ListEvent::Created { id: "a".into(), title: "b".into() },
        written::ListEvent::Renamed { id: "a".into(), title: None },
    ];
    for (index, (derived, by_hand)) in derived.into_iter().zip(by_hand).enumerate() {
        assert_eq!(derived.encode()?, by_hand.encode()?);
        assert_eq!(derived.facts(), by_hand.facts());
        assert_eq!(derived::ListEvent::decode(index, &by_hand.encode()?)?, derived);
        assert_eq!(written::ListEvent::decode(index, &derived.encode()?)?, by_hand);
    }
    Ok(())
}

#[test]
fn schemas_have_equal_fingerprints() -> headwater::Result<()> {
    let derived = headwater::Schema::builder().table::<derived::List>().event::<derived::ListEvent>().build();
    let by_hand = headwater::Schema::builder().table::<written::List>().event::<written::ListEvent>().build();
    derived.check()?;
    assert_eq!(derived.fingerprint(), by_hand.fingerprint());
    Ok(())
}
