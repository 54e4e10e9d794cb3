//! The keyboard.

use egui::{Context, Event, FocusDirection, Id, Key, Modifiers};

use super::{Editing, Shown, ViewState, header, todos};
use crate::model::Action;
use crate::schema::{Filter, Todo};

/// Rows that a page has, for the keyboard.
const PAGE: usize = 10;

/// What the help says.
pub(super) const HELP: &[(&str, &str)] = &[
    ("Ctrl+N", "new todo"),
    ("Enter", "add it; or edit the chosen one"),
    ("Down, Up", "choose a todo"),
    ("Space", "complete or reopen it"),
    ("Delete", "delete it"),
    ("Alt+Down, Up", "move it"),
    ("Esc", "cancel"),
    ("Ctrl+1, 2, 3", "all, active, completed"),
    ("Ctrl+L", "show or hide the eventlog"),
    ("?", "this help"),
    ("Ctrl+Q", "close the window"),
];

/// Takes the keys that are for the whole window, and those that are for the list of todos.
pub(super) fn handle(ctx: &Context, shown: &Shown<'_>, state: &mut ViewState, actions: &mut Vec<Action>) {
    if state.help || state.deleting.is_some() {
        return;
    }
    window(ctx, shown, state, actions);
    // A field that is being edited takes its own keys; Escape has taken the focus from it already.
    if state.editing.is_some() || state.renaming.is_some() {
        return;
    }
    let focused = ctx.memory(egui::Memory::focused);
    if focused == Some(header::draft_id()) {
        if pressed(ctx, Modifiers::NONE, Key::ArrowDown) && !shown.todos.is_empty() {
            select(shown, state, 0);
            focus_todos(ctx);
        }
    } else if focused.is_none() || focused == Some(todos::id()) {
        list(ctx, shown, state, actions);
    }
}

fn pressed(ctx: &Context, modifiers: Modifiers, key: Key) -> bool {
    ctx.input_mut(|input| input.consume_key(modifiers, key))
}

fn window(ctx: &Context, shown: &Shown<'_>, state: &mut ViewState, actions: &mut Vec<Action>) {
    if pressed(ctx, Modifiers::COMMAND, Key::N) {
        // At once, so that what is written in the same frame arrives.
        ctx.memory_mut(|memory| memory.request_focus(header::draft_id()));
        state.lists_open = false;
    }
    if pressed(ctx, Modifiers::COMMAND, Key::Q) {
        ctx.send_viewport_cmd(egui::ViewportCommand::Close);
    }
    if pressed(ctx, Modifiers::COMMAND, Key::L) {
        actions.push(Action::ShowLog(!shown.ui.log));
    }
    let filters = [(Key::Num1, Filter::All), (Key::Num2, Filter::Active), (Key::Num3, Filter::Completed)];
    for (key, filter) in filters {
        if pressed(ctx, Modifiers::COMMAND, key) {
            actions.push(Action::SetFilter(filter));
        }
    }
    let writes = ctx.text_edit_focused();
    let asked = |input: &mut egui::InputState| {
        let before = input.events.len();
        input.events.retain(|event| !matches!(event, Event::Text(text) if text == "?"));
        input.events.len() < before
    };
    if pressed(ctx, Modifiers::NONE, Key::F1) || (!writes && ctx.input_mut(asked)) {
        state.help = true;
    }
}

/// Keys for the list, when no other part of the window has the focus. Several may come in one frame: they are taken in
/// order, and text that they would make is taken away.
fn list(ctx: &Context, shown: &Shown<'_>, state: &mut ViewState, actions: &mut Vec<Action>) {
    for (modifiers, key) in list_keys(ctx) {
        match key {
            Key::Escape => {
                state.selected = None;
                state.notice = None;
            }
            key => list_key(ctx, shown, state, actions, modifiers, key),
        }
    }
}

/// The keys that are for the list, in order; they are taken out of the input.
fn list_keys(ctx: &Context) -> Vec<(Modifiers, Key)> {
    let mut keys = Vec::new();
    ctx.input_mut(|input| {
        input.events.retain(|event| match event {
            Event::Key { key, pressed: true, modifiers, .. } if LIST_KEYS.contains(key) => {
                keys.push((*modifiers, *key));
                false
            }
            Event::Text(text) => text != " ",
            _ => true,
        });
    });
    keys
}

const LIST_KEYS: &[Key] = &[
    Key::Escape,
    Key::ArrowDown,
    Key::ArrowUp,
    Key::PageDown,
    Key::PageUp,
    Key::Home,
    Key::End,
    Key::Space,
    Key::Enter,
    Key::F2,
    Key::Delete,
];

fn list_key(
    ctx: &Context,
    shown: &Shown<'_>,
    state: &mut ViewState,
    actions: &mut Vec<Action>,
    modifiers: Modifiers,
    key: Key,
) {
    let Some(last) = shown.todos.len().checked_sub(1) else { return };
    let selected = state.selected.as_deref().and_then(|id| shown.index_of(id));
    let to = match (key, selected) {
        (Key::ArrowDown | Key::ArrowUp, Some(at)) if modifiers.alt || modifiers.command => {
            let to = if key == Key::ArrowDown { Some(at + 1).filter(|to| *to <= last) } else { at.checked_sub(1) };
            actions.extend(to.map(|to| Action::Move { id: shown.todos[at].id.clone(), to }));
            state.scroll_to_selected = true;
            return;
        }
        (Key::ArrowDown, Some(at)) => (at + 1).min(last),
        (Key::PageDown, Some(at)) => (at + PAGE).min(last),
        (Key::ArrowUp, Some(at)) => at.saturating_sub(1),
        (Key::PageUp, Some(at)) => at.saturating_sub(PAGE),
        (Key::ArrowDown | Key::PageDown | Key::PageUp, None) | (Key::Home, _) => 0,
        (Key::ArrowUp, None) | (Key::End, _) => last,
        (key, Some(at)) => return chosen(&shown.todos[at], shown, state, actions, (key, at)),
        (_, None) => return,
    };
    select(shown, state, to);
    focus_todos(ctx);
}

/// Keys for the chosen todo.
fn chosen(todo: &Todo, shown: &Shown<'_>, state: &mut ViewState, actions: &mut Vec<Action>, (key, at): (Key, usize)) {
    match key {
        Key::Space => actions.push(Action::SetCompleted { id: todo.id.clone(), completed: !todo.completed }),
        Key::Enter | Key::F2 => state.editing = Some(Editing::of(&todo.id, &todo.text)),
        Key::Delete => {
            actions.push(Action::Delete(todo.id.clone()));
            let next = shown.todos.get(at + 1).or_else(|| shown.todos.get(at.checked_sub(1)?));
            state.selected = next.map(|next| next.id.clone());
        }
        _ => {}
    }
}

fn select(shown: &Shown<'_>, state: &mut ViewState, at: usize) {
    state.selected = shown.todos.get(at).map(|todo| todo.id.clone());
    state.scroll_to_selected = true;
}

/// Gives the keyboard to the list of todos.
pub(super) fn focus_todos(ctx: &Context) {
    let id: Id = todos::id();
    ctx.memory_mut(|memory| {
        memory.request_focus(id);
        // An arrow key would move it on from there to the next part of the window.
        memory.move_focus(FocusDirection::None);
    });
}
