//! A terminal that a test types into and reads from: tmux.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Instant;

use tempfile::TempDir;
use vt100::{Parser, Screen};

use super::client::PATIENCE;
use crate::support::tool::search_path;

/// A tmux server of its own, with one window in which a command runs.
pub struct Terminal {
    directory: TempDir,
    columns: u16,
    rows: u16,
}

/// What a command said last can still be read after its end, and all rows are the command's.
const SETTINGS: &str = "set -g remain-on-exit on\nset -g status off\n";

impl Terminal {
    pub fn run(command: &str) -> Terminal {
        Self::with_columns(command, 120)
    }

    pub fn with_columns(command: &str, columns: u16) -> Terminal {
        Self::sized(command, columns, 40)
    }

    /// A window of this size. The command begins when all that it writes is recorded.
    pub fn sized(command: &str, columns: u16, rows: u16) -> Terminal {
        let directory = tempfile::tempdir().expect("a directory");
        let terminal = Terminal { directory, columns, rows };
        let settings = terminal.directory.path().join("settings");
        std::fs::write(&settings, SETTINGS).expect("an empty directory");
        let settings = settings.to_str().expect("a plain path");
        let command = format!("tmux wait-for recorded; {command}");
        let [columns, rows] = [columns, rows].map(|size| size.to_string());
        let size = ["-x", &columns, "-y", &rows, &command];
        terminal.tmux(&[&["-f", settings, "new-session", "-d"], &size[..]].concat());
        terminal.tmux(&["pipe-pane", &format!("exec cat > '{}'", terminal.record().display())]);
        terminal.tmux(&["wait-for", "-S", "recorded"]);
        terminal
    }

    fn record(&self) -> PathBuf {
        self.directory.path().join("record")
    }

    /// The screen as vt100 makes it of the same bytes, if it agrees with tmux about it: one of
    /// them may not have read all yet.
    pub fn agreed_screen(&self) -> Option<Screen> {
        let rows_of_tmux = self.screen();
        // The shell that records may not have begun.
        let bytes = std::fs::read(self.record()).unwrap_or_default();
        let mut parser = Parser::new(self.rows, self.columns, 0);
        parser.process(&bytes);
        let screen = parser.screen();
        let rows = screen.rows(0, self.columns);
        let is_same = rows
            .map(|row| row.trim_end().to_owned())
            .eq(rows_of_tmux.lines().map(|row| row.trim_end().to_owned()));
        is_same.then(|| screen.clone())
    }

    /// Waits until tmux and vt100 show the same, and `is_it` is true of that; gives it.
    #[track_caller]
    pub fn agrees(&self, is_it: impl Fn(&Screen) -> bool) -> Screen {
        let start = Instant::now();
        loop {
            if let Some(screen) = self.agreed_screen().filter(|screen| is_it(screen)) {
                return screen;
            }
            assert!(start.elapsed() < PATIENCE, "it doesn't come to that:\n{}", self.screen());
        }
    }

    /// Types a text and presses return.
    pub fn types(&self, line: &str) {
        self.tmux(&["send-keys", "-l", line]);
        self.presses("Enter");
    }

    /// Types a text.
    pub fn sends(&self, text: &str) {
        self.tmux(&["send-keys", "-l", text]);
    }

    /// Pastes a text, marked if the program has asked for that.
    pub fn pastes(&self, text: &str) {
        self.tmux(&["set-buffer", "--", text]);
        self.tmux(&["paste-buffer", "-p"]);
    }

    /// Gives the window another width.
    pub fn set_columns(&self, columns: u16) {
        self.tmux(&["resize-window", "-x", &columns.to_string()]);
    }

    /// Presses a key that has a name, like `Enter` or `C-c`.
    pub fn presses(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    /// Waits until the screen shows `text` on a line of its own.
    #[track_caller]
    pub fn shows(&self, text: &str) {
        let start = Instant::now();
        loop {
            let screen = self.screen();
            if screen.lines().any(|line| line.trim_end() == text) {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "no {text:?} on the screen:\n{screen}");
        }
    }

    /// Waits until `is_it` is true of the screen without the empty rows at its
    /// end and of the column of the cursor.
    #[track_caller]
    pub fn comes_to(&self, is_it: impl Fn(&str, usize) -> bool) {
        let start = Instant::now();
        loop {
            let screen = self.screen();
            let output = self.tmux(&["display-message", "-p", "#{cursor_x}"]);
            let column = String::from_utf8_lossy(&output.stdout).trim().parse().expect("a column");
            if is_it(screen.trim_end(), column) {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "the cursor in column {column} of:\n{screen}");
        }
    }

    pub fn screen(&self) -> String {
        let output = self.tmux(&["capture-pane", "-p"]);
        String::from_utf8(output.stdout).expect("a screen is UTF-8")
    }

    fn tmux(&self, arguments: &[&str]) -> Output {
        let output = self.command().args(arguments).output().expect("tmux is installed");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "tmux {arguments:?}: {errors}");
        output
    }

    fn command(&self) -> Command {
        let mut command = Command::new("tmux");
        command.arg("-S").arg(self.directory.path().join("socket")).env_remove("TMUX");
        command.env("LC_ALL", "C.UTF-8");
        // Programs that keep settings find none here, and leave them nowhere else.
        command.env("HOME", self.directory.path());
        command.env("PATH", search_path());
        command
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may not have started.
        let _ = self.command().arg("kill-server").output();
    }
}
