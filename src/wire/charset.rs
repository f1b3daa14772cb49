//! The characters of terminals that don't speak UTF-8.
//!
//! Inside the server all text is UTF-8. What such a client types is decoded when it
//! comes, and what it is sent is encoded when it goes. A character that the client
//! doesn't have is shown as `?`, once for each column that it takes.

use std::borrow::Cow;
use std::fmt;

use encoding_rs::{
    CoderResult, Encoding, ISO_2022_JP, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE, X_USER_DEFINED,
};
use oem_cp::code_table::{DECODING_TABLE_CP_MAP, ENCODING_TABLE_CP_MAP};
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// The longest name of a character set that is looked up, in bytes.
pub(super) const LABEL_BYTES_MAX: usize = 20;

/// A set of characters, and the bytes for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Charset(Table);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Table {
    #[default]
    Utf8,
    Ascii,
    /// ISO/IEC 8859, and which part. Its bytes from 0x80 to 0x9f are controls, one of
    /// which begins an escape sequence (0x9b): they are no characters, as they would be
    /// in the tables of the web, which have Windows' parts instead.
    Iso(u8, &'static Encoding),
    /// Code pages of DOS, which `encoding_rs` doesn't have.
    Dos(u16),
    /// Those of the web (Encoding Standard of WHATWG).
    Web(&'static Encoding),
}

impl Charset {
    /// What clients speak that don't say anything about it.
    pub const UTF_8: Charset = Charset(Table::Utf8);
    /// The code page of the first PCs, and of bulletin boards.
    pub const CP437: Charset = Charset(Table::Dos(437));

    /// The character set with this name, however it is written: `latin1`, `ISO8859-15`,
    /// `CP437`, `IBM850`, `windows-1251`, `koi8-r`, `eucJP`, `Big5`. None for those that
    /// are no extension of ASCII (UTF-16), and that have modes (ISO-2022-JP).
    pub fn parse(name: &str) -> Option<Charset> {
        if name.is_empty() || name.len() > LABEL_BYTES_MAX || !name.is_ascii() {
            return None;
        }
        let name = name.to_ascii_lowercase();
        let plain: String = name.chars().filter(|c| !"-_ ".contains(*c)).collect();
        let table = match plain.as_str() {
            "utf8" => Table::Utf8,
            "ascii" | "usascii" | "ansix3.41968" | "iso646us" | "646" => Table::Ascii,
            "eucjp" | "ujis" => Table::Web(encoding_rs::EUC_JP),
            "euckr" => Table::Web(encoding_rs::EUC_KR),
            "koi8r" => Table::Web(encoding_rs::KOI8_R),
            "koi8u" => Table::Web(encoding_rs::KOI8_U),
            _ => iso(&plain).or_else(|| dos(&plain)).or_else(|| web(&name))?,
        };
        Some(Charset(table))
    }

    /// What it is called: `iso-8859-1`.
    pub fn name(self) -> Cow<'static, str> {
        match self.0 {
            Table::Utf8 => "utf-8".into(),
            Table::Ascii => "us-ascii".into(),
            Table::Iso(part, _) => format!("iso-8859-{part}").into(),
            Table::Dos(number) => format!("cp{number}").into(),
            Table::Web(encoding) => encoding.name().to_ascii_lowercase().into(),
        }
    }

    /// Whether bytes are text as they are.
    pub fn is_utf8(self) -> bool {
        self == Charset::UTF_8
    }

    /// The text that `bytes` stand for; U+FFFD where they stand for nothing.
    pub fn decode(self, bytes: &[u8]) -> String {
        match self.0 {
            Table::Utf8 => String::from_utf8_lossy(bytes).into_owned(),
            Table::Ascii => {
                let char = |&byte: &u8| if byte.is_ascii() { byte.into() } else { '\u{fffd}' };
                bytes.iter().map(char).collect()
            }
            Table::Iso(1, _) => bytes.iter().copied().map(char::from).collect(),
            Table::Iso(_, encoding) => {
                let (text, _) = encoding.decode_without_bom_handling(bytes);
                // A byte is a character.
                let chars = text.chars().zip(bytes);
                chars.map(|(c, &byte)| if byte < 0xa0 { byte.into() } else { c }).collect()
            }
            Table::Dos(number) => match DECODING_TABLE_CP_MAP.get(&number) {
                Some(table) => table.decode_string_lossy(bytes),
                None => String::from_utf8_lossy(bytes).into_owned(),
            },
            Table::Web(encoding) => encoding.decode_without_bom_handling(bytes).0.into_owned(),
        }
    }

    /// Adds the bytes of a text, with one of them twice if that has another meaning. What isn't
    /// UTF-8 is left out: the rest of a character, of which a write has sent the beginning.
    pub(super) fn encode(self, text: &[u8], doubled: Option<u8>, out: &mut Vec<u8>) {
        let start = out.len();
        for cluster in text.utf8_chunks().flat_map(|chunk| chunk.valid().graphemes(true)) {
            if cluster.is_ascii() {
                out.extend_from_slice(cluster.as_bytes());
            } else {
                self.encode_cluster(cluster, out);
            }
        }
        if let Some(doubled) = doubled
            && out[start..].contains(&doubled)
        {
            for byte in out.split_off(start) {
                out.extend_from_slice(&[byte, byte][..1 + usize::from(byte == doubled)]);
            }
        }
    }

    /// Adds what looks like one character, or as many `?` as it has columns. Letters
    /// aren't shown without their accents: two names would look the same.
    fn encode_cluster(self, cluster: &str, out: &mut Vec<u8>) {
        let start = out.len();
        if cluster.nfc().all(|c| self.encode_char(c, out)) {
            return;
        }
        out.truncate(start);
        match look_alike(cluster) {
            Some(byte) => out.push(byte),
            None => out.extend(vec![b'?'; cluster.width()]),
        }
    }

    fn encode_char(self, c: char, out: &mut Vec<u8>) -> bool {
        if c.is_ascii() {
            out.push(c as u8);
            return true;
        }
        let number = u32::from(c);
        let byte = match self.0 {
            Table::Utf8 | Table::Ascii => None,
            Table::Iso(1, _) => u8::try_from(number).ok().filter(|byte| *byte >= 0xa0),
            Table::Iso(_, encoding) => match encode_web(encoding, c).as_slice() {
                [byte] => Some(*byte).filter(|byte| *byte >= 0xa0),
                _ => None,
            },
            Table::Dos(page) => {
                ENCODING_TABLE_CP_MAP.get(&page).and_then(|table| table.get(&c)).copied()
            }
            Table::Web(encoding) => {
                let bytes = encode_web(encoding, c);
                out.extend_from_slice(&bytes);
                return !bytes.is_empty();
            }
        };
        out.extend(byte);
        byte.is_some()
    }
}

