//! The window without a window: found and driven by what a screen reader would find.

use crate::support::{Desk, offline_store, texts};
use egui::accesskit::Role;
use egui::{Key, Modifiers, vec2};
use egui_kittest::kittest::Queryable;
use todo::model::Action;
use todo::schema::{Filter, TodoEvent};

#[test]
fn an_empty_list_says_what_to_do() {
    let desk = Desk::open();
    desk.get_by_label("Nothing to do");
    assert!(!desk.shows("Todos, 0"));
}

#[test]
fn enter_adds_a_todo_and_keeps_the_field_for_the_next() {
    let mut desk = Desk::open();
    desk.add("buy milk");
    desk.add("draw the owl");
    assert_eq!(desk.texts(), ["draw the owl", "buy milk"]);
    assert!(desk.get_by_label("New todo").is_focused());
    assert!(!desk.shows("Nothing to do"));
}

#[test]
fn blank_text_adds_nothing() {
    let mut desk = Desk::open();
    desk.add("   ");
    assert_eq!(desk.texts(), Vec::<String>::new());
}

#[test]
fn the_add_button_adds_too() {
    let mut desk = Desk::open();
    desk.type_into("New todo", "buy milk");
    desk.click("Add");
    assert_eq!(desk.texts(), ["buy milk"]);
}

#[test]
fn a_tick_completes_and_reopens() {
    let mut desk = Desk::with(&["buy milk"]);
    desk.tick("buy milk");
    assert!(desk.todos()[0].completed);
    desk.get_by_label("Completed 1");
    desk.tick("buy milk");
    assert!(!desk.todos()[0].completed);
}

#[test]
fn a_todo_is_edited_in_place() {
    let mut desk = Desk::with(&["buy milk"]);
    desk.click("Edit “buy milk”");
    desk.replace_text("Text of the todo", "buy oat milk");
    desk.keys(&[Key::Enter]);
    assert_eq!(desk.texts(), ["buy oat milk"]);
    assert!(!desk.shows("Text of the todo"));
}

#[test]
fn escape_leaves_the_text_as_it_was() {
    let mut desk = Desk::with(&["buy milk"]);
    desk.click("Edit “buy milk”");
    desk.replace_text("Text of the todo", "nonsense");
    desk.keys(&[Key::Escape]);
    assert_eq!(desk.texts(), ["buy milk"]);
    assert!(!desk.shows("Text of the todo"));
}

#[test]
fn filters_show_what_they_say_and_keys_choose_them() {
    let mut desk = Desk::with(&["done", "open"]);
    desk.tick("done");
    desk.click("Active 1");
    assert_eq!(desk.texts(), ["open"]);
    desk.combination(Modifiers::COMMAND, Key::Num3);
    assert_eq!(desk.texts(), ["done"]);
    desk.combination(Modifiers::COMMAND, Key::Num1);
    assert_eq!(desk.texts().len(), 2);
}

#[test]
fn each_filter_has_an_empty_state_of_its_own() {
    let mut desk = Desk::with(&["buy milk"]);
    desk.click("Completed 0");
    desk.get_by_label("Nothing completed");
    desk.click("All 1");
    desk.tick("buy milk");
    desk.click("Active 0");
    desk.get_by_label("All done");
}

#[test]
fn what_is_done_is_cleared_away() {
    let mut desk = Desk::with(&["done", "open"]);
    assert!(!desk.shows("Clear done"));
    desk.tick("done");
    desk.click("Clear done");
    assert_eq!(desk.texts(), ["open"]);
}

#[test]
fn the_keyboard_chooses_completes_edits_moves_and_deletes() {
    let mut desk = Desk::with(&["three", "two", "one"]);
    desk.get_by_label("New todo").focus();
    desk.run();
    desk.keys(&[Key::ArrowDown, Key::ArrowDown, Key::Space]);
    assert_eq!(desk.selected(), Some(desk.todos()[1].id.clone()));
    assert!(desk.todos()[1].completed);
    desk.combination(Modifiers::ALT, Key::ArrowUp);
    assert_eq!(desk.texts(), ["two", "one", "three"]);
    desk.combination(Modifiers::ALT, Key::ArrowDown);
    desk.combination(Modifiers::ALT, Key::ArrowDown);
    assert_eq!(desk.texts(), ["one", "three", "two"]);
    desk.keys(&[Key::Enter]);
    desk.replace_text("Text of the todo", "zwei");
    desk.keys(&[Key::Enter, Key::ArrowUp, Key::Delete]);
    assert_eq!(desk.texts(), ["one", "zwei"]);
    assert_eq!(desk.selected(), Some(desk.todos()[1].id.clone()));
    desk.keys(&[Key::Escape, Key::Delete]);
    assert_eq!(desk.texts().len(), 2);
}

