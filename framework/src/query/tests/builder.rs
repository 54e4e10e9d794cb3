//! Every operator of the builder is executed, and compared with SQL of the same meaning that was written by hand.

use rusqlite::types::Value;

use super::fixture::{List, Session, Todo};
use crate::error::Error;
use crate::params;
use crate::query::{
    Collation, Expr, IntoQuery, Query, Scalar, Select, count, count_distinct, count_of, exists, max, min, sql, sum,
};
use crate::schema::Table;

fn session() -> Session {
    let session = Session::with_rows();
    session.write(
        r#"INSERT INTO todos (id, text, completed, "list id", weight) VALUES
            (3, 'MILK', 1, 'a', 2.5), (4, '50% of_it', 0, 'b', -1.0), (5, '50x ofxit', 1, 'b', 2.5), (6, 'a\b', 0, NULL, 1e300),
            (7, '', 0, NULL, NULL), (8, 'it''s "quoted"', 1, 'a', 0.0), (9, 'milk  ', 0, 'b', 2.5), (-1, 'Straße', 1, NULL, NULL)"#,
    );
    session
}

/// The ids that a condition lets through, and those of SQL.
#[track_caller]
fn same(condition: impl Into<Expr>, by_hand: &str) {
    let (session, condition) = (session(), condition.into());
    let built = Todo::query().filter(condition.clone()).order_by(Todo::ID).select(Todo::ID);
    let ids: Vec<i64> = session.query(sql(format!("SELECT id FROM todos WHERE {by_hand} ORDER BY id"), params![]));
    assert_eq!(session.query(built), ids, "{condition}");
    let truth = |sql: String| session.query::<Option<bool>>(self::sql(sql, params![]));
    let value = Todo::query().order_by(Todo::ID).select(Scalar::<Option<bool>>::new(condition.0));
    assert_eq!(session.query(value), truth(format!("SELECT {by_hand} FROM todos ORDER BY id")), "including NULL");
}

/// The rows of a query, and those of SQL, with all columns.
#[track_caller]
fn same_rows<T: Send + Sync + 'static>(select: Select<T>, by_hand: &str) {
    let (session, query) = (session(), select.into_query());
    assert_eq!(values(&session, &query), values(&session, &sql::<Value>(by_hand, params![])), "{query:?}");
    session.query(query);
}

fn values<T: Send + Sync + 'static>(session: &Session, query: &Query<T>) -> Vec<Vec<Value>> {
    let mut rows = Vec::new();
    let each = |row: &crate::schema::Row<'_>| {
        rows.push((0..row.width()).map(|index| row.get(index)).collect::<Result<_, _>>()?);
        Ok(())
    };
    query.for_each(crate::query::graph::lock(&session.state).db(), each).expect("it runs");
    rows
}

#[test]
fn comparisons() {
    same(Todo::TEXT.eq("milk"), "text = 'milk'");
    same(Todo::TEXT.eq(String::from("it's \"quoted\"")), "text = 'it''s \"quoted\"'");
    let milk = String::from("milk");
    same(Todo::TEXT.eq(&milk), "text = 'milk'");
    same(Todo::TEXT.ne("milk"), "text <> 'milk'");
    same(Todo::COMPLETED.eq(false), "completed = 0");
    same(Todo::COMPLETED, "completed");
    same(Todo::ID.lt(4), "id < 4");
    same(Todo::ID.le(4), "id <= 4");
    same(Todo::ID.gt(4), "id > 4");
    same(Todo::ID.ge(4), "id >= 4");
    same(Todo::ID.between(2, 4), "id BETWEEN 2 AND 4");
    same(Todo::ID.between(4, 2), "id BETWEEN 4 AND 2");
    same(Todo::WEIGHT.gt(0.5), "weight > 0.5");
    same(Todo::WEIGHT.eq(Some(2.5)), "weight = 2.5");
    same(Todo::LIST_ID.eq("a"), "\"list id\" = 'a'");
    same(Todo::LIST_ID.eq(None), "\"list id\" = NULL");
}

