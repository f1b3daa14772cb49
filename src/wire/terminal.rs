//! What a client says about its terminal: RFC 1091 (the type), RFC 1572 (variables of
//! the environment), and the conventions of MUD clients for both (MTTS, MNES).

use super::charset::Charset;

/// What a client says about its terminal, as far as it matters here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terminal {
    /// A hash of the type, to see whether it says the same again; 0: it has said none.
    pub(super) hash: u32,
    pub(super) is_line_editor: bool,
    /// Its program shows an empty row for the end of a record, as for a prompt.
    pub(super) shows_ends: bool,
    /// It was the last thing to say: "MTTS" and a number.
    pub(super) is_last: bool,
    marks_pastes: bool,
    has_colors: bool,
    /// Its user wants no colors (<https://no-color.org>).
    is_colorless: bool,
    /// What the type of terminal is known for.
    usual_charset: Option<Charset>,
    /// What its environment says.
    charset: Option<Charset>,
}

/// Programs that edit lines themselves: they agree to ECHO because it hides
/// passwords, and go on sending whole lines.
const LINE_EDITORS: &[&str] = &[
    "TINYFUGUE",
    "TINTIN",
    "MUDLET",
    "MUSHCLIENT",
    "ATLANTIS",
    "BLIGHTMUD",
    "KILDCLIENT",
    "POTATO",
    "BEIP",
    "ZMUD",
    "CMUD",
];

/// How the names of terminals with colors begin; or they say "color".
const COLORED: &[&str] = &[
    "XTERM",
    "ANSI",
    "LINUX",
    "SCREEN",
    "TMUX",
    "RXVT",
    "PUTTY",
    "KONSOLE",
    "GNOME",
    "VTE",
    "CYGWIN",
    "SYNCTERM",
    "PCANSI",
    "CONS25",
    "ALACRITTY",
    "KITTY",
    "FOOT",
    "WEZTERM",
    "ITERM",
    "ST-",
    "ETERM",
    "SCOANSI",
];

/// Terminals that have bracketed paste, or don't show that they are asked for it.
const MARKS_PASTES: &[&str] = &[
    "XTERM",
    "SCREEN",
    "TMUX",
    "RXVT",
    "PUTTY",
    "KONSOLE",
    "GNOME",
    "VTE",
    "CYGWIN",
    "ALACRITTY",
    "KITTY",
    "FOOT",
    "WEZTERM",
    "ITERM",
    "ST-",
    "CONTOUR",
    "GHOSTTY",
    "LINUX",
];

/// Terminals that show the characters of DOS.
const DOS: &[&str] = &["ANSI", "ANSI-BBS", "ANSI_BBS", "ANSIBBS", "SYNCTERM", "PCANSI", "PC-ANSI"];

/// Bits of "MTTS" (Mud Terminal Type Standard).
const MTTS_ANSI: u32 = 1;
const MTTS_UTF_8: u32 = 4;
const MTTS_256_COLORS: u32 = 8;
const MTTS_TRUE_COLOR: u32 = 256;

/// Markers in a list of variables (RFC 1572, section 2).
const VAR: u8 = 0;
const VALUE: u8 = 1;
const ESCAPE: u8 = 2;
const USERVAR: u8 = 3;

/// What is asked of a client's environment, and nothing else: no name, no path, no
/// address. Only these are read of what it says.
const ASKED: &[u8] = b"\x03LANG\x03LC_ALL\x03LC_CTYPE\x03COLORTERM\x03NO_COLOR\x00CHARSET";

