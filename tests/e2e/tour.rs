//! An evening of chat, and the screens of it that docs/tour.md shows.
//!
//! `ROOMCAST_TOUR=write` writes the screens into the page instead of comparing them.

use std::env;
use std::fs;
use std::ops::Range;
use std::time::{Duration, Instant, SystemTime};

use rusqlite::Connection;
use rustix::process::Signal;
use tempfile::TempDir;
use vt100::Screen;

use crate::harness::{Client, PATIENCE, Program, Terminal, lacks};
use crate::source::{document, root};

const PAGE: &str = "docs/tour.md";
const ROWS: u16 = 24;

/// Two days before the evening.
const EARLIER: Duration = Duration::from_secs(2 * 24 * 60 * 60);

/// What is other in each run, and what the page has in its place.
const TIMES: [&str; 2] = ["2026-11-18 20:15", "2026-11-20 20:15"];
const DATES: [&str; 2] = ["*** Wednesday, 18 November 2026", "*** Friday, 20 November 2026"];
const RUN: &str = "k3f9";
const FACES: &str = "3 + 5 = 8";

/// The page, and which of its screens have been seen.
struct Page {
    text: String,
    seen: Vec<String>,
    is_written: bool,
}

impl Page {
    fn read() -> Page {
        let is_written = env::var("ROOMCAST_TOUR").is_ok_and(|mode| mode == "write");
        Page { text: document(PAGE), seen: Vec::new(), is_written }
    }

    /// The block of this name as it is in the page: where it begins, and what is in it.
    fn block(&self, name: &str) -> (usize, &str) {
        let fence = format!("```screen {name}\n");
        let at = self.text.find(&fence).unwrap_or_else(|| panic!("{PAGE} has no screen {name}"));
        let start = at + fence.len();
        let length = self.text[start..].find("```").expect("a block ends");
        (start, &self.text[start..start + length])
    }

    /// The terminal shows what the page does, from the last row on that begins with `from`; it is
    /// complete when the row of the cursor is `last`.
    #[track_caller]
    fn shows(&mut self, name: &str, terminal: &Terminal, from: &str, last: &str) {
        let (start, expected) = self.block(name);
        let begin = Instant::now();
        loop {
            let screen = terminal.agreed_screen();
            let shown = screen.filter(|screen| cursor_row(screen) == last);
            let shown = shown.and_then(|screen| picture(&screen, from));
            match shown {
                Some(shown) if self.is_written => {
                    let end = start + expected.len();
                    self.text.replace_range(start..end, &shown);
                    break;
                }
                Some(shown) if shown == expected => break,
                _ => {}
            }
            assert!(
                begin.elapsed() < PATIENCE,
                "{name}: the page has\n{expected}\nand the screen is\n{}",
                terminal.screen()
            );
        }
        self.seen.push(name.to_owned());
    }

    /// Each screen of the page was seen, in its order.
    fn end(self) {
        let names = self.text.split("```screen ").skip(1);
        let names: Vec<_> = names.map(|rest| rest.lines().next().expect("a name")).collect();
        assert_eq!(self.seen, names, "the screens that were seen, and those of {PAGE}");
        if self.is_written {
            fs::write(root().join(PAGE), self.text).expect("the page can be written");
        }
    }
}

fn row(screen: &Screen, row: u16) -> String {
    let rows = screen.rows(0, screen.size().1);
    rows.skip(row.into()).map(|row| row.trim_end().to_owned()).next().expect("a row of the screen")
}

fn cursor_row(screen: &Screen) -> String {
    row(screen, screen.cursor_position().0)
}

