//! Each program that people come with, in a terminal of 80 and of 40 columns, as two
//! terminals show it: tmux, and vt100 from the same bytes.

use vt100::Screen;

use crate::harness::{Client, Host, Program, Terminal, lacks};

/// Who edits what is typed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Editor {
    /// The server, without being asked.
    Server,
    /// The server, after `/edit`.
    ServerIfAsked,
    /// The program itself, on a row of its own.
    Itself,
    /// The system: it knows Backspace, and no key that moves.
    System,
    /// Nobody shows what is typed; the server heeds Backspace.
    Nobody,
}

/// A program, and what its user can expect.
struct Way {
    tool: &'static str,
    /// How it is started; PORT stands for the port.
    command: &'static str,
    editor: Editor,
    /// How `/edit` is typed there, and what is said to it where the server can't edit.
    edit: &'static str,
    answer: &'static str,
    /// What ends a line.
    enter: &'static str,
}

impl Way {
    const PLAIN: Way = Way {
        tool: "",
        command: "",
        editor: Editor::System,
        edit: "/edit",
        answer: "",
        enter: "Enter",
    };

    fn is_edited_by_server(&self) -> bool {
        matches!(self.editor, Editor::Server | Editor::ServerIfAsked)
    }
}

const DECLINED: &str = "your program doesn't let the server edit your line";
const UNANSWERED: &str = "your program doesn't answer telnet options, so the server can't edit";
const LONG: &str =
    "The quick brown fox jumps over the lazy dog, and the dog goes on sleeping in the sun.";

/// One who has come with such a program, and bob.
struct Visit<'a> {
    way: &'a Way,
    columns: u16,
    terminal: Terminal,
    bob: Client,
    _program: Program,
}

/// What is on a screen without spaces, however it is broken into rows.
fn flat(text: &str) -> String {
    text.split_whitespace().collect()
}

/// The rows of a screen down to the last that isn't empty.
fn rows(screen: &Screen) -> Vec<String> {
    let rows = screen.rows(0, screen.size().1);
    let mut rows: Vec<_> = rows.map(|row| row.trim_end().to_owned()).collect();
    while rows.last().is_some_and(String::is_empty) {
        rows.pop();
    }
    rows
}

impl Visit<'_> {
    fn begin(way: &Way, columns: u16) -> Visit<'_> {
        let program = Program::start(&[]);
        let [mut bob] = program.guests();
        let command = way.command.replace("PORT", &program.port().to_string());
        let terminal = Terminal::sized(&command, columns, 24);
        bob.hears("*** guest2 joined");
        let visit = Visit { way, columns, terminal, bob, _program: program };
        visit.shows("*** welcome, guest2: just type, or try /help");
        visit.shows("*** 2 here: guest1, guest2");
        visit
    }

    /// Waits until the screen shows this, however it is broken into rows.
    #[track_caller]
    fn shows(&self, text: &str) {
        let text = flat(text);
        self.terminal.agrees(|screen| rows(screen).concat().replace(' ', "").contains(&text));
    }

    /// Waits until the screen ends with these rows, the cursor in this column of the last.
    #[track_caller]
    fn ends_with(&self, expected: &[&str], column: u16) {
        self.terminal.agrees(|screen| {
            let rows = rows(screen);
            let (row, at) = screen.cursor_position();
            let is_at_end = usize::from(row) + 1 == rows.len() && at == column;
            is_at_end
                && rows.ends_with(&expected.iter().map(|row| row.to_string()).collect::<Vec<_>>())
        });
    }

    /// The server edits from here on, if it can.
    fn begins_to_edit(&self) {
        if self.way.editor == Editor::ServerIfAsked {
            self.terminal.types(self.way.edit);
        }
        if self.way.is_edited_by_server() {
            self.ends_with(&[">"], 2);
        }
    }

    /// A line is typed wrong and corrected, while bob says something.
    fn corrects_a_line(&mut self) {
        self.terminal.sends("helo");
        self.terminal.presses("BSpace");
        self.terminal.sends("lo");
        let mut said = "hello";
        if !matches!(self.way.editor, Editor::System | Editor::Nobody) {
            for _ in 0..said.len() {
                self.terminal.presses("Left");
            }
            self.terminal.sends("oh ");
            said = "oh hello";
        }
        self.bob.say("meanwhile");
        self.shows("<guest1> meanwhile");
        if self.way.is_edited_by_server() {
            self.ends_with(&["<guest1> meanwhile", "> oh hello"], 5);
        }
        self.terminal.presses(self.way.enter);
        self.bob.hears(format!("<guest2> {said}"));
    }

    /// A long line of bob's is there as a whole.
    fn reads_a_long_line(&mut self) {
        self.bob.say(LONG);
        match (self.way.editor, self.columns) {
            (Editor::Server | Editor::ServerIfAsked, 40) => self.ends_with(
                &[
                    "> oh hello",
                    "<guest1> The quick brown fox jumps over",
                    "         the lazy dog, and the dog goes",
                    "         on sleeping in the sun.",
                    ">",
                ],
                2,
            ),
            (Editor::Server | Editor::ServerIfAsked, _) => self.ends_with(
                &[
                    "> oh hello",
                    "<guest1> The quick brown fox jumps over the lazy dog, and the dog goes on",
                    "         sleeping in the sun.",
                    ">",
                ],
                2,
            ),
            (Editor::Itself, _) => self.has_whole_words(),
            _ => self.shows(LONG),
        }
    }

    /// A program that edits itself wraps itself too: each word is in one row.
    fn has_whole_words(&self) {
        self.shows(LONG);
        let shown = self.terminal.screen();
        for word in LONG.split(' ') {
            assert!(shown.contains(word), "{word:?} is broken:\n{shown}");
        }
    }

    /// Whoever can't be edited is told so, and can go on.
    fn is_told_the_truth(&mut self) {
        if self.way.is_edited_by_server() {
            return;
        }
        self.terminal.sends(self.way.edit);
        self.terminal.presses(self.way.enter);
        // Terminals differ in what they show of the question to a program that doesn't answer.
        self.terminal.comes_to(|screen, _| flat(screen).contains(&flat(self.way.answer)));
        self.terminal.sends("still here");
        self.terminal.presses(self.way.enter);
        self.bob.hears("<guest2> still here");
    }
}

