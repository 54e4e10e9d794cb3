//! The smallest Headwater app: it notes something, and shows all that it ever noted.

use headwater::{Event, Schema, Storage, Store, Table, Timestamp, nanoid};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Table)]
#[table(name = "notes")]
struct Note {
    #[column(primary_key)]
    id: String,
    text: String,
    noted_at: Timestamp,
}

#[derive(Clone, Debug, Event, Serialize, Deserialize)]
enum NoteEvent {
    #[event(name = "v1.Noted", insert(Note))]
    Noted { id: String, text: String, noted_at: Timestamp },
    #[event(name = "v1.TextChanged", update(Note, key = id))]
    TextChanged { id: String, text: String },
}

fn main() -> headwater::Result<()> {
    let schema = Schema::builder().table::<Note>().event::<NoteEvent>().build();
    let folder = std::env::temp_dir().join("headwater-hello");
    let store = Store::builder(schema).storage(Storage::directory(folder)).open()?;

    let notes = store.live_query(Note::query().order_by(Note::NOTED_AT))?;
    println!("{} notes from before", notes.get().len());
    let _told = notes.subscribe(|notes| println!("now {}", notes.len()));

    let id = nanoid!();
    store.commit(NoteEvent::Noted { id: id.clone(), text: "draw the owl".into(), noted_at: Timestamp::now() })?;
    store.commit(NoteEvent::TextChanged { id, text: "draw the whole owl".into() })?;

    for note in notes.get().iter() {
        println!("{}  {}", note.noted_at, note.text);
    }
    Ok(())
}