impl Terminal {
    /// The answer to the question for the type.
    pub(super) fn of_type(name: &[u8]) -> Terminal {
        let hash = name.iter().fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
        });
        let name = String::from_utf8_lossy(name).trim().to_ascii_uppercase();
        let begins = |names: &[&str]| names.iter().any(|begin| name.starts_with(begin));
        if let Some(bits) = name.strip_prefix("MTTS ").and_then(|bits| bits.parse::<u32>().ok()) {
            let has_colors = bits & (MTTS_ANSI | MTTS_256_COLORS | MTTS_TRUE_COLOR) != 0;
            let charset = (bits & MTTS_UTF_8 != 0).then_some(Charset::UTF_8);
            return Terminal { hash, has_colors, charset, is_last: true, ..Terminal::default() };
        }
        if begins(LINE_EDITORS) {
            let shows_ends = name.starts_with("TINTIN");
            return Terminal { hash, is_line_editor: true, shows_ends, ..Terminal::default() };
        }
        Terminal {
            hash,
            marks_pastes: begins(MARKS_PASTES),
            has_colors: begins(COLORED) || name.contains("COLOR"),
            is_colorless: name == "DUMB",
            usual_charset: DOS.contains(&name.as_str()).then_some(Charset::CP437),
            charset: name.replace('-', "").ends_with("UTF8").then_some(Charset::UTF_8),
            ..Terminal::default()
        }
    }

    /// What a client says of its environment: behind IS or INFO.
    pub(super) fn of_environment(variables: &[u8]) -> Terminal {
        let mut terminal = Terminal::default();
        // The strongest comes last: LC_ALL overrides LC_CTYPE, and that LANG (POSIX).
        let mut locales = [None; 4];
        for (name, value) in parse(variables) {
            let is_set = !value.is_empty();
            match name.as_slice() {
                b"COLORTERM" => terminal.has_colors |= is_set,
                b"NO_COLOR" => terminal.is_colorless |= is_set,
                b"LANG" => locales[0] = charset_of_locale(&value),
                b"LC_CTYPE" => locales[1] = charset_of_locale(&value),
                b"LC_ALL" => locales[2] = charset_of_locale(&value),
                b"CHARSET" => locales[3] = charset(&value),
                _ => {}
            }
        }
        terminal.charset = locales.into_iter().flatten().next_back();
        terminal
    }

    /// The same client says this too.
    pub(super) fn add(&mut self, more: Terminal) {
        if more.hash != 0 {
            self.hash = more.hash;
        }
        self.marks_pastes |= more.marks_pastes;
        self.has_colors |= more.has_colors;
        self.is_colorless |= more.is_colorless;
        self.is_line_editor |= more.is_line_editor;
        self.shows_ends |= more.shows_ends;
        self.charset = more.charset.or(self.charset);
        self.usual_charset = self.usual_charset.or(more.usual_charset);
    }

    /// Whether its program edits lines itself.
    pub fn is_line_editor(self) -> bool {
        self.is_line_editor
    }

    /// Whether it marks what is pasted if asked to, or leaves it unshown that it was asked.
    pub fn marks_pastes(self) -> bool {
        self.marks_pastes
    }

    /// Whether its user is shown colors without asking for them.
    pub fn has_colors(self) -> bool {
        self.has_colors && !self.is_colorless
    }

    /// Its characters, if it has said anything about them. A program of MUDs calls
    /// itself "ANSI" because of its colors.
    pub fn charset(self) -> Option<Charset> {
        self.charset.or(self.usual_charset.filter(|_| !self.is_line_editor))
    }
}

/// The question for the variables that matter: the content of a subnegotiation.
pub(super) fn question() -> &'static [u8] {
    ASKED
}

/// The names and values of a list of variables. What isn't whole is left out.
fn parse(list: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut variables: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    let (mut is_value, mut bytes) = (false, list.iter().copied());
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            VAR | USERVAR => {
                variables.push(Default::default());
                is_value = false;
                continue;
            }
            VALUE => {
                is_value = true;
                continue;
            }
            ESCAPE => bytes.next().unwrap_or_default(),
            _ => byte,
        };
        let Some((name, value)) = variables.last_mut() else { continue };
        if is_value { value.push(byte) } else { name.push(byte) }
    }
    variables
}