/// What is on a screen, from the last row on that begins with `from`. The cursor is a block at the
/// end of a row; elsewhere `^` is below it, and `=` below what is bold.
fn picture(screen: &Screen, from: &str) -> Option<String> {
    let (cursor, column) = screen.cursor_position();
    let start = (0..=cursor).rev().find(|&at| row(screen, at).starts_with(from))?;
    let mut picture = String::new();
    let (mut dates, today) = (0, today(screen));
    for at in start..=cursor {
        let text = row(screen, at);
        let is_at_end = at == cursor && usize::from(column) >= text.chars().count();
        let text = match is_at_end {
            true => format!("{text:width$}█", width = column.into()),
            false => with_fixed_dates(&with_fixed_words(&text, &today), &mut dates),
        };
        let marks = (0..screen.size().1).map(|column| {
            let is_bold = screen.cell(at, column).is_some_and(|cell| cell.bold());
            let is_cursor = (at, column) == screen.cursor_position() && !is_at_end;
            if is_cursor {
                '^'
            } else if is_bold {
                '='
            } else {
                ' '
            }
        });
        let marks: String = marks.collect();
        for line in [text.as_str(), marks.trim_end()] {
            // A row without marks has no second line.
            if !line.is_empty() {
                picture += &format!("{line}\n");
            }
        }
    }
    Some(picture)
}

/// Where a row has a day with a time, like those of the page.
fn times(row: &str) -> Vec<Range<usize>> {
    let shape = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "0");
    let all = (0..row.len()).map(|start| start..start + TIMES[0].len());
    all.filter(|at| row.get(at.clone()).is_some_and(|it| shape(it) == shape(TIMES[0]))).collect()
}

/// The newest day on a screen.
fn today(screen: &Screen) -> String {
    let rows = screen.rows(0, screen.size().1);
    let days = rows.flat_map(|row| {
        times(&row).into_iter().map(move |at| row[at][..10].to_owned()).collect::<Vec<_>>()
    });
    days.max().unwrap_or_default()
}

/// A row with the times, the run and the dice of the page.
fn with_fixed_words(row: &str, today: &str) -> String {
    let mut row = row.to_owned();
    for at in times(&row) {
        let is_today = row[at.clone()][..10] == *today;
        row.replace_range(at, TIMES[usize::from(is_today)]);
    }
    if let Some(at) = row.find("/resume ").and_then(|at| Some(at + row[at..].find('@')? + 1)) {
        row.replace_range(at..at + RUN.len(), RUN);
    }
    match row.split_once(" rolls 2d6: ") {
        Some((name, _)) => format!("{name} rolls 2d6: {FACES}"),
        None => row,
    }
}

/// A row with the next date of the page if it is one.
fn with_fixed_dates(row: &str, dates: &mut usize) -> String {
    if !row.starts_with("*** ") || !row.contains("day, ") {
        return row.to_owned();
    }
    let date = DATES.get(*dates).expect("lines of two days");
    *dates += 1;
    date.to_string()
}

/// A zone in which it is evening now, so that no day ends meanwhile.
fn zone() -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is later");
    let hour = now.as_secs() / 3600 % 24;
    // POSIX counts hours west of Greenwich.
    let west = hour as i64 - 20;
    format!("EVE{}", if west < -12 { west + 24 } else { west })
}

/// The room of the evening.
struct Evening {
    directory: TempDir,
    program: Program,
}

impl Evening {
    fn start(directory: TempDir) -> Evening {
        let data = directory.path().join("data");
        let data = data.to_str().expect("a plain path");
        let operators = root().join("tests/e2e/example.operator");
        let operators = operators.to_str().expect("a plain path");
        let options = ["--data", data, "--operator-file", operators];
        // Who is silent is never announced here: a moment for that would be another in each run.
        let options = [&options[..], &["--presence-interval", "3600", "--no-web"]].concat();
        let addresses = ["telnet:127.0.0.1:0", "127.0.0.1:0"];
        Evening { directory, program: Program::in_zone(&zone(), &addresses, &options) }
    }

