//! What is in a line.

use std::time::Duration;

use crate::crowd::{Crowd, Id, PATIENCE, show};
use crate::fault::{FAST, Fault, PLAIN};
use crate::server::{Server, Setup};
use crate::verdict::{Judged, check, leaked, lied};

pub fn faults() -> Vec<Fault> {
    vec![
        Fault::new("A line holds a lone CR", &[11], PLAIN, lone_cr),
        Fault::new("A line holds UTF-8", &[12], PLAIN, utf8),
        Fault::new("A line holds invalid UTF-8", &[], PLAIN, invalid_utf8),
        Fault::new("A line holds escape sequences and control characters", &[11], PLAIN, controls),
        Fault::new("A line holds line separators of Unicode", &[12], PLAIN, separators),
        Fault::new("A line changes the direction of text", &[12], PLAIN, directions),
        Fault::new("A letter has 1,000 combining marks", &[12], PLAIN, marks),
        Fault::new("A client sends text that is hard to clean", &[10], FAST, hard_text),
        Fault::new(
            "A line changes its direction 175,000 times",
            &[10],
            LONG_LINES,
            deep_directions,
        ),
        Fault::new("A notice stands behind a gap of a row", &[13], PLAIN, gap),
    ]
}

/// A line may have a megabyte.
const LONG_LINES: Setup = Setup {
    options: &["--max-line", "1048576", "--backlog", "16777216", "--rate", "0"],
    descriptors: None,
};

/// A client that says things, and a client that hears them.
struct Pair<'a> {
    crowd: Crowd<'a>,
    ann: Id,
    bob: Id,
    /// What comes before ann's texts.
    prefix: Vec<u8>,
}

impl Pair<'_> {
    fn join(server: &Server) -> Judged<Pair<'_>> {
        let mut crowd = Crowd::new(server);
        let [ann, bob] = crowd.guests()?;
        let prefix = crowd.prefix(ann, bob)?;
        Ok(Pair { crowd, ann, bob, prefix })
    }

    /// What bob gets of a text: the part of the line behind the prefix, and
    /// without the token.
    fn relay(&mut self, text: &[u8]) -> Judged<Vec<u8>> {
        let token = self.crowd.token();
        self.crowd.say(self.ann, [text, token.as_bytes()].concat());
        let line = self.crowd.line(self.bob, &token)?;
        let text = line.strip_prefix(&self.prefix[..]);
        let text = text.and_then(|text| text.strip_suffix(token.as_bytes()));
        Ok(text.ok_or_else(|| lied(format!("came as {}", show(&line))))?.to_vec())
    }

    fn relay_text(&mut self, text: &str) -> Judged<String> {
        let relayed = self.relay(text.as_bytes())?;
        String::from_utf8(relayed).map_err(|error| lied(show(error.as_bytes())))
    }
}

/// A terminal would write what follows over the prefix.
fn lone_cr(server: &Server) -> Judged {
    let relayed = Pair::join(server)?.relay(b"hidden\r<admin> ")?;
    check(!relayed.contains(&b'\r'), || lied(format!("came as {}", show(&relayed))))?;
    Ok(String::new())
}

fn utf8(server: &Server) -> Judged {
    let text = "Grüße, привет, שלום, مرحبا, नमस्ते, 日本語, 한국어, ภาษาไทย, 👩\u{200d}🚀 €→∀";
    let relayed = Pair::join(server)?.relay_text(text)?;
    check(relayed == text, || lied(format!("came as {}", show(relayed.as_bytes()))))?;
    Ok(String::new())
}

/// Whatever it becomes, it ends nothing, and those who get it get UTF-8.
fn invalid_utf8(server: &Server) -> Judged {
    let texts: [&[u8]; 6] = [
        b"na\xefve",
        b"\xc3(",
        b"\xfe\xff ",
        b"\xed\xa0\x80",
        b"\xf0\x9f\x92",
        b"\xc0\xaf\xf8\x88\x80\x80\x80",
    ];
    let mut pair = Pair::join(server)?;
    for text in texts {
        let relayed = pair.relay(text)?;
        let is_text = std::str::from_utf8(&relayed).is_ok();
        check(is_text, || lied(format!("came as {}", show(&relayed))))?;
    }
    Ok(String::new())
}

fn controls(server: &Server) -> Judged {
    let texts: [&[u8]; 8] = [
        b"\x1b[2J\x1b[H\x1b[31m",
        b"\x1b]0;title\x07",
        b"\x1b]52;c;aGk=\x1b\\",
        b"\x1bP$qm\x1b\\\x1b_x\x1b\\",
        b"abc\x08\x08\x08\x7f\x7f",
        b"\x01\x02\x05\x07\x0b\x0c\x0e\x0f\x18\x1a\x1c\x1f",
        b"\xc2\x9b31m\xc2\x9d0;title\xc2\x9c\xc2\x90q\xc2\x9c",
        b"\x9b31m",
    ];
    let mut pair = Pair::join(server)?;
    for text in texts {
        let relayed = pair.relay(text)?;
        let shown = String::from_utf8_lossy(&relayed);
        // A byte of C1 that isn't UTF-8 is a control to some terminals.
        let has_bytes = std::str::from_utf8(&relayed).is_err();
        let is_clean = !has_bytes && !shown.chars().any(|c| c.is_control() && c != '\t');
        check(is_clean, || lied(format!("came as {}", show(&relayed))))?;
    }
    Ok(String::new())
}

