//! A window without a window.

use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, Vec2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use headwater::Store;
use headwater::sync_provider::HttpSync;
use todo::app::App;
use todo::model::{Action, Model};
use todo::schema::{Todo, schema};

/// More than this takes only a machine that is stuck.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The app on a screen that nobody sees.
pub(crate) struct Desk(Harness<'static, Option<App>>);

/// A store whose backend can't be reached, switched off.
pub(crate) fn offline_store() -> Store {
    let backend = HttpSync::new("http://127.0.0.1:1").expect("an address");
    Store::builder(schema()).sync(backend).start_offline().open().expect("opens")
}

pub(crate) fn texts(model: &Model) -> Vec<String> {
    model.todos().get().iter().map(|todo| todo.text.clone()).collect()
}

impl Desk {
    /// A store of its own, with no backend.
    pub(crate) fn open() -> Self {
        Self::on(Store::builder(schema()).open().expect("opens"), vec2(900.0, 700.0))
    }

    /// With these todos, the last one first.
    pub(crate) fn with(todos: &[&str]) -> Self {
        let store = Store::builder(schema()).open().expect("opens");
        let mut model = Model::new(store.clone()).expect("shows");
        for text in todos {
            model.apply(Action::Add((*text).to_owned())).expect("commits");
        }
        Self::on(store, vec2(900.0, 700.0))
    }

    pub(crate) fn on(store: Store, size: Vec2) -> Self {
        let mut model = Some(Model::new(store).expect("shows"));
        let frame = move |ui: &mut egui::Ui, app: &mut Option<App>| {
            let begin = || App::new(model.take().expect("once"), "Todo".to_owned(), ui.ctx());
            app.get_or_insert_with(begin).frame(ui);
        };
        let mut desk = Self(Harness::builder().with_size(size).with_max_steps(60).build_ui_state(frame, None));
        desk.run();
        desk
    }

    pub(crate) fn app(&self) -> &App {
        self.state().as_ref().expect("is there after the first frame")
    }

    pub(crate) fn store(&self) -> Store {
        self.app().model().store().clone()
    }

    pub(crate) fn todos(&self) -> Vec<Todo> {
        self.app().model().todos().get().to_vec()
    }

    /// The texts of the todos that are shown.
    pub(crate) fn texts(&self) -> Vec<String> {
        texts(self.app().model())
    }

    pub(crate) fn selected(&self) -> Option<String> {
        self.app().state().selected.clone()
    }

    /// Writes a todo and presses Enter.
    pub(crate) fn add(&mut self, text: &str) {
        self.type_into("New todo", text);
        self.keys(&[Key::Enter]);
    }

    pub(crate) fn type_into(&mut self, label: &str, text: &str) {
        self.get_by_role_and_label(Role::TextInput, label).focus();
        self.run();
        self.get_by_role_and_label(Role::TextInput, label).type_text(text);
        self.run();
    }

    /// Replaces the text of the field that has the focus.
    pub(crate) fn replace_text(&mut self, label: &str, text: &str) {
        assert!(self.get_by_role_and_label(Role::TextInput, label).is_focused(), "{label} has no focus");
        self.key_press_modifiers(Modifiers::COMMAND, Key::A);
        self.event(Event::Text(text.to_owned()));
        self.run();
    }

    /// Presses keys, one after the other.
    pub(crate) fn keys(&mut self, keys: &[Key]) {
        for key in keys {
            self.key_press(*key);
            self.run();
        }
    }

    /// Presses a key with modifiers.
    pub(crate) fn combination(&mut self, modifiers: Modifiers, key: Key) {
        self.key_press_modifiers(modifiers, key);
        self.run();
    }

    pub(crate) fn click(&mut self, label: &str) {
        self.get_by_label(label).click();
        self.run();
    }

    pub(crate) fn tick(&mut self, text: &str) {
        self.get_by_role_and_label(Role::CheckBox, text).click();
        self.run();
    }

    pub(crate) fn shows(&self, label: &str) -> bool {
        self.query_all_by_label(label).next().is_some()
    }

    /// Draws frames until something is shown that comes from another thread.
    pub(crate) fn wait_for(&mut self, label: &str) {
        let begin = Instant::now();
        while !self.shows(label) {
            assert!(begin.elapsed() < PATIENCE, "{label:?} is not shown, but {:?}", self.labels());
            self.step();
            std::thread::yield_now();
        }
    }

    fn labels(&self) -> Vec<String> {
        self.root().children_recursive().filter_map(|node| node.accesskit_node().label()).collect()
    }

    /// Everything that has a name is within the window.
    pub(crate) fn assert_within(&self) {
        let window = egui::Rect::from_min_size(egui::Pos2::ZERO, self.ctx.content_rect().size()).expand(0.5);
        for node in self.root().children_recursive() {
            let Some(label) = node.accesskit_node().label().filter(|label| !label.is_empty()) else { continue };
            let rect = node.rect();
            assert!(
                window.x_range().contains(rect.left()) && window.x_range().contains(rect.right()),
                "{label} at {rect}"
            );
        }
    }
}

impl Deref for Desk {
    type Target = Harness<'static, Option<App>>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Desk {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}