    /// The same room two days later.
    fn after_two_days(mut self) -> Evening {
        self.program.signal(Signal::TERM);
        assert_eq!(self.program.exit_code(), 0);
        let database = Connection::open(self.directory.path().join("data/roomcast.db"));
        let earlier = "UPDATE lines SET time = (SELECT max(time) FROM lines) - ?1";
        let seconds = EARLIER.as_secs() as i64;
        database.expect("it opens").execute(earlier, [seconds]).expect("lines have times");
        Self::start(self.directory)
    }

    fn telnet(&self, columns: u16) -> Terminal {
        let port = self.program.port();
        // When telnet has ended, tmux writes nothing of its own as long as something runs.
        Terminal::sized(&format!("telnet 127.0.0.1 {port}; cat"), columns, ROWS)
    }

    fn nc(&self) -> Terminal {
        let address = self.program.addresses()[1].as_socket().expect("it is TCP");
        Terminal::sized(&format!("nc 127.0.0.1 {}", address.port()), 80, ROWS)
    }

    /// Somebody who speaks at once, and reads nothing.
    fn passer_by(&self, name: &str) -> Client {
        let mut client = Client::connect(&self.program.addresses()[1]);
        client.say(format!("/nick {name}"));
        client.hears(format!("*** you are now {name}"));
        client
    }
}

/// What was said on another evening.
fn evening_before() -> Evening {
    let evening = Evening::start(tempfile::tempdir().expect("a directory"));
    let mut bob = evening.passer_by("bob");
    let mut eve = evening.passer_by("eve");
    bob.say("/topic Friday at eight");
    bob.reads_to("*** bob set the topic: Friday at eight\n");
    bob.say("pizza or soup on Friday?");
    eve.reads_to("<bob> pizza or soup on Friday?\n");
    eve.say("pizza!");
    bob.reads_to("<eve> pizza!\n");
    bob.say("/me books a table");
    eve.reads_to("* bob books a table\n");
    evening.after_two_days()
}

/// Who is there, each in a terminal.
struct People {
    ann: Terminal,
    bob: Terminal,
    eve: Terminal,
}

impl People {
    /// They come one after the other.
    fn come(evening: &Evening, page: &mut Page) -> People {
        let bob = evening.nc();
        shows(&bob, "*** Friday, 20 November 2026");
        bob.types("/nick bob");
        shows(&bob, "*** you are now bob");
        let ann = evening.telnet(80);
        page.shows("coming-in", &ann, "Trying", ">");
        ann.types("/nick ann");
        shows(&ann, "*** you are now ann");
        let eve = evening.telnet(40);
        eve.agrees(|screen| cursor_row(screen) == ">");
        eve.types("/nick eve");
        shows(&eve, "*** you are now eve");
        People { ann, bob, eve }
    }
}

/// Waits until a row of the screen is this one.
#[track_caller]
fn shows(terminal: &Terminal, text: &str) {
    terminal.agrees(|screen| {
        screen.rows(0, screen.size().1).any(|row| with_fixed_dates(row.trim_end(), &mut 1) == text)
    });
}

/// A line is begun, left whole by what comes in, completed and corrected.
fn edit(people: &People, page: &mut Page) {
    let People { ann, bob, .. } = people;
    ann.sends("b\tshall we order piza");
    ann.agrees(|screen| cursor_row(screen).ends_with("piza"));
    bob.types("anybody here?");
    page.shows("half-typed", ann, "> /nick", "> bob: shall we order piza");
    ann.presses("Left");
    ann.sends("z");
    page.shows("corrected", ann, "> bob", "> bob: shall we order pizza");
    ann.presses("Enter");
    shows(bob, "<ann> bob: shall we order pizza");
}

/// The same line in a wide and in a narrow window.
fn wrap(people: &People, page: &mut Page) {
    let People { ann, bob, eve } = people;
    let line = "The place at the harbour has a new oven, and they say that it is worth the walk.";
    bob.types(line);
    page.shows("wide", ann, "> bob", ">");
    page.shows("narrow", eve, "> /nick", ">");
    // What nc shows is what its terminal makes of it.
    page.shows("nc", bob, "/nick bob", "");
}

