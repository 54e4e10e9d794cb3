//! Client documents over time: other shapes, fields that are unknown, and null.

use anyhow::Result;
use headwater::{Document, Schema, SeqNum, Storage, Store};
use serde::{Deserialize, Serialize};

/// As it was once.
#[derive(Clone, Debug, Default, PartialEq, Document, Serialize, Deserialize)]
#[document(name = "ui")]
struct Before {
    draft: String,
    list: Option<String>,
    zoom: i64,
    gone: Vec<i64>,
}

/// As it is now: `zoom` is of another type, `gone` is gone, `panel` is new, and `list` has a default.
#[derive(Clone, Debug, PartialEq, Document, Serialize, Deserialize)]
#[document(name = "ui")]
#[serde(deny_unknown_fields)]
struct Now {
    draft: String,
    list: Option<String>,
    zoom: String,
    panel: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl Default for Now {
    fn default() -> Self {
        Self {
            draft: "type here".into(),
            list: Some("inbox".into()),
            zoom: "100 %".into(),
            panel: Some("left".into()),
            hint: Some("press F1".into()),
        }
    }
}

fn schema<D: Document>() -> Schema {
    Schema::builder().document::<D>().build()
}

#[test]
fn reading_a_document_writes_nothing() -> Result<()> {
    let store = Store::builder(schema::<Now>()).open()?;
    let ui = store.document::<Now>()?;
    let live = ui.live()?;
    assert_eq!((ui.get()?, live.get().len()), (Now::default(), 0));
    assert!(ui.set(&Now::default())?.is_none());
    assert!(ui.update(|_| ())?.is_none());
    assert_eq!(store.sync_status().heads.leader, SeqNum::ROOT);
    Ok(())
}

#[test]
fn null_that_was_set_stays_null_from_the_first_time_on() -> Result<()> {
    let store = Store::builder(schema::<Now>()).open()?;
    let ui = store.document::<Now>()?;
    ui.update(|ui| ui.list = None)?;
    let expected = Now { list: None, ..Now::default() };
    assert_eq!(ui.get()?, expected);
    ui.update(|ui| ui.hint = None)?.expect("it changes");
    let expected = Now { hint: None, ..expected };
    assert_eq!(ui.get()?, expected, "a field that is left out when it is none");
    ui.update(|ui| ui.draft = "x".into())?;
    assert_eq!(ui.get()?, Now { draft: "x".into(), ..expected });
    Ok(())
}

/// An option that was never stored has its default, and not null.
#[test]
fn what_was_never_set_has_its_default() -> Result<()> {
    let store = Store::builder(schema::<Now>()).open()?;
    let ui = store.document::<Now>()?;
    // Everything that has to be there is there.
    ui.update(|ui| (ui.draft, ui.zoom) = ("x".into(), "1 %".into()))?;
    assert_eq!(ui.get()?, Now { draft: "x".into(), zoom: "1 %".into(), ..Now::default() });
    Ok(())
}

#[test]
fn a_document_of_an_older_shape_keeps_the_fields_that_fit() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let open = |schema| Store::builder(schema).storage(Storage::directory(folder.path())).open();
    let store = open(schema::<Before>())?;
    let before = store.document_with_key::<Before>("w1")?;
    before.update(|ui| {
        ui.draft = "milk".into();
        ui.list = Some("shop".into());
        (ui.zoom, ui.gone) = (3, vec![1]);
    })?;
    before.update(|ui| ui.list = None)?;
    store.shutdown()?;

    let store = open(schema::<Now>())?;
    let now = store.document_with_key::<Now>("w1")?;
    let expected = Now { draft: "milk".into(), list: None, ..Now::default() };
    assert_eq!(now.get()?, expected);
    let head = store.sync_status().heads.leader;
    assert_eq!((now.get()?, store.sync_status().heads.leader), (expected.clone(), head));
    assert_eq!(store.document::<Now>()?.get()?, Now::default(), "another key is another document");
    now.update(|ui| ui.zoom = "50 %".into())?;
    assert_eq!(now.get()?, Now { zoom: "50 %".into(), ..expected });
    store.verify()?;
    store.shutdown()?;

    // And back: what the newer shape did not know is still there.
    let store = open(schema::<Before>())?;
    let before = store.document_with_key::<Before>("w1")?.get()?;
    assert_eq!(before, Before { draft: "milk".into(), list: None, zoom: 0, gone: vec![1] });
    Ok(())
}