#[test]
fn null_safe_comparisons() {
    same(Todo::WEIGHT.is(None), "weight IS NULL");
    same(Todo::WEIGHT.is(2.5), "weight IS 2.5");
    same(Todo::WEIGHT.is_not(2.5), "weight IS NOT 2.5");
    same(Todo::LIST_ID.is_not(None), "\"list id\" IS NOT NULL");
    same(Todo::LIST_ID.is_null(), "\"list id\" IS NULL");
    same(Todo::LIST_ID.is_not_null(), "\"list id\" IS NOT NULL");
}

#[test]
fn patterns() {
    same(Todo::TEXT.like("m_l%"), "text LIKE 'm_l%'");
    same(Todo::TEXT.like(r"a\b"), r"text LIKE 'a\b'");
    same(Todo::TEXT.contains("% of_"), "instr(text, '% of_') > 0");
    same(Todo::TEXT.contains("_"), "instr(text, '_') > 0");
    same(Todo::TEXT.contains(r"\"), r"instr(text, '\') > 0");
    same(Todo::TEXT.contains("IL"), "instr(lower(text), 'il') > 0");
    same(Todo::TEXT.contains(""), "1");
    same(Todo::TEXT.starts_with("50%"), "substr(text, 1, 3) = '50%'");
    same(Todo::TEXT.ends_with("_it"), "substr(text, -3) = '_it'");
    same(Todo::TEXT.glob("[mM]*"), "text GLOB '[mM]*'");
    same(Todo::LIST_ID.contains("a"), "\"list id\" LIKE '%a%'");
}

#[test]
fn lists() {
    same(Todo::ID.in_([1, 4, 99]), "id IN (1, 4, 99)");
    same(Todo::TEXT.in_(["milk", ""]), "text IN ('milk', '')");
    same(Todo::TEXT.in_(&[String::from("milk")]), "text IN ('milk')");
    same(Todo::ID.not_in(vec![1, 4]), "id NOT IN (1, 4)");
    same(Todo::LIST_ID.not_in([Some("a".to_owned()), None]), "\"list id\" NOT IN ('a', NULL)");
    same(Todo::LIST_ID.in_([None, Some("a".to_owned())]), "\"list id\" IN (NULL, 'a')");
    same(Todo::LIST_ID.in_(Vec::<&str>::new()), "0");
    same(Todo::LIST_ID.not_in(Vec::<&str>::new()), "1");
}

#[test]
fn connectives() {
    let (heavy, done) = (|| Todo::WEIGHT.gt(0.0), || Todo::COMPLETED.eq(true));
    same(heavy().and(done()), "weight > 0 AND completed");
    same(heavy().or(Todo::COMPLETED), "weight > 0 OR completed");
    same(heavy().not(), "NOT weight > 0");
    same(!(heavy() & done() | Todo::ID.lt(0)), "NOT (weight > 0 AND completed OR id < 0)");
    same(heavy() & (done() | Todo::ID.lt(0)), "weight > 0 AND (completed OR id < 0)");
    same(!heavy() & done(), "(NOT weight > 0) AND completed");
    same(Expr::all([heavy(), done(), Todo::ID.lt(6)]), "weight > 0 AND completed AND id < 6");
    same(Expr::any([heavy(), done(), Todo::ID.lt(0)]), "weight > 0 OR completed OR id < 0");
    same(Expr::all([]), "1");
    same(Expr::any([]), "0");
}

#[test]
fn sql_text_and_collations() {
    same(
        Expr::sql("length(text) > ? OR id = ?", params![6, 1]).and(Todo::ID.gt(0)),
        "(length(text) > 6 OR id = 1) AND id > 0",
    );
    same(Scalar::<i64>::sql("id % ?", params![3]).eq(1), "id % 3 = 1");
    same(Todo::TEXT.collate(Collation::NoCase).eq("Milk"), "text = 'Milk' COLLATE NOCASE");
    same(Todo::TEXT.collate(Collation::Rtrim).eq("milk"), "text = 'milk' COLLATE RTRIM");
    same(Todo::TEXT.collate(Collation::Binary).eq("milk"), "text = 'milk'");
}

#[test]
fn subqueries() {
    let parents = List::query().filter(List::PARENT.is_not_null());
    same(
        Todo::LIST_ID.in_query(parents.clone().select(List::ID)),
        "\"list id\" IN (SELECT id FROM \"order\" WHERE parent IS NOT NULL)",
    );
    same(
        Todo::LIST_ID.not_in_query(List::query().select(List::PARENT)),
        "\"list id\" NOT IN (SELECT parent FROM \"order\")",
    );
    let own = parents.filter(List::ID.eq(Todo::LIST_ID)).filter(List::NAME.ne("x"));
    same(
        exists(own.clone()),
        "EXISTS (SELECT 1 FROM \"order\" o WHERE o.parent IS NOT NULL AND o.id = \"list id\" AND name <> 'x')",
    );
    same(!exists(own), "NOT EXISTS (SELECT 1 FROM \"order\" o WHERE o.parent IS NOT NULL AND o.id = \"list id\")");
}

#[test]
fn order_limit_and_distinct() {
    let all = Todo::query;
    let text = |tail: &str| format!("SELECT id, text, completed, \"list id\", weight FROM todos {tail}");
    same_rows(all(), &text(""));
    same_rows(all().order_by(Todo::TEXT), &text("ORDER BY text"));
    same_rows(all().order_by(Todo::WEIGHT), &text("ORDER BY weight, id"));
    same_rows(all().order_by(Todo::WEIGHT.desc()), &text("ORDER BY weight DESC, id"));
    same_rows(all().order_by(Todo::WEIGHT.asc().nulls_last()), &text("ORDER BY weight NULLS LAST, id"));
    same_rows(all().order_by(Todo::WEIGHT.desc().nulls_first()), &text("ORDER BY weight DESC NULLS FIRST, id"));
    same_rows(
        all().order_by(Todo::COMPLETED.desc()).order_by(Todo::TEXT.desc()),
        &text("ORDER BY completed DESC, text DESC"),
    );
    same_rows(all().order_by(Todo::TEXT.collate(Collation::NoCase)), &text("ORDER BY text COLLATE NOCASE, id"));
    same_rows(
        all().order_by(Todo::TEXT.collate(Collation::NoCase).desc()),
        &text("ORDER BY text COLLATE NOCASE DESC, id"),
    );
    same_rows(all().order_by(Scalar::<i64>::sql("id % ?", params![3])), &text("ORDER BY id % 3, id"));
    same_rows(all().limit(3), &text("ORDER BY id LIMIT 3"));
    same_rows(all().limit(0), &text("LIMIT 0"));
    same_rows(all().limit(u64::MAX), &text("ORDER BY id"));
    same_rows(all().limit(3).offset(2), &text("ORDER BY id LIMIT 3 OFFSET 2"));
    same_rows(all().offset(2), &text("ORDER BY id LIMIT -1 OFFSET 2"));
    same_rows(all().limit(2).filter(Todo::ID.gt(3)), &text("WHERE id > 3 ORDER BY id LIMIT 2"));
    same_rows(
        all().distinct().order_by(Todo::WEIGHT).select(Todo::WEIGHT),
        "SELECT DISTINCT weight FROM todos ORDER BY weight",
    );
}

#[test]
fn rows_that_the_order_leaves_equal_come_in_the_order_of_their_keys() {
    let session = Session::new();
    session
        .write("INSERT INTO \"order\" VALUES ('c', 'x', NULL), ('a', 'x', NULL), ('d', 'w', NULL), ('b', 'x', NULL)");
    let ids = |select: Select<List>| session.query(select).into_iter().map(|list| list.id).collect::<String>();
    assert_eq!(ids(List::query()), "cadb", "as they are found");
    assert_eq!(ids(List::query().order_by(List::NAME.desc())), "abcd");
    assert_eq!(ids(List::query().limit(2)), "ab");
    assert_eq!(ids(List::query().offset(2)), "cd");
    let pairs =
        List::query().join_as::<List>("other", List::NAME.of("other").eq(List::NAME)).order_by(List::NAME.desc());
    let pairs = session.query(pairs).into_iter().map(|(list, other)| list.id + &other.id);
    assert_eq!(pairs.collect::<Vec<_>>().join(" "), "aa ab ac ba bb bc ca cb cc dd");
}

#[test]
fn joins_give_rows_of_both() {
    let session = session();
    let joined =
        Todo::query().join::<List>(Todo::LIST_ID.eq_column(List::ID)).order_by(List::NAME.desc()).order_by(Todo::ID);
    let expected = "SELECT t.id, text, completed, \"list id\", weight, o.id, name, parent FROM todos t JOIN \"order\" o ON o.id = \"list id\" ORDER BY name DESC, t.id";
    same_rows(joined.clone(), expected);
    let (todo, list) = session.query(joined).remove(0);
    assert_eq!((todo.id, list.id.as_str(), list.name.as_str(), list.parent.as_deref()), (2, "b", "Work", Some("a")));
}

#[test]
fn left_joins_tell_a_missing_row_from_one_with_nulls() {
    let session = session();
    let on = Todo::LIST_ID.eq(List::ID).and(List::PARENT.is_null());
    let joined = Todo::query().left_join::<List>(on).filter(Todo::ID.in_([1, 2, 6])).order_by(Todo::ID);
    let found = session.query(joined.clone());
    let home = List { id: "a".into(), name: "Home".into(), parent: None };
    assert_eq!(
        found.into_iter().map(|(todo, list)| (todo.id, list)).collect::<Vec<_>>(),
        [(1, Some(home)), (2, None), (6, None)]
    );
    assert_eq!(session.query(joined.filter(List::ID.is_null()).count()), [2]);
}

#[test]
fn tables_are_joined_with_themselves_under_other_names() {
    let session = session();
    let parents = List::query()
        .left_join_as::<List>("up", List::PARENT.eq(List::ID.of("up")))
        .join_as::<Todo>("item", Todo::LIST_ID.of("item").eq(List::ID))
        .filter(Todo::ID.of("item").le(2))
        .order_by(List::ID);
    let found = session.query(parents).into_iter().map(|(list, up, todo)| (list.id, up.map(|up| up.name), todo.text));
    assert_eq!(
        found.collect::<Vec<_>>(),
        [("a".into(), None, "milk".into()), ("b".into(), Some("Home".into()), "mail".into())]
    );
    let four = List::query()
        .join_as::<List>("b", List::ID.of("b").eq("b"))
        .left_join_as::<List>("none", List::ID.of("none").eq("none"))
        .join::<Todo>(Todo::ID.eq(1))
        .filter(List::ID.eq("a"));
    let (a, b, none, todo) = session.query(four).remove(0);
    assert_eq!((a.id.as_str(), b.id.as_str(), none, todo.text.as_str()), ("a", "b", None, "milk"));
}

#[test]
fn aggregates_of_all_rows() {
    let session = session();
    let done = || Todo::query().filter(Todo::COMPLETED);
    assert_eq!(session.query(done().count()), [4]);
    assert_eq!(session.query(done().order_by(Todo::TEXT).count()), [4]);
    assert_eq!(session.query(done().limit(3).count()), [3]);
    assert_eq!(session.query(done().offset(1).count()), [3]);
    assert_eq!(session.query(Todo::query().select(Todo::WEIGHT).distinct().count()), [5]);
    assert_eq!(session.query(Todo::query().join::<List>(Todo::LIST_ID.eq(List::ID)).limit(4).count()), [4]);
    assert_eq!(session.query(Todo::query().group_by(Todo::LIST_ID).count()), [3], "groups");
    assert_eq!(session.query(done().sum(Todo::ID)), [Some(15)]);
    assert_eq!(session.query(done().sum(Todo::WEIGHT)), [Some(5.0)]);
    assert_eq!(session.query(done().avg(Todo::ID)), [Some(3.75)]);
    assert_eq!(session.query(done().min(Todo::TEXT)), [Some("50x ofxit".to_owned())]);
    assert_eq!(session.query(done().max(Todo::WEIGHT)), [Some(Some(2.5))]);
    let none = || Todo::query().filter(Expr::any([]));
    assert_eq!(session.query(none().count()), [0]);
    assert_eq!((session.query(none().sum(Todo::ID)), session.query(none().avg(Todo::ID))), (vec![None], vec![None]));
    assert_eq!((session.query(none().min(Todo::ID)), session.query(none().max(Todo::TEXT))), (vec![None], vec![None]));
}

#[test]
fn aggregates_over_what_is_not_plain_rows_are_refused() {
    let session = session();
    let refused = |query: Query<Option<i64>>| session.try_live(query).expect_err("it is refused").to_string();
    assert!(refused(Todo::query().limit(1).sum(Todo::ID)).contains("write it as SQL"));
    assert!(refused(Todo::query().offset(1).max(Todo::ID)).contains("write it as SQL"));
    assert!(refused(Todo::query().distinct().min(Todo::ID)).contains("write it as SQL"));
    assert!(refused(Todo::query().group_by(Todo::TEXT).sum(Todo::ID)).contains("write it as SQL"));
}

#[test]
fn groups() {
    let grouped = || Todo::query().group_by(Todo::LIST_ID).order_by(Todo::LIST_ID);
    same_rows(
        grouped().select((Todo::LIST_ID, count())),
        "SELECT \"list id\", count(*) FROM todos GROUP BY 1 ORDER BY 1",
    );
    same_rows(
        grouped().select((
            count_of(Todo::WEIGHT),
            count_distinct(Todo::WEIGHT),
            sum(Todo::WEIGHT),
            min(Todo::TEXT),
            max(Todo::ID),
        )),
        "SELECT count(weight), count(DISTINCT weight), sum(weight), min(text), max(id) FROM todos GROUP BY \"list id\" ORDER BY \"list id\"",
    );
    same_rows(
        grouped().having(count().gt(3)).having(max(Todo::ID).lt(9)).select(Todo::LIST_ID),
        "SELECT \"list id\" FROM todos GROUP BY 1 HAVING count(*) > 3 AND max(id) < 9 ORDER BY 1",
    );
    same_rows(
        Todo::query()
            .group_by(Todo::COMPLETED)
            .group_by(Todo::WEIGHT)
            .order_by(count().desc())
            .order_by(min(Todo::ID))
            .select((Todo::COMPLETED, count())),
        "SELECT completed, count(*) FROM todos GROUP BY completed, weight ORDER BY count(*) DESC, min(id)",
    );
    same_rows(Todo::query().select(crate::query::avg(Todo::WEIGHT)), "SELECT avg(weight) FROM todos");
    same_rows(Todo::query().select((count(),)), "SELECT count(*) FROM todos");
}

#[test]
fn a_value_that_cannot_be_bound_is_an_error_of_the_run() {
    let session = session();
    let refused =
        |condition: Expr| session.try_live(Todo::query().filter(condition)).expect_err("it is refused").to_string();
    assert!(refused(Todo::WEIGHT.gt(f64::NAN)).contains("NaN"));
    assert!(refused(Todo::WEIGHT.in_([1.0, f64::NAN])).contains("NaN"));
    assert!(refused(Expr::sql("id = ?", params![u64::MAX])).contains("largest integer"));
    assert!(refused(Expr::sql("id = :id", crate::named_params! { ":id": 1 })).contains("by position"));
    let count = session.try_live(Todo::query().filter(Todo::WEIGHT.gt(f64::NAN)).count());
    assert!(matches!(count, Err(Error::App(_))));
}

#[test]
fn a_built_query_is_live() {
    let session = session();
    let open = session.watch(Todo::query().filter(Todo::COMPLETED.eq(false)).order_by(Todo::ID));
    let same = session.live(Query::from(Todo::query().filter(Todo::COMPLETED.eq(false)).order_by(Todo::ID)));
    assert_eq!(open.live.get().len(), 6);
    session.write("UPDATE todos SET completed = 1 WHERE id = 1");
    assert_eq!((open.calls(), same.get()[0].id, same.stats().runs), (1, 2, 2));
    let joined = session.live(Todo::query().left_join::<List>(Todo::LIST_ID.eq(List::ID)).order_by(Todo::ID));
    session.write("UPDATE \"order\" SET name = 'House' WHERE id = 'a'");
    assert_eq!(joined.get()[1].1.as_ref().map(|list| list.name.as_str()), Some("House"));
    assert_eq!(same.stats().runs, 2);
}
