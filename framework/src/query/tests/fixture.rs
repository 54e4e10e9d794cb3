//! A state, its live queries, and two tables.

use std::sync::{Arc, Mutex};

use crate::db::{Params, Purpose, Touched};
use crate::error::Result;
use crate::query::graph::lock;
use crate::query::{IntoQuery, LiveQuery, QueryGraph, Subscription};
use crate::schema::{Column, ColumnDef, ColumnType, FromRow, Row, Schema, SqlType, Table, TableDef};
use crate::state::StateDb;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Todo {
    pub(crate) id: i64,
    pub(crate) text: String,
    pub(crate) completed: bool,
    pub(crate) list_id: Option<String>,
    pub(crate) weight: Option<f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct List {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) parent: Option<String>,
}

impl Todo {
    pub(crate) const ID: Column<Self, i64> = Column::new("id");
    pub(crate) const TEXT: Column<Self, String> = Column::new("text");
    pub(crate) const COMPLETED: Column<Self, bool> = Column::new("completed");
    pub(crate) const LIST_ID: Column<Self, Option<String>> = Column::new("list id");
    pub(crate) const WEIGHT: Column<Self, Option<f64>> = Column::new("weight");
}

impl List {
    pub(crate) const ID: Column<Self, String> = Column::new("id");
    pub(crate) const NAME: Column<Self, String> = Column::new("name");
    pub(crate) const PARENT: Column<Self, Option<String>> = Column::new("parent");
}

const fn column(name: &'static str, sql_type: SqlType, nullable: bool) -> ColumnDef {
    ColumnDef { name, sql_type, nullable, default: None, constraints: &[] }
}

const fn table(name: &'static str, columns: &'static [ColumnDef]) -> TableDef {
    TableDef { name, columns, primary_key: &["id"], indexes: &[], constraints: &[] }
}

impl FromRow for Todo {
    const COLUMNS: Option<&'static [&'static str]> = Some(&["id", "text", "completed", "list id", "weight"]);

    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            text: row.get(1)?,
            completed: row.get(2)?,
            list_id: row.get(3)?,
            weight: row.get(4)?,
        })
    }
}

/// A keyword as the table's name and a space in a column's: everything has to be quoted.
impl Table for Todo {
    const DEF: TableDef = table(
        "todos",
        &[
            column("id", SqlType::Integer, false),
            column("text", SqlType::Text, false),
            ColumnDef { default: Some("0"), ..column("completed", SqlType::Integer, false) },
            ColumnDef {
                constraints: &["REFERENCES \"order\" ON DELETE CASCADE"],
                ..column("list id", SqlType::Text, true)
            },
            column("weight", SqlType::Real, true),
        ],
    );
}

impl FromRow for List {
    const COLUMNS: Option<&'static [&'static str]> = Some(&["id", "name", "parent"]);

    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self { id: row.get(0)?, name: row.get(1)?, parent: row.get(2)? })
    }
}

impl Table for List {
    const DEF: TableDef = table(
        "order",
        &[
            column("id", SqlType::Text, false),
            column("name", SqlType::Text, false),
            column("parent", SqlType::Text, true),
        ],
    );
}

pub(crate) fn schema() -> Schema {
    Schema::builder()
        .table::<List>()
        .table::<Todo>()
        .sql("CREATE TABLE log (what TEXT NOT NULL) STRICT")
        .sql("CREATE VIEW open AS SELECT id, text FROM todos WHERE NOT completed")
        .sql("CREATE TRIGGER logged AFTER UPDATE OF text ON todos BEGIN INSERT INTO log VALUES (new.text); END")
        .sql("CREATE VIRTUAL TABLE words USING fts5(text)")
        .sql("CREATE TRIGGER word_added AFTER INSERT ON todos BEGIN INSERT INTO words (rowid, text) VALUES (new.id, new.text); END")
        .sql("CREATE TRIGGER word_removed AFTER DELETE ON todos BEGIN DELETE FROM words WHERE rowid = old.id; END")
        .sql("CREATE VIRTUAL TABLE vocabulary USING fts5vocab('words', 'row')")
        .sql("CREATE VIEW ones AS SELECT 1 AS one FROM todos")
        .sql("CREATE TRIGGER opened INSTEAD OF INSERT ON open BEGIN INSERT INTO todos (id, text) VALUES (new.id, new.text); END")
        .sql(
            "CREATE TABLE spots (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, size INTEGER,
                twice INTEGER AS (size * 2), thrice INTEGER AS (size * 3) STORED)",
        )
        .sql("CREATE TABLE marks (spot INTEGER REFERENCES spots ON DELETE CASCADE ON UPDATE CASCADE, name TEXT REFERENCES spots (name) ON UPDATE SET NULL)")
        .build()
}