#[test]
fn arrow_keys_stay_in_the_list_when_nothing_had_the_focus() {
    // More than fit: the row that is half seen is below the middle of the list, and would be the next stop.
    let mut desk = Desk::on(offline_store(), vec2(700.0, 640.0));
    desk.app().model().fill(50).expect("fills");
    desk.run();
    desk.keys(&[Key::ArrowDown, Key::End]);
    assert_eq!(desk.selected(), Some(desk.todos()[49].id.clone()));
    desk.keys(&[Key::Home, Key::Space]);
    assert!(desk.todos()[0].completed);
}

#[test]
fn keys_that_come_in_one_frame_are_taken_in_order() {
    let mut desk = Desk::with(&["three", "two", "one"]);
    let keys = [Key::ArrowDown, Key::ArrowDown, Key::ArrowDown, Key::ArrowUp, Key::Space];
    desk.input_mut().events.extend(keys.map(|key| {
        let modifiers = Modifiers::NONE;
        egui::Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers }
    }));
    desk.run();
    let completed: Vec<_> = desk.todos().into_iter().filter(|todo| todo.completed).map(|todo| todo.text).collect();
    assert_eq!(completed, ["two"]);
}

#[test]
fn a_todo_is_dragged_to_another_place() {
    let mut desk = Desk::with(&["three", "two", "one"]);
    let from = desk.get_by_label("Drag “one”").rect().center();
    let to = desk.get_by_label("Drag “three”").rect().center() + vec2(0.0, 15.0);
    desk.drag_at(from);
    desk.run_steps(2);
    desk.hover_at(from + vec2(0.0, 20.0));
    desk.run_steps(2);
    desk.hover_at(to);
    desk.run_steps(2);
    desk.drop_at(to);
    desk.run();
    assert_eq!(desk.texts(), ["two", "three", "one"]);
    desk.keys(&[Key::Escape]);
    assert_eq!(desk.texts(), ["two", "three", "one"], "the drag is over");
}

#[test]
fn lists_are_made_chosen_renamed_and_deleted() {
    let mut desk = Desk::with(&["buy milk"]);
    desk.type_into("New list", "Garden");
    desk.keys(&[Key::Enter]);
    desk.get_by_label("Garden, 0 active");
    desk.get_by_label("Nothing to do");
    desk.add("dig");
    desk.click("Rename this list");
    desk.replace_text("Name of the list", "Back garden");
    desk.keys(&[Key::Enter]);
    desk.get_by_label("Back garden, 1 active");
    desk.click("Inbox, 1 active");
    assert_eq!(desk.texts(), ["buy milk"]);
    desk.click("Back garden, 1 active");
    desk.click("Delete this list");
    desk.click("Keep it");
    desk.get_by_label("Back garden, 1 active");
    desk.click("Delete this list");
    desk.click("Delete the list");
    assert!(!desk.shows("Back garden, 1 active"));
    assert_eq!(desk.texts(), ["buy milk"]);
}

#[test]
fn without_any_list_the_window_says_how_to_make_one() {
    let mut desk = Desk::open();
    desk.click("Delete this list");
    desk.click("Delete the list");
    desk.get_by_label("No list yet");
    desk.type_into("New list", "Garden");
    desk.keys(&[Key::Enter]);
    desk.add("dig");
    assert_eq!(desk.texts(), ["dig"]);
}

#[test]
fn the_switch_goes_offline_and_the_bar_counts_what_is_pending() {
    let mut desk = Desk::on(offline_store(), vec2(900.0, 700.0));
    desk.get_by_role_and_label(Role::Switch, "Online").click();
    desk.wait_for("Can't reach the backend, 1 pending");
    desk.get_by_role_and_label(Role::Switch, "Online").click();
    desk.wait_for("Offline, 1 pending");
    desk.add("buy milk");
    desk.wait_for("Offline, 2 pending");
    desk.get_by_label("session e2'");
    desk.get_by_label("leader e2'");
    desk.get_by_label("backend –");
}

#[test]
fn a_store_without_a_backend_has_no_switch() {
    let desk = Desk::open();
    desk.get_by_label("On this machine only");
    assert!(!desk.shows("Online"));
}