fn separators(server: &Server) -> Judged {
    let mut pair = Pair::join(server)?;
    for separator in ['\u{2028}', '\u{2029}', '\u{85}', '\x0b', '\x0c'] {
        let relayed = pair.relay_text(&format!("a{separator}b"))?;
        let is_one = !relayed.contains(separator);
        check(is_one, || lied(format!("came as {}", show(relayed.as_bytes()))))?;
    }
    Ok(String::new())
}

/// Directions that are begun in a line end with it; else they would turn the
/// rest of what a terminal shows.
fn directions(server: &Server) -> Judged {
    let mut pair = Pair::join(server)?;
    for c in ['\u{202a}', '\u{202b}', '\u{202d}', '\u{202e}'] {
        check_ends(&mut pair, c, '\u{202c}')?;
    }
    for c in ['\u{2066}', '\u{2067}', '\u{2068}'] {
        check_ends(&mut pair, c, '\u{2069}')?;
    }
    Ok(String::new())
}

/// The token comes before the end that the server may put there.
fn check_ends(pair: &mut Pair, begin: char, end: char) -> Judged<()> {
    let token = pair.crowd.token();
    pair.crowd.say(pair.ann, format!("{begin}gpj.exe {token}"));
    let line = pair.crowd.line(pair.bob, &token)?;
    let line = String::from_utf8_lossy(&line);
    let count = |wanted| line.chars().filter(|&c| c == wanted).count();
    let is_even = count(begin) <= count(end);
    check(is_even, || lied(format!("U+{:04X} has no end", u32::from(begin))))
}

fn marks(server: &Server) -> Judged {
    const MARK: char = '\u{301}';
    const MARKS_MAX: usize = 32;
    let text = format!("e{}", MARK.to_string().repeat(1000));
    let relayed = Pair::join(server)?.relay_text(&text)?;
    let marks = relayed.chars().filter(|&c| c == MARK).count();
    check(marks <= MARKS_MAX, || lied(format!("{marks} marks came")))?;
    Ok(format!("{marks} marks came"))
}

/// Whatever a line is made of, the work for it grows with its bytes.
fn hard_text(server: &Server) -> Judged {
    const LINE_BYTES: usize = 4000;
    const LINES: usize = 250;
    // Work that grows with the square of a line's length takes far more, and
    // a program that isn't optimized takes less.
    const TIME_MAX: Duration = Duration::from_millis(1500);
    let parts = [
        "\x1b[",
        "\x1b]0;",
        "\u{202e}",
        "\u{2066}\u{2069}",
        "e\u{301}",
        "\u{200d}\u{1f469}",
        "\u{fdfa}",
        "\u{1f1e6}",
        "\u{e0061}",
        "\r",
    ];
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    let (mut worst, mut worst_part) = (Duration::ZERO, "");
    for part in parts {
        let before = server.cpu_time()?;
        let line = part.repeat(LINE_BYTES / part.len()) + "\n";
        crowd.send(ann, line.repeat(LINES));
        let token = crowd.token();
        crowd.say(ann, format!("\n{token}"));
        crowd.hears_within(2 * PATIENCE, bob, &token)?;
        let time = server.cpu_time()? - before;
        if time > worst {
            (worst, worst_part) = (time, part);
        }
        crowd.client(bob).forget();
    }
    let figure = format!("{worst:.0?} of CPU a megabyte of {}", show(worst_part.as_bytes()));
    check(worst < TIME_MAX, || leaked(figure.clone()))?;
    Ok(figure)
}

/// Each change may end many before it, and each may be looked at only once.
fn deep_directions(server: &Server) -> Judged {
    const COUNT: usize = 174_761;
    const TIME_MAX: Duration = Duration::from_millis(1500);
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    let before = server.cpu_time()?;
    let token = crowd.token();
    let line = "\u{202a}".repeat(COUNT) + &"\u{2069}".repeat(COUNT);
    crowd.say(ann, line);
    crowd.say(ann, &token);
    crowd.hears_within(4 * PATIENCE, bob, &token)?;
    let time = server.cpu_time()? - before;
    let figure = format!("{time:.0?} of CPU");
    check(time < TIME_MAX, || leaked(figure.clone()))?;
    Ok(figure)
}

/// The terminal would show the notice in a row of its own.
fn gap(server: &Server) -> Judged {
    const COLUMNS: usize = 80;
    let mut pair = Pair::join(server)?;
    for blank in [" ", "\u{a0}", "\u{3000}", "\u{2800}", "\t", "\u{200b} "] {
        let relayed = pair.relay_text(&format!("hi{}*** bob left", blank.repeat(COLUMNS)))?;
        let blanks = relayed.matches(blank).count();
        check(blanks < COLUMNS / 2, || lied(format!("{blanks} times {blank:?} came")))?;
    }
    Ok("no row is left blank".into())
}