/// `de_DE.ISO8859-15@euro`
fn charset_of_locale(locale: &[u8]) -> Option<Charset> {
    let locale = str::from_utf8(locale).ok()?;
    let (_, codeset) = locale.split_once('.')?;
    charset(codeset.split('@').next()?.as_bytes())
}

fn charset(name: &[u8]) -> Option<Charset> {
    Charset::parse(str::from_utf8(name).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_type_says_who_edits_and_what_is_shown() {
        let cp437 = Some(Charset::CP437);
        for (name, is_line_editor, has_colors, charset) in [
            ("tinyfugue", true, false, None),
            ("TINTIN++", true, false, None),
            ("Mudlet 4.17.2", true, false, None),
            ("XTERM-256COLOR", false, true, None),
            ("xterm", false, true, None),
            ("vt100", false, false, None),
            ("dumb", false, false, None),
            ("UNKNOWN", false, false, None),
            ("dumb-color", false, true, None),
            ("ansi-bbs", false, true, cp437),
            ("ANSI", false, true, cp437),
            ("syncterm", false, true, cp437),
            ("MTTS 271", false, true, Some(Charset::UTF_8)),
            ("MTTS 2", false, false, None),
            ("linux-utf8", false, true, Some(Charset::UTF_8)),
        ] {
            let terminal = Terminal::of_type(name.as_bytes());
            let found = (terminal.is_line_editor, terminal.has_colors(), terminal.charset());
            assert_eq!(found, (is_line_editor, has_colors, charset), "{name}");
        }
    }

    #[test]
    fn a_terminal_type_says_whether_pastes_are_marked() {
        for (name, marks_pastes) in [("xterm", true), ("LINUX", true), ("ansi", false)] {
            assert_eq!(Terminal::of_type(name.as_bytes()).marks_pastes(), marks_pastes, "{name}");
        }
        assert!(!Terminal::of_type(b"TINTIN++").marks_pastes());
    }

    #[test]
    fn what_a_client_says_adds_up() {
        let mut tinyfugue = Terminal::of_type(b"TINYFUGUE");
        for name in ["ANSI-ATTR", "ANSI", "UNKNOWN"] {
            tinyfugue.add(Terminal::of_type(name.as_bytes()));
        }
        assert!(tinyfugue.is_line_editor && tinyfugue.has_colors());
        assert_eq!(tinyfugue.charset(), None);
        let mut xterm = Terminal::of_type(b"XTERM");
        xterm.add(Terminal::of_environment(b"\x03NO_COLOR\x011"));
        assert!(!xterm.has_colors());
    }

    #[test]
    fn the_environment_says_colors_and_characters() {
        for (variables, has_colors, charset) in [
            (&b""[..], false, None),
            (b"\x00USER\x01root", false, None),
            (b"\x03COLORTERM\x01truecolor", true, None),
            (b"\x03COLORTERM\x01\x03LANG\x01C", false, None),
            (b"\x03COLORTERM\x03LANG\x01de_DE.UTF-8", false, Some("utf-8")),
            (b"\x03LANG\x01de_DE.UTF-8\x03LC_ALL\x01de_DE.ISO8859-15@euro", false, Some("latin9")),
            (b"\x03LC_ALL\x01de_DE.koi8-r\x03LC_CTYPE\x01de.UTF-8", false, Some("koi8-r")),
            (b"\x00CHARSET\x01ISO-8859-1\x03LANG\x01de.UTF-8", false, Some("latin1")),
            (b"\x00CHARSET\x01CP\x02437", false, Some("cp437")),
            (b"\x01x\x02", false, None),
        ] {
            let terminal = Terminal::of_environment(variables);
            assert_eq!(terminal.has_colors(), has_colors, "{}", variables.escape_ascii());
            let charset = charset.and_then(Charset::parse);
            assert_eq!(terminal.charset(), charset, "{}", variables.escape_ascii());
        }
    }
}
