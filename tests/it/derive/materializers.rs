//! Events: every form of materializer, applied.

use headwater::{Event, EventScope, Materialize, Schema, StateTx, Storage, Store, Table, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Clone, Debug, PartialEq, Table)]
#[table(name = "members", primary_key(list, user))]
struct Member {
    list: String,
    user: String,
    #[column(default = "guest")]
    role: String,
    #[column(default = 0)]
    visits: i64,
    #[column(json, default = sql("'[]'"))]
    tags: Vec<String>,
    note: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Event, Serialize, Deserialize)]
#[serde(rename_all_fields = "camelCase")]
enum MemberEvent {
    #[event(name = "v1.Joined", insert(Member))]
    Joined { list: String, user: String },
    #[event(
        name = "v1.Invited",
        insert(Member, skip(raw_note, count), set(role = "invited", visits = *count + 1, note = raw_note.trim().to_owned()))
    )]
    Invited { list: String, user: String, raw_note: String, count: i64 },
    #[event(name = "v1.JoinedOnce", insert(Member, or_ignore))]
    JoinedOnce { list: String, user: String, role: String },
    #[event(name = "v1.Replaced", insert(Member, or_replace))]
    Replaced { list: String, user: String, tags: Vec<String> },
    #[event(name = "v1.Seen", upsert(Member, keep(role)))]
    Seen { list: String, user: String, role: String, visits: i64 },
    #[event(name = "v1.Present", upsert(Member))]
    Present { user: String, list: String },
    #[event(name = "v1.Noted", update(Member, key(list = of, user), set(note = text)))]
    Noted { of: String, user: String, text: Option<String> },
    #[event(name = "v1.Muted", client_only, update(Member, key(user, list), set(role = "muted", tags = vec!["muted".to_owned()])))]
    Muted { list: String, user: String },
    #[event(name = "v1.Left", delete(Member, key(user, list)))]
    Left { list: String, user: String },
    #[event(
        name = "v1.ListClosed",
        sql(
            "UPDATE members SET visits = visits + 1 WHERE list = :list; -- once more",
            "DELETE FROM members WHERE list = :list AND user <> :owner AND user <> ':list'",
            skip(why)
        ),
        facts(writes("lists/{list}", "members"), requires("lists/{list}/{owner}"), reads("{{}}"))
    )]
    ListClosed { list: String, owner: String, why: String },
    #[event(name = "v1.AllLeft", sql = "DELETE FROM members")]
    AllLeft,
    #[event(name = "v1.Ranked", revision = 3, materialize = ranked)]
    Ranked { list: String, by: i64 },
}

fn ranked(tx: &mut StateTx<'_>, list: &str, by: &i64) -> headwater::Result<()> {
    for user in tx.query::<String>("SELECT user FROM members WHERE list = ?1", params![list])? {
        tx.execute("UPDATE members SET visits = visits * ?1 WHERE user = ?2", params![by, user])?;
    }
    Ok(())
}

fn member(list: &str, user: &str) -> Member {
    let (list, user) = (list.to_owned(), user.to_owned());
    Member { list, user, role: "guest".into(), visits: 0, tags: vec![], note: None }
}

/// The rows after these events.
#[track_caller]
fn after<const N: usize>(events: [MemberEvent; N]) -> Vec<Member> {
    let schema = Schema::builder().table::<Member>().event::<MemberEvent>().build();
    let store = Store::builder(schema).storage(Storage::in_memory()).open().expect("a valid schema");
    for event in events {
        store.commit(event).expect("an event that applies");
    }
    store.query(Member::query().order_by(Member::LIST).order_by(Member::USER)).expect("rows")
}

fn joined(list: &str, user: &str) -> MemberEvent {
    MemberEvent::Joined { list: list.into(), user: user.into() }
}

#[test]
fn an_insert_sets_fields_and_leaves_defaults() {
    assert_eq!(after([joined("a", "u")]), [member("a", "u")]);
}