/// `iso88592`, `latin2`
fn iso(plain: &str) -> Option<Table> {
    let part: u8 = match plain.strip_prefix("iso8859") {
        Some(part) => part.parse().ok()?,
        None => match plain.strip_prefix("latin").or(plain.strip_prefix('l'))?.parse().ok()? {
            part @ 1..=4 => part,
            5 => 9,
            6 => 10,
            7 => 13,
            8 => 14,
            9 | 0 => 15,
            10 => 16,
            _ => return None,
        },
    };
    let encoding = match part {
        1 | 9 => encoding_rs::WINDOWS_1254,
        11 => encoding_rs::WINDOWS_874,
        _ => Encoding::for_label(format!("iso-8859-{part}").as_bytes())?,
    };
    Some(Table::Iso(part, encoding))
}

/// `cp437`, `ibm850`, `dos852`, `866`
fn dos(plain: &str) -> Option<Table> {
    let prefixes = ["cp", "ibm", "dos", "pc"];
    let number = prefixes.iter().find_map(|prefix| plain.strip_prefix(prefix)).unwrap_or(plain);
    let number = number.parse().ok()?;
    DECODING_TABLE_CP_MAP.contains_key(&number).then_some(Table::Dos(number))
}

/// The web has Windows' parts in place of some of ISO, and calls them by the names of both.
fn web(name: &str) -> Option<Table> {
    let encoding = Encoding::for_label(name.as_bytes())?;
    let is_of_windows = name.contains("windows") || name.contains("cp12") || name.contains("dos");
    let part = match encoding.name() {
        "windows-1252" if !is_of_windows => "1",
        "windows-1254" if !is_of_windows => "9",
        "windows-874" if !is_of_windows => "11",
        name => name.strip_prefix("ISO-8859-").unwrap_or_default(),
    };
    if let Some(table) = iso(&format!("iso8859{part}")) {
        return Some(table);
    }
    let unfit = [REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE, ISO_2022_JP, X_USER_DEFINED];
    (!unfit.contains(&encoding)).then_some(Table::Web(encoding))
}

