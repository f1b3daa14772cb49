//! What the program prints first: where it listens and how to join, for programs a line each,
//! and on a terminal with a code that phones read.

use std::env;
use std::io::{self, IsTerminal};

use qrcode::{Color, EcLevel, QrCode};
use roomcast::net::Listener;
use rustix::termios::tcgetwinsize;
use unicode_width::UnicodeWidthStr;

use crate::joining::Place;

/// Light modules around a code, which readers need (ISO/IEC 18004, section 5.3.8).
const QUIET_ZONE: usize = 4;

/// Black on white of the 256 colors, which themes leave alone.
const BLACK_ON_WHITE: &str = "\x1b[38;5;16;48;5;231m";
const DEFAULT_COLORS: &str = "\x1b[0m";

/// Commands that are shown without `-v`: with the rest of the text twelve lines.
const COMMANDS_MAX: usize = 7;

/// Columns between the code and the text.
const GAP: usize = 3;

/// What is to be told.
#[derive(Debug)]
pub struct FirstScreen<'a> {
    pub listeners: &'a [Listener],
    pub places: Vec<Place>,
    /// What people call the room.
    pub name: Option<&'a str>,
    /// Why it isn't announced on the LAN, if it should be.
    pub not_announced: Option<&'static str>,
    /// That of a self-signed certificate.
    pub fingerprint: Option<&'a str>,
    /// The password of the room. It is shown on a terminal, and nowhere else.
    pub password: Option<String>,
    /// All commands are wanted.
    pub is_verbose: bool,
}

impl FirstScreen<'_> {
    /// The text for standard output, whatever that is.
    pub fn text(&self) -> String {
        let stdout = io::stdout();
        let mut text = String::new();
        for listener in self.listeners {
            text += &format!("listening on {listener}\n");
        }
        match tcgetwinsize(&stdout).ok().filter(|_| stdout.is_terminal()) {
            Some(size) => text += &self.for_people(size.ws_col.into(), can_show_code()),
            None => text += &self.for_programs(),
        }
        if let Some(fingerprint) = self.fingerprint {
            text += &format!("TLS certificate (SHA-256): {fingerprint}\n");
        }
        text
    }

    fn for_programs(&self) -> String {
        let lines = self.places.iter().map(|place| place.commands().join("   or: "));
        lines.map(|commands| format!("join with: {commands}\n")).collect()
    }

    /// A block of text, with a code beside it where that has place.
    fn for_people(&self, columns: usize, can_show_code: bool) -> String {
        let mut lines = Vec::new();
        lines.extend(self.name.map(str::to_owned));
        if let Some(why) = self.not_announced {
            lines.extend(["not announced on the LAN:".to_owned(), format!("  {why}")]);
        }
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.push("join with:".to_owned());
        let commands: Vec<_> = self.places.iter().flat_map(Place::commands).collect();
        let is_cut = !self.is_verbose && commands.len() > COMMANDS_MAX;
        let shown = if is_cut { COMMANDS_MAX - 1 } else { commands.len() };
        lines.extend(commands[..shown].iter().map(|it| format!("  {}", self.with_password(it))));
        if is_cut {
            lines.push(format!("  and {} more, which -v shows", commands.len() - shown));
        }
        lines.extend([String::new(), "Ctrl-C ends the room.".to_owned()]);
        let width = lines.iter().map(|line| line.width()).max().unwrap_or_default();
        let code = self.link().filter(|_| can_show_code).and_then(|link| Code::new(&link));
        match code.filter(|code| code.width + GAP + width <= columns) {
            Some(code) => code.beside(&lines),
            None => lines.join("\n") + "\n",
        }
    }

    /// The page for phones: they can't reach this machine by its own address.
    fn link(&self) -> Option<String> {
        let mut pages = self.places.iter().filter(|place| place.is_for_others());
        pages.find_map(Place::page).map(|page| self.with_password(&page))
    }

    /// The page takes the password from the fragment, which is sent to no server.
    fn with_password(&self, command: &str) -> String {
        match &self.password {
            Some(password) if command.starts_with("http") => {
                let mut fragment = form_urlencoded::Serializer::new(String::new());
                let fragment = fragment.append_pair("password", password).finish();
                format!("{command}#{fragment}")
            }
            _ => command.to_owned(),
        }
    }
}

/// Whether this terminal has the characters and colors of a code: one that isn't dark on light
/// isn't read by all phones.
fn can_show_code() -> bool {
    let value = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(value).unwrap_or_default();
    let locale = locale.to_lowercase();
    let is_utf8 = locale.contains("utf-8") || locale.contains("utf8");
    is_utf8 && value("NO_COLOR").is_none() && value("TERM").is_some_and(|term| term != "dumb")
}

/// A QR code of half blocks, two modules in each character.
struct Code {
    rows: Vec<String>,
    /// In columns.
    width: usize,
}

impl Code {
    /// `None` if the text is too long for one.
    fn new(text: &str) -> Option<Code> {
        let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
        let width = code.width() + 2 * QUIET_ZONE;
        let is_dark = |x: usize, y: usize| {
            let inside = QUIET_ZONE..QUIET_ZONE + code.width();
            inside.contains(&x)
                && inside.contains(&y)
                && code[(x - QUIET_ZONE, y - QUIET_ZONE)] == Color::Dark
        };
        let half_blocks = |x, y| match (is_dark(x, y), is_dark(x, y + 1)) {
            (true, true) => '█',
            (true, false) => '▀',
            (false, true) => '▄',
            (false, false) => ' ',
        };
        let row = |y| (0..width).map(|x| half_blocks(x, y)).collect();
        Some(Code { rows: (0..width).step_by(2).map(row).collect(), width })
    }

    /// The code, and the lines at its right side.
    fn beside(&self, lines: &[String]) -> String {
        let before = self.rows.len().saturating_sub(lines.len()) / 2;
        let mut text = String::new();
        for at in 0..self.rows.len().max(before + lines.len()) {
            text += &match self.rows.get(at) {
                Some(row) => format!("{BLACK_ON_WHITE}{row}{DEFAULT_COLORS}"),
                None => " ".repeat(self.width),
            };
            let line = at.checked_sub(before).and_then(|at| lines.get(at));
            if let Some(line) = line.filter(|line| !line.is_empty()) {
                text += &format!("{:GAP$}{line}", "");
            }
            text.push('\n');
        }
        text
    }
}