#[test]
fn an_insert_sets_expressions() {
    let invited = MemberEvent::Invited { list: "a".into(), user: "u".into(), raw_note: " hi ".into(), count: 4 };
    let expected = Member { role: "invited".into(), visits: 5, note: Some("hi".into()), ..member("a", "u") };
    assert_eq!(after([invited]), [expected]);
}

#[test]
fn a_second_insert_fails_is_ignored_or_replaces() {
    let once = |role: &str| MemberEvent::JoinedOnce { list: "a".into(), user: "u".into(), role: role.into() };
    assert_eq!(after([once("first"), once("second")]), [Member { role: "first".into(), ..member("a", "u") }]);
    let replaced = MemberEvent::Replaced { list: "a".into(), user: "u".into(), tags: vec!["x".into()] };
    assert_eq!(after([once("first"), replaced]), [Member { tags: vec!["x".into()], ..member("a", "u") }]);
    assert!(std::panic::catch_unwind(|| after([joined("a", "u"), joined("a", "u")])).is_err());
}

#[test]
fn an_upsert_sets_what_it_does_not_keep() {
    let seen = |role: &str, visits| MemberEvent::Seen { list: "a".into(), user: "u".into(), role: role.into(), visits };
    let expected = Member { role: "first".into(), visits: 2, ..member("a", "u") };
    assert_eq!(after([seen("first", 1), seen("second", 2)]), [expected]);
    let present = MemberEvent::Present { list: "a".into(), user: "u".into() };
    assert_eq!(after([joined("a", "u"), present]), [member("a", "u")]);
}

#[test]
fn an_update_touches_its_row_alone() {
    let noted = MemberEvent::Noted { of: "a".into(), user: "u".into(), text: Some("x".into()) };
    let expected = [Member { note: Some("x".into()), ..member("a", "u") }, member("a", "v")];
    assert_eq!(after([joined("a", "u"), joined("a", "v"), noted]), expected);
    let muted = MemberEvent::Muted { list: "a".into(), user: "u".into() };
    let expected = Member { role: "muted".into(), tags: vec!["muted".into()], ..member("a", "u") };
    assert_eq!(after([joined("a", "u"), muted.clone()]), [expected]);
    assert_eq!(after([muted]), [], "a row that is gone is no error");
}

#[test]
fn a_delete_removes_its_row_alone() {
    let left = MemberEvent::Left { list: "a".into(), user: "u".into() };
    assert_eq!(
        after([joined("a", "u"), joined("b", "u"), joined("a", "v"), left.clone(), left]),
        [member("a", "v"), member("b", "u")]
    );
}

#[test]
fn statements_run_in_order_with_their_parameters() {
    let closed = MemberEvent::ListClosed { list: "a".into(), owner: "u".into(), why: String::new() };
    let expected = [Member { visits: 1, ..member("a", "u") }, member("b", "v")];
    assert_eq!(after([joined("a", "u"), joined("a", "v"), joined("b", "v"), closed]), expected);
    assert_eq!(after([joined("a", "u"), MemberEvent::AllLeft]), []);
}

#[test]
fn a_function_gets_the_fields_in_order() {
    let seen = MemberEvent::Seen { list: "a".into(), user: "u".into(), role: "r".into(), visits: 2 };
    let ranked = MemberEvent::Ranked { list: "a".into(), by: 5 };
    assert_eq!(after([seen, ranked]), [Member { role: "r".into(), visits: 10, ..member("a", "u") }]);
}