/// The bytes of a character; none if it isn't there.
fn encode_web(encoding: &'static Encoding, c: char) -> Vec<u8> {
    let mut utf8 = [0; 4];
    let (bytes, _, is_missing) = encoding.encode(c.encode_utf8(&mut utf8));
    if is_missing { Vec::new() } else { bytes.into_owned() }
}

/// Marks of punctuation that word processors put in place of those of ASCII. They are in
/// no name.
fn look_alike(cluster: &str) -> Option<u8> {
    Some(match cluster {
        "\u{2018}" | "\u{2019}" => b'\'',
        "\u{201c}" | "\u{201d}" | "\u{201e}" => b'"',
        "\u{2010}" | "\u{2011}" | "\u{2013}" | "\u{2014}" | "\u{2212}" => b'-',
        "\u{a0}" | "\u{202f}" => b' ',
        _ => return None,
    })
}

/// What a client types in its character set, byte by byte.
pub(super) struct Typist {
    charset: Charset,
    /// Where in a character of several bytes it is.
    decoder: Option<Box<encoding_rs::Decoder>>,
}

impl Typist {
    pub fn new(charset: Charset) -> Typist {
        let decoder = match charset.0 {
            Table::Web(encoding) => Some(Box::new(encoding.new_decoder_without_bom_handling())),
            _ => None,
        };
        Typist { charset, decoder }
    }

    /// The character that ends with this byte, if one does.
    pub fn next(&mut self, byte: u8) -> String {
        let Some(decoder) = &mut self.decoder else { return self.charset.decode(&[byte]) };
        // U+FFFD and the byte itself, if that isn't what the last one needs.
        let mut text = String::with_capacity(16);
        let (result, ..) = decoder.decode_to_string(&[byte], &mut text, false);
        debug_assert!(result == CoderResult::InputEmpty, "two characters have place");
        text
    }
}