#[test]
fn the_eventlog_shows_confirmed_and_pending_events() {
    let mut desk = Desk::with(&["buy milk"]);
    desk.click("Show the eventlog");
    desk.wait_for("e2 v1.TodoCreated “buy milk”");
    desk.click("Hide the eventlog");
    assert!(!desk.shows("Eventlog"));

    let mut desk = Desk::on(offline_store(), vec2(1200.0, 700.0));
    desk.combination(Modifiers::COMMAND, Key::L);
    desk.add("draw the owl");
    desk.wait_for("e2' v1.TodoCreated “draw the owl”");
}

#[test]
fn the_theme_is_remembered() {
    let mut desk = Desk::open();
    let is_dark = |desk: &Desk| desk.ctx.global_style().visuals.dark_mode;
    let (before, name) = if is_dark(&desk) { (true, "Use the light theme") } else { (false, "Use the dark theme") };
    desk.click(name);
    assert_eq!(is_dark(&desk), !before);
    let again = Desk::on(desk.store(), vec2(900.0, 700.0));
    assert_eq!(is_dark(&again), !before);
}

#[test]
fn the_help_lists_the_keys_and_escape_closes_it() {
    let mut desk = Desk::open();
    desk.event(egui::Event::Text("?".to_owned()));
    desk.run();
    desk.get_by_label("Keys");
    desk.keys(&[Key::Escape]);
    assert!(!desk.shows("Keys"));
}

#[test]
fn a_question_mark_in_a_text_is_text() {
    let mut desk = Desk::open();
    desk.add("milk?");
    assert_eq!(desk.texts(), ["milk?"]);
    assert!(!desk.shows("Keys"));
}

#[test]
fn a_narrow_window_has_everything_within_it() {
    let mut desk = Desk::on(offline_store(), vec2(360.0, 640.0));
    desk.add("a todo whose text is much too long for a window that is so narrow, and so it has to be cut off");
    desk.combination(Modifiers::COMMAND, Key::L);
    desk.assert_within();
    desk.click("Show lists");
    desk.assert_within();
    desk.click("Inbox, 1 active");
    assert_eq!(desk.texts().len(), 1);
    desk.click("Help");
    desk.assert_within();
}

#[test]
fn ten_thousand_todos_cost_a_frame_no_more_than_what_is_seen() {
    let mut desk = Desk::open();
    desk.app().model().fill(10_000).expect("fills");
    desk.run();
    assert_eq!(desk.texts().len(), 10_000);
    let runs = desk.app().model().todos().stats().runs;
    for key in [Key::End, Key::Home, Key::PageDown] {
        desk.keys(&[key]);
        let laid_out = desk.app().state().rows_laid_out;
        assert!((5..=20).contains(&laid_out), "{laid_out} rows");
        assert!(desk.query_all_by_role(Role::CheckBox).count() <= 20);
    }
    assert_eq!(desk.app().model().todos().stats().runs, runs, "a frame runs no query");
    desk.keys(&[Key::End]);
    desk.get_by_role_and_label(Role::CheckBox, "Todo 10000 of 10000");
}

#[test]
fn a_new_todo_shows_even_if_only_completed_ones_were_shown() {
    let mut desk = Desk::open();
    desk.combination(Modifiers::COMMAND, Key::Num3);
    desk.add("buy milk");
    assert_eq!(desk.app().model().ui().filter, Filter::All);
    assert_eq!(desk.texts(), ["buy milk"]);
}

#[test]
fn what_another_session_of_the_client_does_is_seen() {
    let mut desk = Desk::open();
    let other = desk.store().new_session().expect("opens");
    let mut model = todo::model::Model::new(other).expect("shows");
    model.apply(Action::Add("from elsewhere".to_owned())).expect("commits");
    desk.wait_for("from elsewhere");
    assert_eq!(texts(desk.app().model()), ["from elsewhere"]);
}

#[test]
fn a_change_in_the_list_that_was_chosen_last_asks_for_a_frame() {
    let mut desk = Desk::with(&["buy milk"]);
    desk.type_into("New list", "Garden");
    desk.keys(&[Key::Enter]);
    desk.add("dig");
    // Whatever is moving comes to rest. What blinks would ask for frames as well.
    desk.get_by_label("Help").focus();
    desk.run();
    assert!(!desk.ctx.has_requested_repaint());
    let id = desk.todos()[0].id.clone();
    desk.store().commit(TodoEvent::TextChanged { id, text: "dig deeper".to_owned() }).expect("commits");
    assert!(desk.ctx.has_requested_repaint());
}