#[test]
fn facts_are_generated_given_or_none() {
    let facts = |event: MemberEvent| {
        let facts = event.facts();
        [facts.writes, facts.requires, facts.reads].map(|facts| facts.join(" "))
    };
    assert_eq!(facts(joined("a", "u/v")), ["members/a/u%2Fv", "", ""]);
    let noted = MemberEvent::Noted { of: "a".into(), user: "u".into(), text: None };
    assert_eq!(facts(noted), ["members/a/u", "members/a/u", ""]);
    let left = MemberEvent::Left { list: "a".into(), user: "u".into() };
    assert_eq!(facts(left), ["members/a/u", "members/a/u", ""]);
    let seen = MemberEvent::Seen { list: "a".into(), user: "u".into(), role: "r".into(), visits: 2 };
    assert_eq!(facts(seen), ["members/a/u", "", ""]);
    let closed = MemberEvent::ListClosed { list: "a%".into(), owner: "u".into(), why: String::new() };
    assert_eq!(facts(closed), ["lists/a%25 members", "lists/a%25/u", "{}"]);
    assert_eq!(facts(MemberEvent::AllLeft), ["", "", ""]);
}

#[test]
fn what_decides_the_state_is_in_the_materializer() {
    let text = |name: &str| MemberEvent::DEFS.iter().find(|def| def.name == name).map(|def| def.materializer);
    let invited = text("v1.Invited").expect("declared");
    assert!(invited.contains("INSERT INTO \"members\"") && invited.contains("visits = *count+1"), "{invited}");
    assert_eq!(text("v1.Ranked"), Some("ranked revision 3"));
    let closed = text("v1.ListClosed").expect("declared");
    assert!(closed.contains("visits + 1") && closed.contains("DELETE FROM members"), "{closed}");
}

#[test]
fn scopes_and_shapes_are_declared() {
    let def = |name: &str| MemberEvent::DEFS.iter().find(|def| def.name == name).expect("declared");
    assert_eq!(def("v1.Muted").scope, EventScope::ClientOnly);
    assert_eq!(def("v1.Left").scope, EventScope::Synced);
    let shape = "#[serde(rename_all_fields = \"camelCase\")] list: String, user: String, raw_note: String, count: i64";
    assert_eq!(def("v1.Invited").shape, shape);
}

/// The same event, at an older and at the newest version.
mod versions {
    use super::*;

    #[derive(PartialEq, Table)]
    #[table(name = "items")]
    pub(super) struct Old {
        #[column(primary_key)]
        id: String,
    }

    #[derive(Event, Serialize, Deserialize)]
    pub(super) enum OldEvent {
        #[event(name = "v1.Added", insert(Old, set(id = name)))]
        Added { name: String },
    }

    #[derive(Debug, PartialEq, Table)]
    #[table(name = "items")]
    pub(super) struct New {
        #[column(primary_key)]
        pub(super) id: String,
        pub(super) list: String,
    }

    #[derive(Event, Serialize, Deserialize)]
    pub(super) enum NewEvent {
        #[event(name = "v1.Added", ver = 3, upcast(from = 2, with = into_inbox), upcast(from = 1, with = name_is_id), insert(New))]
        Added { id: String, list: String },
    }

    fn name_is_id(mut args: Value) -> headwater::Result<Value> {
        args["id"] = args["name"].take();
        Ok(args)
    }

    fn into_inbox(mut args: Value) -> headwater::Result<Value> {
        args["list"] = "inbox".into();
        Ok(args)
    }
}

#[test]
fn older_versions_are_lifted_step_by_step() -> headwater::Result<()> {
    use versions::{New, NewEvent, Old, OldEvent};
    let folder = tempfile::tempdir().expect("a folder");
    let old = Schema::builder().table::<Old>().event::<OldEvent>().build();
    let store = Store::builder(old).storage(Storage::directory(folder.path())).open()?;
    store.commit(OldEvent::Added { name: "a".into() })?;
    store.shutdown()?;

    let new = Schema::builder().table::<New>().event::<NewEvent>().build();
    let store = Store::builder(new).storage(Storage::directory(folder.path())).open()?;
    store.commit(NewEvent::Added { id: "b".into(), list: "later".into() })?;
    let row = |id: &str, list: &str| New { id: id.into(), list: list.into() };
    assert_eq!(store.query(New::query())?, [row("a", "inbox"), row("b", "later")]);
    Ok(())
}