impl fmt::Debug for Typist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Typist").field(&self.charset).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn charset(name: &str) -> Charset {
        Charset::parse(name).unwrap_or_else(|| panic!("no {name}"))
    }

    fn encoded(name: &str, text: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        charset(name).encode(text.as_bytes(), None, &mut bytes);
        bytes
    }

    #[test]
    fn a_character_set_is_found_however_its_name_is_written() {
        for (names, name) in [
            (&["UTF-8", "utf8", "Utf_8"][..], "utf-8"),
            (&["latin1", "ISO8859-1", "iso_8859-1", "ISO-8859-1", "l1"], "iso-8859-1"),
            // As in the register of IANA.
            (&["ISO_8859-1:1987", "csISOLatin1", "iso-ir-100", "IBM819", "cp819"], "iso-8859-1"),
            (&["ISO_8859-2:1987", "csISOLatin2"], "iso-8859-2"),
            (&["TIS-620"], "iso-8859-11"),
            (&["iso885915", "Latin-9", "latin0"], "iso-8859-15"),
            (&["latin5", "ISO-8859-9", "ISO_8859-9:1989"], "iso-8859-9"),
            (&["cp437", "IBM437", "437", "CP-437", "dos437"], "cp437"),
            (&["ibm850", "850"], "cp850"),
            (&["ANSI_X3.4-1968", "us-ascii", "ASCII"], "us-ascii"),
            (&["cp1252", "Windows-1252", "x-cp1252"], "windows-1252"),
            (&["windows-874"], "windows-874"),
            (&["KOI8-R", "koi8r"], "koi8-r"),
            (&["eucJP", "EUC-JP"], "euc-jp"),
            (&["gb2312", "GBK"], "gbk"),
        ] {
            for label in names {
                assert_eq!(charset(label).name(), name, "{label}");
            }
            assert_eq!(charset(name).name(), name);
        }
        for label in ["", "utf-16", "iso-2022-jp", "latin99", "iso-8859-12", "cp0", "x", "é"] {
            assert_eq!(Charset::parse(label), None, "{label}");
        }
        assert_eq!(Charset::parse(&"1".repeat(100)), None);
    }

    /// Promise 77.
    #[test]
    fn text_goes_there_and_back() {
        for (name, text, bytes) in [
            ("latin1", "Gr\u{fc}\u{df}e", &b"Gr\xfc\xdfe"[..]),
            ("cp437", "Gr\u{fc}\u{df}e \u{2551}", b"Gr\x81\xe1e \xba"),
            ("latin9", "5 \u{20ac}", b"5 \xa4"),
            ("windows-1252", "\u{201c}5 \u{20ac}\u{201d}", b"\x935 \x80\x94"),
            ("cp1251", "\u{44f}", b"\xff"),
            ("koi8-r", "\u{43c}\u{438}\u{440}", b"\xcd\xc9\xd2"),
            ("euc-jp", "\u{65e5}\u{672c}", b"\xc6\xfc\xcb\xdc"),
            ("shift_jis", "\u{65e5}\u{672c}", b"\x93\xfa\x96\x7b"),
        ] {
            assert_eq!(encoded(name, text), bytes, "{name}");
            assert_eq!(charset(name).decode(bytes), text, "{name}");
            let mut typist = Typist::new(charset(name));
            let typed: String = bytes.iter().map(|&byte| typist.next(byte)).collect();
            assert_eq!(typed, text, "{name}");
        }
    }

    /// Promise 77.
    #[test]
    fn what_is_missing_keeps_its_width() {
        assert_eq!(encoded("latin1", "a\u{301} \u{65e5} e\u{323}!"), b"\xe1 ?? ?!");
        assert_eq!(encoded("ascii", "\u{e1} \u{1f469}\u{200d}\u{1f469}"), b"? ??");
        assert_eq!(encoded("latin1", "\u{201c}it\u{2019}s\u{201d} \u{2013}"), b"\"it's\" -");
        assert_eq!(encoded("cp437", "\u{fffd}"), b"?");
    }

    /// Promise 77: nobody's text becomes a control character of another's terminal.
    #[test]
    fn iso_8859_has_no_characters_among_the_controls() {
        for part in (1..=16).filter(|part| *part != 12) {
            let name = format!("iso-8859-{part}");
            for c in ('\u{80}'..'\u{ffff}').filter(|c| !c.is_control()) {
                let bytes = encoded(&name, c.encode_utf8(&mut [0; 4]));
                assert!(bytes.iter().all(|byte| !(0x80..0xa0).contains(byte)), "{name} {c}");
            }
            assert_eq!(charset(&name).decode(b"\x9b"), "\u{9b}", "{name}");
        }
    }

    #[test]
    fn a_wrong_byte_swallows_no_key() {
        let mut typist = Typist::new(charset("shift_jis"));
        assert_eq!(typist.next(0x93), "");
        assert_eq!(typist.next(b'\r'), "\u{fffd}\r");
        assert_eq!(typist.next(0xff), "\u{fffd}");
        assert_eq!(charset("ascii").decode(b"a\xe9"), "a\u{fffd}");
    }
}