/// What a session is to the graph.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) state: Arc<Mutex<StateDb>>,
    pub(crate) graph: QueryGraph,
}

impl Session {
    pub(crate) fn new() -> Self {
        let state = StateDb::in_memory(&schema()).expect("a valid schema");
        Self { state: Arc::new(Mutex::new(state)), graph: QueryGraph::default() }
    }

    /// Two lists with a todo each.
    pub(crate) fn with_rows() -> Self {
        let session = Self::new();
        session.write("INSERT INTO \"order\" VALUES ('a', 'Home', NULL), ('b', 'Work', 'a')");
        session.add(1, "milk", Some("a"));
        session.add(2, "mail", Some("b"));
        session
    }

    pub(crate) fn live<T: Send + Sync + 'static>(&self, query: impl IntoQuery<T>) -> LiveQuery<T> {
        self.try_live(query).expect("the query runs")
    }

    pub(crate) fn try_live<T: Send + Sync + 'static>(&self, query: impl IntoQuery<T>) -> Result<LiveQuery<T>> {
        self.graph.register(&lock(&self.state), query)
    }

    pub(crate) fn query<T: Send + Sync + 'static>(&self, query: impl IntoQuery<T>) -> Vec<T> {
        query.into_query().run(&lock(&self.state)).expect("the query runs")
    }

    /// Writes without telling the graph; what it touched is added to `touched`.
    pub(crate) fn execute(&self, sql: &str, params: impl Params, touched: &mut Touched) {
        let state = lock(&self.state);
        touched.add(&state.db().footprint(sql, Purpose::Materialize).expect("prepares"));
        state.db().execute(sql, params).expect("the write succeeds");
    }

    /// A commit of one statement.
    pub(crate) fn write(&self, sql: &str) {
        self.write_with(sql, crate::params![]);
    }

    pub(crate) fn write_with(&self, sql: &str, params: impl Params) {
        let mut touched = Touched::default();
        self.execute(sql, params, &mut touched);
        self.settle(&touched);
        self.graph.deliver();
    }

    pub(crate) fn settle(&self, touched: &Touched) {
        self.graph.settle(&lock(&self.state), touched);
    }

    pub(crate) fn add(&self, id: i64, text: &str, list: Option<&str>) {
        self.write_with(
            "INSERT INTO todos (id, text, \"list id\") VALUES (?1, ?2, ?3)",
            crate::params![id, text, list],
        );
    }

    /// A live query with what its subscriber was given.
    pub(crate) fn watch<T: Send + Sync + 'static>(&self, query: impl IntoQuery<T>) -> Watched<T> {
        let live = self.live(query);
        let given = Arc::new(Mutex::new(Vec::new()));
        let log = given.clone();
        let subscription = live.subscribe(move |rows| lock(&log).push(rows));
        Watched { live, given, _subscription: subscription }
    }
}

pub(crate) struct Watched<T: Send + Sync + 'static> {
    pub(crate) live: LiveQuery<T>,
    given: Arc<Mutex<Vec<Arc<Vec<T>>>>>,
    _subscription: Subscription,
}

impl<T: Send + Sync + 'static> Watched<T> {
    /// What the subscriber was given since the last time.
    pub(crate) fn given(&self) -> Vec<Arc<Vec<T>>> {
        std::mem::take(&mut *lock(&self.given))
    }

    pub(crate) fn calls(&self) -> usize {
        self.given().len()
    }
}

/// A column type whose reading can fail and panic.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fussy(pub(crate) String);

impl crate::schema::ToColumn for Fussy {
    fn to_column(&self) -> Result<rusqlite::types::ToSqlOutput<'_>> {
        self.0.to_column()
    }
}

impl ColumnType for Fussy {
    const SQL_TYPE: SqlType = SqlType::Text;

    fn from_column(value: rusqlite::types::ValueRef<'_>) -> Result<Self, String> {
        let text = String::from_column(value)?;
        match text.as_str() {
            "bad" => Err("it is bad".to_owned()),
            "panic" => panic!("don't"),
            _ => Ok(Self(text)),
        }
    }
}
