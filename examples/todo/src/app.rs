//! The window.

use std::error::Error;
use std::fmt;
use std::io::Read;

use anyhow::Result;
use eframe::CreationContext;
use egui::{Context, Ui, ViewportBuilder, ViewportCommand};
use headwater::query::Subscription;
use headwater::{EventStream, Heads, SeqNum, SyncStatus};
use headwater_egui::{Incoming, LiveStatus, Repaint};

use crate::cli::Cli;
use crate::log::Log;
use crate::model::Model;
use crate::schema::{Filter, Theme};
use crate::view::{self, Shown, ViewState, theme};

/// Confirmed events of the past that the log begins with.
const LOG_BEGIN: u64 = 100;
/// Confirmed events that are taken in one frame.
const LOG_PER_FRAME: usize = 500;
/// The narrowest window in which everything has its place.
const MIN_SIZE: [f32; 2] = [360.0, 420.0];

/// There is no display, or it can't show a window.
#[derive(Debug)]
pub struct NoWindow(String);

impl fmt::Display for NoWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "can't open a window: {}", self.0)
    }
}

impl Error for NoWindow {}

/// Opens the window, and returns when it is closed.
///
/// # Errors
/// [`NoWindow`]
pub fn run(cli: &Cli, model: Model) -> Result<()> {
    let title = cli.title.clone().unwrap_or_else(|| "Todo".to_owned());
    let mut viewport = ViewportBuilder::default().with_title(&title).with_min_inner_size(MIN_SIZE);
    viewport = match cli.place.as_deref() {
        Some(&[x, y, width, height]) => viewport.with_position([x, y]).with_inner_size([width, height]),
        _ => viewport.with_inner_size([900.0, 760.0]),
    };
    let options = eframe::NativeOptions { viewport, ..Default::default() };
    let end_with_stdin = cli.end_with_stdin;
    let name = title.clone();
    let create = move |creation: &CreationContext<'_>| {
        if end_with_stdin {
            close_with_stdin(creation.egui_ctx.clone())?;
        }
        Ok(Box::new(App::new(model, name, &creation.egui_ctx)) as Box<dyn eframe::App>)
    };
    eframe::run_native(&title, options, Box::new(create)).map_err(|error| NoWindow(error.to_string()).into())
}

/// Closes the window when the process that opened it is gone.
fn close_with_stdin(ctx: Context) -> std::io::Result<()> {
    let wait = move || {
        let mut bytes = [0; 64];
        while matches!(std::io::stdin().read(&mut bytes), Ok(1..)) {}
        ctx.send_viewport_cmd(ViewportCommand::Close);
        ctx.request_repaint();
    };
    std::thread::Builder::new().name("todo-stdin".to_owned()).spawn(wait).map(drop)
}

/// The app in its window.
pub struct App {
    model: Model,
    title: String,
    status: LiveStatus,
    events: Incoming<EventStream>,
    log: Log,
    /// The status for which the pending events were read.
    pending_of: Option<(Heads, SeqNum, usize)>,
    state: ViewState,
    /// The theme that is set, and the desktop's.
    theme: Option<Theme>,
    _lists: Subscription,
    _ui: Subscription,
    todos: Subscription,
    todos_of: (String, Filter),
}

impl App {
    /// The app in a window with this context.
    #[must_use]
    pub fn new(model: Model, title: String, ctx: &Context) -> Self {
        theme::install(ctx);
        let store = model.store().clone();
        let begin = store.sync_status().upstream_head.global.saturating_sub(LOG_BEGIN);
        Self {
            title,
            status: LiveStatus::new(&store, ctx),
            events: Incoming::new(store.event_stream(SeqNum::global(begin)), ctx),
            log: Log::default(),
            pending_of: None,
            state: ViewState::default(),
            theme: None,
            _lists: model.lists().repaint(ctx),
            _ui: model.stored_ui().repaint(ctx),
            todos: model.todos().repaint(ctx),
            todos_of: model.todos_of().clone(),
            model,
        }
    }

    /// A frame: brings what is shown up to date, shows it, and does what the person wants.
    pub fn frame(&mut self, ui: &mut Ui) {
        let status = self.status.get();
        self.follow(ui.ctx(), &status);
        let client = self.model.store().client_id();
        let (lists, todos) = (self.model.lists().get(), self.model.todos().get());
        let shown = Shown {
            title: &self.title,
            client: client.as_str(),
            lists: &lists,
            list_id: self.model.list_id(),
            todos: &todos,
            ui: self.model.ui(),
            status: &status,
            log: &self.log,
        };
        for action in view::show(ui, &shown, &mut self.state) {
            if let Err(error) = self.model.apply(action) {
                self.state.notice = Some(with_causes(&error));
            }
        }
    }

    /// The app without its window.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// What the window remembers from frame to frame.
    #[must_use]
    pub fn state(&self) -> &ViewState {
        &self.state
    }

    fn follow(&mut self, ctx: &Context, status: &SyncStatus) {
        if let Err(error) = self.model.refresh() {
            self.state.notice = Some(with_causes(&error));
        }
        if self.todos_of != *self.model.todos_of() {
            self.todos = self.model.todos().repaint(ctx);
            self.todos_of = self.model.todos_of().clone();
        }
        let theme = self.model.ui().theme;
        if self.theme != Some(theme) {
            theme::choose(ctx, theme);
            self.theme = Some(theme);
        }
        if self.model.ui().log {
            self.follow_log(ctx, status);
        }
    }

    fn follow_log(&mut self, ctx: &Context, status: &SyncStatus) {
        let mut taken = 0;
        while let Some(event) = self.events.next() {
            match event {
                Ok(event) => self.log.confirm(&event),
                Err(error) => self.state.notice = Some(with_causes(&error)),
            }
            taken += 1;
            if taken == LOG_PER_FRAME {
                ctx.request_repaint();
                break;
            }
        }
        let of = (status.heads, status.upstream_head, status.pending + status.unpersisted);
        if taken > 0 || self.pending_of != Some(of) {
            self.log.set_pending(&self.model.store().pending_events());
            self.pending_of = Some(of);
        }
    }
}

impl eframe::App for App {
    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.frame(ui);
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }
}

/// An error with all its causes, in one line.
fn with_causes(error: &headwater::Error) -> String {
    let (mut line, mut cause) = (error.to_string(), error.source());
    while let Some(error) = cause {
        line = format!("{line}: {error}");
        cause = error.source();
    }
    line
}