/// What somebody does who comes with such a program.
fn check(way: &Way) {
    if lacks(&[way.tool, "tmux"]) {
        return;
    }
    for columns in [80, 40] {
        let mut visit = Visit::begin(way, columns);
        visit.begins_to_edit();
        visit.corrects_a_line();
        visit.reads_a_long_line();
        visit.is_told_the_truth();
    }
}

#[test]
fn telnet_shows_what_is_said() {
    check(&Way {
        tool: "telnet",
        command: "telnet 127.0.0.1 PORT",
        editor: Editor::ServerIfAsked,
        ..Way::PLAIN
    });
}

#[test]
fn busybox_telnet_shows_what_is_said() {
    check(&Way {
        tool: "busybox",
        command: "busybox telnet 127.0.0.1 PORT",
        editor: Editor::ServerIfAsked,
        ..Way::PLAIN
    });
}

#[test]
fn plink_shows_what_is_said() {
    check(&Way {
        tool: "plink",
        command: "plink -telnet -P PORT 127.0.0.1",
        editor: Editor::Server,
        ..Way::PLAIN
    });
}

#[test]
fn tintin_shows_what_is_said() {
    check(&Way {
        tool: "tt++",
        command: "tt++ -G -e '#session room 127.0.0.1 PORT'",
        editor: Editor::Itself,
        answer: DECLINED,
        ..Way::PLAIN
    });
}

/// It takes a line with a slash for a command of its own; `/send` sends one.
#[test]
fn tinyfugue_shows_what_is_said() {
    check(&Way {
        tool: "tf",
        command: "tf -f/dev/null 127.0.0.1 PORT",
        editor: Editor::Itself,
        edit: "/send /edit",
        answer: DECLINED,
        ..Way::PLAIN
    });
}

#[test]
fn ncat_shows_what_is_said() {
    check(&Way { tool: "ncat", command: "ncat -t 127.0.0.1 PORT", answer: DECLINED, ..Way::PLAIN });
}

#[test]
fn nc_shows_what_is_said() {
    check(&Way { tool: "nc", command: "nc 127.0.0.1 PORT", answer: UNANSWERED, ..Way::PLAIN });
}

/// Its Enter is a CR, which ends no line of a client that doesn't speak telnet; Ctrl-J does.
#[test]
fn socat_on_a_raw_terminal_shows_what_is_said() {
    check(&Way {
        tool: "socat",
        command: "socat -,raw,echo=0 TCP:127.0.0.1:PORT",
        editor: Editor::Nobody,
        answer: UNANSWERED,
        enter: "C-j",
        ..Way::PLAIN
    });
}