/// Several lines are pasted.
fn paste_lines(people: &People, page: &mut Page) {
    let People { ann, .. } = people;
    ann.pastes("Harbour Street 12\nby the blue gate\n");
    page.shows("paste-short", ann, "> Harbour", "> Harbour Street 12¶by the blue gate");
    ann.presses("C-u");
    ann.agrees(|screen| cursor_row(screen) == ">");
    ann.pastes("tomatoes\nflour\nyeast\nolives\nbasil\n");
    page.shows("paste", ann, "> send", "> send 5 lines? y/n");
    ann.presses("n");
    ann.agrees(|screen| cursor_row(screen) == ">");
}

fn search(people: &People, page: &mut Page) {
    let People { ann, .. } = people;
    ann.presses("C-r");
    ann.sends("piz");
    page.shows("search", ann, "> search", "> search piz: bob: shall we order pizza");
    ann.presses("C-g");
    ann.agrees(|screen| cursor_row(screen) == ">");
}

fn look_around(people: &People, page: &mut Page) {
    let People { ann, bob, eve } = people;
    eve.types("/away fetching wine");
    shows(eve, "*** you are away, until you say");
    ann.types("/who");
    page.shows("who", ann, "> /who", ">");
    bob.types("Ann, can you bring plates?");
    shows(ann, "<bob> Ann, can you bring plates?");
    ann.types("/mentions");
    page.shows("mentions", ann, "<bob> Ann", ">");
    ann.types("/last bob");
    page.shows("last", ann, "> /last", ">");
}

fn own_a_name(people: &People, page: &mut Page) {
    let People { ann, .. } = people;
    ann.types("/register two-green-bottles");
    ann.agrees(|screen| screen.contents().contains("is registered to you"));
    page.shows("register", ann, "> /register", ">");
}

fn play(people: &People, page: &mut Page) {
    let People { ann, .. } = people;
    ann.types("/roll 2d6");
    ann.agrees(|screen| screen.contents().contains(" rolls 2d6: "));
    ann.types("/help roll");
    page.shows("roll", ann, "> /roll", ">");
}

/// Somebody sends what nobody wants to read, and ann is an operator.
#[must_use = "she stays"]
fn keep_order(evening: &Evening, people: &People, page: &mut Page) -> Client {
    let People { ann, eve, .. } = people;
    ann.types("/op a longer secret");
    ann.agrees(|screen| screen.contents().contains("you are now an operator"));
    let mut mallory = evening.passer_by("mallory");
    mallory.say("CHEAP WATCHES");
    mallory.say("CHEAP WATCHES");
    shows(eve, "<mallory> CHEAP WATCHES");
    eve.types("/report mallory she sends ads");
    ann.agrees(|screen| screen.contents().contains("eve reports mallory"));
    for (command, answer) in
        [("/slow 10s", "turned on slow mode"), ("/clear 3", "from the history")]
    {
        ann.types(command);
        ann.agrees(|screen| screen.contents().contains(answer));
    }
    page.shows("operator", ann, "> /op", ">");
    mallory
}

fn leave(people: &People, page: &mut Page) {
    people.ann.types("/quit good night");
    people.ann.agrees(|screen| screen.contents().contains("Connection closed"));
    page.shows("leaving", &people.ann, "> /quit", "");
}

#[test]
fn the_tour_is_what_happens() {
    if lacks(&["telnet", "nc", "tmux"]) {
        return;
    }
    let mut page = Page::read();
    let evening = evening_before();
    let people = People::come(&evening, &mut page);
    edit(&people, &mut page);
    wrap(&people, &mut page);
    paste_lines(&people, &mut page);
    search(&people, &mut page);
    look_around(&people, &mut page);
    own_a_name(&people, &mut page);
    play(&people, &mut page);
    let _mallory = keep_order(&evening, &people, &mut page);
    leave(&people, &mut page);
    page.end();
}
