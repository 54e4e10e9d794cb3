//! The keyboard.

use egui::{Context, Id, Key, Modifiers};

use super::{Editing, Shown, ViewState, header, todos};
use crate::model::Action;
use crate::schema::Filter;

/// What the help says.
pub(super) const HELP: &[(&str, &str)] = &[
    ("Ctrl+N", "new todo"),
    ("Enter", "add it; or edit the chosen one"),
    ("↓ ↑", "choose a todo"),
    ("Space", "complete or reopen it"),
    ("Delete", "delete it"),
    ("Alt+↓ Alt+↑", "move it"),
    ("Esc", "cancel"),
    ("Ctrl+1 2 3", "all, active, completed"),
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
        state.focus_draft = true;
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
        input.events.retain(|event| !matches!(event, egui::Event::Text(text) if text == "?"));
        input.events.len() < before
    };
    if pressed(ctx, Modifiers::NONE, Key::F1) || (!writes && ctx.input_mut(asked)) {
        state.help = true;
    }
}

/// Keys for the list, when no other part of the window has the focus.
fn list(ctx: &Context, shown: &Shown<'_>, state: &mut ViewState, actions: &mut Vec<Action>) {
    if pressed(ctx, Modifiers::NONE, Key::Escape) {
        state.selected = None;
        state.notice = None;
    }
    let Some(last) = shown.todos.len().checked_sub(1) else { return };
    let selected = state.selected.as_deref().and_then(|id| shown.index_of(id));
    if let Some(at) = selected {
        chosen(ctx, shown, state, actions, at);
    }
    let to = [
        (Key::ArrowDown, selected.map_or(0, |at| (at + 1).min(last))),
        (Key::ArrowUp, selected.map_or(last, |at| at.saturating_sub(1))),
        (Key::PageDown, selected.map_or(0, |at| (at + 10).min(last))),
        (Key::PageUp, selected.map_or(0, |at| at.saturating_sub(10))),
        (Key::Home, 0),
        (Key::End, last),
    ];
    for (key, to) in to {
        if pressed(ctx, Modifiers::NONE, key) {
            select(shown, state, to);
            focus_todos(ctx);
        }
    }
}

/// Keys for the chosen todo.
fn chosen(ctx: &Context, shown: &Shown<'_>, state: &mut ViewState, actions: &mut Vec<Action>, at: usize) {
    let (todo, last) = (&shown.todos[at], shown.todos.len() - 1);
    for modifiers in [Modifiers::ALT, Modifiers::COMMAND] {
        let down = pressed(ctx, modifiers, Key::ArrowDown) && at < last;
        let up = pressed(ctx, modifiers, Key::ArrowUp) && at > 0;
        if down || up {
            let to = if down { at + 1 } else { at - 1 };
            actions.push(Action::Move { id: todo.id.clone(), to });
            state.scroll_to_selected = true;
        }
    }
    if pressed(ctx, Modifiers::NONE, Key::Space) {
        actions.push(Action::SetCompleted { id: todo.id.clone(), completed: !todo.completed });
    }
    if pressed(ctx, Modifiers::NONE, Key::Enter) || pressed(ctx, Modifiers::NONE, Key::F2) {
        state.editing = Some(Editing::of(&todo.id, &todo.text));
    }
    if pressed(ctx, Modifiers::NONE, Key::Delete) {
        actions.push(Action::Delete(todo.id.clone()));
        let next = if at < last { Some(at + 1) } else { at.checked_sub(1) };
        state.selected = next.map(|next| shown.todos[next].id.clone());
    }
}

fn select(shown: &Shown<'_>, state: &mut ViewState, at: usize) {
    state.selected = shown.todos.get(at).map(|todo| todo.id.clone());
    state.scroll_to_selected = true;
}

/// Gives the keyboard to the list of todos.
pub(super) fn focus_todos(ctx: &Context) {
    let id: Id = todos::id();
    ctx.memory_mut(|memory| memory.request_focus(id));
}
