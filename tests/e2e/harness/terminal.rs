//! A terminal that a test types into and reads from: tmux.

use std::process::{Command, Output};
use std::time::Instant;

use tempfile::TempDir;

use super::client::PATIENCE;

/// A tmux server of its own, with one window in which a command runs.
pub struct Terminal {
    directory: TempDir,
}

impl Terminal {
    pub fn run(command: &str) -> Terminal {
        Self::with_columns(command, 120)
    }

    pub fn with_columns(command: &str, columns: u16) -> Terminal {
        let columns = columns.to_string();
        let terminal = Terminal { directory: tempfile::tempdir().expect("a directory") };
        let settings = terminal.directory.path().join("settings");
        // What a command said last can still be read after its end.
        std::fs::write(&settings, "set -g remain-on-exit on").expect("an empty directory");
        let settings = settings.to_str().expect("a plain path");
        terminal.tmux(&["-f", settings, "new-session", "-d", "-x", &columns, "-y", "40", command]);
        terminal
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
        command
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may not have started.
        let _ = self.command().arg("kill-server").output();
    }
}
