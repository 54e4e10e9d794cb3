//! An X server without a screen, and the windows on it.

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use anyhow::{Context, Result, ensure};

/// The programs that are needed, and the packages that have them.
const TOOLS: &[(&str, &str)] = &[("Xvfb", "xvfb"), ("xdotool", "xdotool"), ("import", "imagemagick")];
/// Libraries that a window loads when it is opened.
const LIBRARIES: &str = "libxcursor1 libxi6 libxkbcommon-x11-0 libgl1 libgl1-mesa-dri libx11-xcb1 libxrandr2";

/// An X server of one's own.
pub(crate) struct Screen {
    server: Child,
    display: String,
}

impl Screen {
    /// Starts one, with a display number that is free.
    pub(crate) fn start() -> Result<Self> {
        let missing: Vec<_> = TOOLS.iter().filter(|(tool, _)| !is_there(tool)).map(|(_, package)| *package).collect();
        ensure!(
            missing.is_empty(),
            "the window tests need what is not installed: apt-get install {} {LIBRARIES}",
            missing.join(" ")
        );
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1600x1000x24", "-nolisten", "tcp"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("can't start Xvfb")?;
        let mut number = String::new();
        BufReader::new(server.stdout.take().context("a pipe")?).read_line(&mut number)?;
        let display = format!(":{}", number.trim());
        Ok(Self { server, display })
    }

    /// The command with this display, drawing without a graphics card.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("DISPLAY", &self.display).env("LIBGL_ALWAYS_SOFTWARE", "1").env_remove("WAYLAND_DISPLAY");
        command
    }

    /// Waits for a window with this in its title.
    pub(crate) fn window(&self, title: &str) -> Result<Window<'_>> {
        let found = self.run("timeout", &["120", "xdotool", "search", "--sync", "--onlyvisible", "--name", title]);
        let found = String::from_utf8(found.with_context(|| format!("no window has {title:?} in its title"))?)?;
        let id = found.lines().next().with_context(|| format!("no window has {title:?} in its title"))?;
        Ok(Window { screen: self, id: id.to_owned() })
    }

    /// Keeps a picture of the whole screen for people, in `target/tmp`.
    pub(crate) fn save(&self, name: &str) -> Result<()> {
        self.run("import", &["-window", "root", &picture_path(name)]).map(drop)
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<Vec<u8>> {
        let output: Output = self.command(program).args(arguments).output()?;
        ensure!(
            output.status.success(),
            "{program} {arguments:?} failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(output.stdout)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // If it has ended already, that is what is wanted.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn is_there(tool: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|path| path.join(tool).is_file())
}

fn picture_path(name: &str) -> String {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("window-{name}")).display().to_string()
}

/// A window on a screen.
pub(crate) struct Window<'a> {
    screen: &'a Screen,
    id: String,
}

impl Window<'_> {
    /// What it shows.
    pub(crate) fn picture(&self) -> Result<Picture> {
        let pixels = self.screen.run("import", &["-silent", "-window", &self.id, "-depth", "8", "rgb:-"])?;
        Ok(Picture(pixels))
    }

    /// Keeps a picture for people, in `target/tmp`.
    pub(crate) fn save(&self, name: &str) -> Result<()> {
        self.screen.run("import", &["-window", &self.id, &picture_path(name)]).map(drop)
    }

    /// Presses keys together, such as `ctrl+n`.
    pub(crate) fn press(&self, keys: &str) -> Result<()> {
        self.focus()?;
        self.screen.run("xdotool", &["key", keys]).map(drop)
    }

    /// Writes a text, key by key.
    pub(crate) fn write(&self, text: &str) -> Result<()> {
        self.focus()?;
        self.screen.run("xdotool", &["type", "--delay", "20", text]).map(drop)
    }

    /// Clicks at a place within it.
    pub(crate) fn click(&self, x: u32, y: u32) -> Result<()> {
        self.focus()?;
        let (x, y) = (x.to_string(), y.to_string());
        self.screen.run("xdotool", &["mousemove", "--sync", "--window", &self.id, &x, &y, "click", "1"]).map(drop)
    }

    /// There is no window manager that would give it the keyboard.
    fn focus(&self) -> Result<()> {
        self.screen.run("xdotool", &["windowfocus", "--sync", &self.id]).map(drop)
    }
}

/// Pixels: red, green and blue in turn.
#[derive(PartialEq, Eq)]
pub(crate) struct Picture(Vec<u8>);

impl Picture {
    pub(crate) fn colours(&self) -> usize {
        self.0.chunks_exact(3).collect::<HashSet<_>>().len()
    }

    /// Whether more changed than the blinking of a cursor.
    pub(crate) fn differs_from(&self, other: &Self) -> bool {
        let pairs = self.0.chunks_exact(3).zip(other.0.chunks_exact(3));
        self.0.len() != other.0.len() || pairs.filter(|(left, right)| left != right).count() > 200
    }
}
