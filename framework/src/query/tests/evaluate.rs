//! Random conditions of the builder let the same rows through as a naive evaluation in Rust says, and orders, limits
//! and joins give the same rows.

use std::cmp::Ordering;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;

use super::fixture::{List, Session, Todo};
use crate::db::Touched;
use crate::params;
use crate::query::{Expr, IntoQuery, Order};
use crate::schema::Table;

const TEXTS: [&str; 10] = ["", "a", "A", "b", "a%", "_", "a_b", r"a\b", "ab ", "Ä"];
const PATTERNS: [&str; 10] = ["", "%", "_", "a%", "%B", "a_b", "%\\%", "__", "%a%b%", "ä"];
const NUMBERS: [f64; 5] = [-1.5, 0.0, 1.0, 2.5, 1e300];

/// A condition, for the builder and for the evaluation.
#[derive(Clone, Debug)]
enum Model {
    Id(Comparison, i64),
    Text(Comparison, &'static str),
    ListId(Comparison, Option<&'static str>),
    Weight(Comparison, Option<f64>),
    TextIsListId(Comparison),
    Completed,
    IdIn(bool, Vec<i64>),
    ListIdIn(bool, Vec<Option<&'static str>>),
    Between(f64, f64),
    ListIdNull(bool),
    Like(&'static str),
    Contains(&'static str),
    StartsWith(&'static str),
    EndsWith(&'static str),
    All(Vec<Model>),
    Any(Vec<Model>),
    Not(Box<Model>),
}

#[derive(Clone, Copy, Debug)]
enum Comparison {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Is,
    IsNot,
}

impl Comparison {
    const ALL: [Self; 8] = [Self::Eq, Self::Ne, Self::Lt, Self::Le, Self::Gt, Self::Ge, Self::Is, Self::IsNot];

    fn holds<V: PartialOrd>(self, left: Option<V>, right: Option<V>) -> Option<bool> {
        match self {
            Self::Is => Some(left == right),
            Self::IsNot => Some(left != right),
            _ => {
                let order = left?.partial_cmp(&right?).expect("no NaN");
                Some(match self {
                    Self::Eq => order.is_eq(),
                    Self::Ne => order.is_ne(),
                    Self::Lt => order.is_lt(),
                    Self::Le => order.is_le(),
                    Self::Gt => order.is_gt(),
                    _ => order.is_ge(),
                })
            }
        }
    }
}

macro_rules! compare {
    ($comparison:expr, $column:expr, $value:expr) => {
        match $comparison {
            Comparison::Eq => $column.eq($value),
            Comparison::Ne => $column.ne($value),
            Comparison::Lt => $column.lt($value),
            Comparison::Le => $column.le($value),
            Comparison::Gt => $column.gt($value),
            Comparison::Ge => $column.ge($value),
            Comparison::Is => $column.is($value),
            Comparison::IsNot => $column.is_not($value),
        }
    };
}

impl Model {
    fn build(&self) -> Expr {
        match self {
            Self::Id(comparison, id) => compare!(comparison, Todo::ID, *id),
            Self::Text(comparison, text) => compare!(comparison, Todo::TEXT, *text),
            Self::ListId(comparison, id) => compare!(comparison, Todo::LIST_ID, id.map(str::to_owned)),
            Self::Weight(comparison, weight) => compare!(comparison, Todo::WEIGHT, *weight),
            Self::TextIsListId(comparison) => compare!(comparison, Todo::TEXT, Todo::LIST_ID),
            Self::Completed => Todo::COMPLETED.into(),
            Self::IdIn(true, ids) => Todo::ID.in_(ids),
            Self::IdIn(false, ids) => Todo::ID.not_in(ids),
            Self::ListIdIn(true, ids) => Todo::LIST_ID.in_(ids.iter().map(|id| id.map(str::to_owned))),
            Self::ListIdIn(false, ids) => Todo::LIST_ID.not_in(ids.iter().map(|id| id.map(str::to_owned))),
            Self::Between(low, high) => Todo::WEIGHT.between(*low, *high),
            Self::ListIdNull(true) => Todo::LIST_ID.is_null(),
            Self::ListIdNull(false) => Todo::LIST_ID.is_not_null(),
            Self::Like(pattern) => Todo::TEXT.like(pattern),
            Self::Contains(text) => Todo::TEXT.contains(text),
            Self::StartsWith(text) => Todo::LIST_ID.starts_with(text),
            Self::EndsWith(text) => Todo::TEXT.ends_with(text),
            Self::All(models) => Expr::all(models.iter().map(Self::build)),
            Self::Any(models) => Expr::any(models.iter().map(Self::build)),
            Self::Not(model) => !model.build(),
        }
    }

    fn holds(&self, todo: &Todo) -> Option<bool> {
        let list = todo.list_id.as_deref();
        let (text, list_lower) = (todo.text.to_ascii_lowercase(), list.map(str::to_ascii_lowercase));
        match self {
            Self::Id(comparison, id) => comparison.holds(Some(todo.id), Some(*id)),
            Self::Text(comparison, text) => comparison.holds(Some(todo.text.as_str()), Some(*text)),
            Self::ListId(comparison, id) => comparison.holds(list, *id),
            Self::Weight(comparison, weight) => comparison.holds(todo.weight, *weight),
            Self::TextIsListId(comparison) => comparison.holds(Some(todo.text.as_str()), list),
            Self::Completed => Some(todo.completed),
            Self::IdIn(wanted, ids) => Some(ids.contains(&todo.id) == *wanted),
            Self::ListIdIn(wanted, ids) => contained(list, ids).map(|contained| contained == *wanted),
            Self::Between(low, high) => todo.weight.map(|weight| *low <= weight && weight <= *high),
            Self::ListIdNull(wanted) => Some(list.is_none() == *wanted),
            Self::Like(pattern) => Some(like(&pattern.to_ascii_lowercase(), &text)),
            Self::Contains(part) => Some(text.contains(&part.to_ascii_lowercase())),
            Self::StartsWith(part) => list_lower.map(|list| list.starts_with(&part.to_ascii_lowercase())),
            Self::EndsWith(part) => Some(text.ends_with(&part.to_ascii_lowercase())),
            Self::All(models) => connect(models, todo, false),
            Self::Any(models) => connect(models, todo, true),
            Self::Not(model) => model.holds(todo).map(|holds| !holds),
        }
    }
}

/// AND is decided by one false operand, OR by one true one; else by whether all are known.
fn connect(models: &[Model], todo: &Todo, deciding: bool) -> Option<bool> {
    let values: Vec<_> = models.iter().map(|model| model.holds(todo)).collect();
    match values.contains(&Some(deciding)) {
        true => Some(deciding),
        false if values.contains(&None) => None,
        false => Some(!deciding),
    }
}

fn contained(value: Option<&str>, list: &[Option<&'static str>]) -> Option<bool> {
    match value {
        _ if list.is_empty() => Some(false),
        None => None,
        Some(_) if list.contains(&value) => Some(true),
        Some(_) if list.contains(&None) => None,
        Some(_) => Some(false),
    }
}

fn like(pattern: &str, text: &str) -> bool {
    let mut rest = pattern.chars();
    match rest.next() {
        None => text.is_empty(),
        Some('%') => {
            let starts = text.char_indices().map(|(start, _)| start).chain([text.len()]);
            starts.into_iter().any(|start| like(rest.as_str(), &text[start..]))
        }
        Some(wanted) => {
            let mut letters = text.chars();
            letters.next().is_some_and(|letter| wanted == '_' || letter == wanted)
                && like(rest.as_str(), letters.as_str())
        }
    }
}

fn models() -> impl Strategy<Value = Model> {
    let comparison = || select(&Comparison::ALL[..]);
    let text = || select(&TEXTS[..]);
    let number = || select(&NUMBERS[..]);
    let leaf = prop_oneof![
        (comparison(), 0..8_i64).prop_map(|(comparison, id)| Model::Id(comparison, id)),
        (comparison(), text()).prop_map(|(comparison, text)| Model::Text(comparison, text)),
        (comparison(), proptest::option::of(text())).prop_map(|(comparison, text)| Model::ListId(comparison, text)),
        (comparison(), proptest::option::of(number()))
            .prop_map(|(comparison, number)| Model::Weight(comparison, number)),
        comparison().prop_map(Model::TextIsListId),
        Just(Model::Completed),
        (any::<bool>(), proptest::collection::vec(0..8_i64, 0..4)).prop_map(|(wanted, ids)| Model::IdIn(wanted, ids)),
        (any::<bool>(), proptest::collection::vec(proptest::option::of(text()), 0..4))
            .prop_map(|(wanted, ids)| Model::ListIdIn(wanted, ids)),
        (number(), number()).prop_map(|(low, high)| Model::Between(low, high)),
        any::<bool>().prop_map(Model::ListIdNull),
        select(&PATTERNS[..]).prop_map(Model::Like),
        text().prop_map(Model::Contains),
        text().prop_map(Model::StartsWith),
        text().prop_map(Model::EndsWith),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Model::All),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Model::Any),
            inner.prop_map(|model| Model::Not(Box::new(model))),
        ]
    })
}

fn todos() -> impl Strategy<Value = Vec<Todo>> {
    let text = || select(&TEXTS[..]).prop_map(str::to_owned);
    let todo = (text(), any::<bool>(), proptest::option::of(text()), proptest::option::of(select(&NUMBERS[..])));
    proptest::collection::vec(todo, 0..8).prop_map(|todos| {
        let todo = |(id, (text, completed, list_id, weight))| Todo { id, text, completed, list_id, weight };
        (0..).zip(todos).map(todo).collect()
    })
}

/// How rows are ordered: by which column, descending or not, and where NULL goes if that is said.
type Key = (u8, bool, Option<bool>);

fn order((column, descending, nulls_first): Key) -> Order {
    let order = match (column, descending) {
        (0, false) => Todo::TEXT.asc(),
        (0, true) => Todo::TEXT.desc(),
        (1, false) => Todo::LIST_ID.asc(),
        (1, true) => Todo::LIST_ID.desc(),
        (_, false) => Todo::WEIGHT.asc(),
        (_, true) => Todo::WEIGHT.desc(),
    };
    match nulls_first {
        None => order,
        Some(true) => order.nulls_first(),
        Some(false) => order.nulls_last(),
    }
}

fn compare((column, descending, nulls_first): Key, left: &Todo, right: &Todo) -> Ordering {
    fn by<V: PartialOrd>(left: Option<V>, right: Option<V>, descending: bool, nulls_first: bool) -> Ordering {
        match (left, right) {
            (Some(left), Some(right)) => {
                let order = left.partial_cmp(&right).expect("no NaN");
                if descending { order.reverse() } else { order }
            }
            (left, right) => {
                let order = left.is_some().cmp(&right.is_some());
                if nulls_first { order } else { order.reverse() }
            }
        }
    }
    let nulls_first = nulls_first.unwrap_or(!descending);
    match column {
        0 => by(Some(&left.text), Some(&right.text), descending, nulls_first),
        1 => by(left.list_id.as_ref(), right.list_id.as_ref(), descending, nulls_first),
        _ => by(left.weight, right.weight, descending, nulls_first),
    }
}

fn fill(session: &Session, todos: &[Todo]) {
    let touched = &mut Touched::default();
    session.execute("DELETE FROM todos", params![], touched);
    for Todo { id, text, completed, list_id, weight } in todos {
        let values = params![id, text, completed, list_id, weight];
        session.execute("INSERT INTO todos VALUES (?1, ?2, ?3, ?4, ?5)", values, touched);
    }
}

fn session() -> Session {
    let session = Session::new();
    for text in TEXTS {
        session.write_with("INSERT INTO \"order\" VALUES (?1, ?2, NULL)", params![text, text]);
    }
    session
}

fn check<S: Strategy>(strategy: &S, test: impl Fn(&Session, S::Value)) {
    let config = ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() };
    let session = session();
    let outcome = TestRunner::new(config).run(strategy, |value| {
        test(&session, value);
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn conditions_hold_where_a_naive_evaluation_says() {
    check(&(todos(), models()), |session, (todos, model)| {
        fill(session, &todos);
        let condition = model.build();
        let found = session.query(Todo::query().filter(condition.clone()).order_by(Todo::ID));
        let expected: Vec<_> = todos.iter().filter(|todo| model.holds(todo) == Some(true)).cloned().collect();
        assert_eq!(found, expected, "{condition}");
        let count = session.query(Todo::query().filter(condition).count());
        assert_eq!(count, [i64::try_from(expected.len()).expect("few")]);
    });
}

#[test]
fn orders_limits_and_offsets_give_the_rows_that_sorting_gives() {
    let keys = proptest::collection::vec((0..3_u8, any::<bool>(), proptest::option::of(any::<bool>())), 0..3);
    let bounds = (proptest::option::of(0..10_u64), 0..4_u64);
    check(&(todos(), keys, bounds), |session, (mut todos, keys, (limit, offset))| {
        fill(session, &todos);
        let mut select = keys.iter().fold(Todo::query(), |select, key| select.order_by(order(*key))).offset(offset);
        if let Some(limit) = limit {
            select = select.limit(limit);
        }
        let by_keys = |left: &Todo, right: &Todo| {
            keys.iter().fold(Ordering::Equal, |order, key| order.then_with(|| compare(*key, left, right)))
        };
        todos.sort_by(by_keys);
        let limit = limit.map_or(usize::MAX, |limit| usize::try_from(limit).expect("small"));
        let expected: Vec<_> = todos.into_iter().skip(usize::try_from(offset).expect("small")).take(limit).collect();
        assert_eq!(session.query(select.clone()), expected, "{:?}", select.into_query());
    });
}

#[test]
fn joins_give_the_pairs_for_which_the_condition_holds() {
    check(&(todos(), models(), any::<bool>()), |session, (todos, model, outer)| {
        fill(session, &todos);
        let on = Todo::LIST_ID.eq(List::ID).and(model.build());
        let list = |id: &str| List { id: id.to_owned(), name: id.to_owned(), parent: None };
        let joined = |todo: &Todo| {
            let holds = model.holds(todo) == Some(true);
            (todo.clone(), todo.list_id.as_deref().filter(|_| holds).map(list))
        };
        let expected = todos.iter().map(joined);
        if outer {
            let found = session.query(Todo::query().left_join::<List>(on).order_by(Todo::ID));
            assert_eq!(found, expected.collect::<Vec<_>>());
        } else {
            let found = session.query(Todo::query().join::<List>(on).order_by(Todo::ID));
            assert_eq!(found, expected.filter_map(|(todo, list)| Some((todo, list?))).collect::<Vec<_>>());
        }
    });
}
