//! How a line looks on the wire of one client.

use serde::Serialize;

/// The wire format of the lines that a client is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Lines end with LF: netcat, and everything that said nothing else.
    Lf,
    /// Lines end with CR LF: telnet (RFC 854, "The NVT printer and keyboard").
    CrLf,
    /// Each line is a JSON object (RFC 8259) and ends with LF: programs.
    Json,
}

impl Format {
    /// How many formats there are; a format `as usize` is below this.
    pub const COUNT: usize = 3;

    /// Every format, in the order of its index.
    pub const ALL: [Format; Format::COUNT] = [Format::Lf, Format::CrLf, Format::Json];

    /// The bytes that end a line.
    pub fn line_end(self) -> &'static [u8] {
        match self {
            Format::Lf | Format::Json => b"\n",
            Format::CrLf => b"\r\n",
        }
    }
}

/// One line as a JSON object: the fields and their order are a promise.
#[derive(Debug, Serialize)]
pub struct Json<'a> {
    /// The number of the line in its room; `null` for what is sent to this
    /// client alone.
    pub seq: Option<u64>,
    /// When it was said, RFC 3339, in UTC.
    #[serde(rename = "time")]
    pub said_at: &'a str,
    /// The room.
    pub room: &'a str,
    /// Whose line it is; `null` if it is the server's.
    pub from: Option<&'a str>,
    /// What it is: `said`, `act`, `notice`, `presence` or `private`.
    pub kind: &'a str,
    /// What was said.
    pub text: &'a str,
}

/// The most bytes that a line takes as JSON beside its text and name, which
/// can become twice as long.
pub const JSON_BYTES_MAX: usize = 192;

impl Json<'_> {
    /// Its bytes, with the line end.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).expect("strings and a number are always JSON");
        bytes.extend(Format::Json.line_end());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_object_with_its_fields_in_their_order() {
        let line = Json {
            seq: Some(7),
            said_at: "2026-11-21T04:05:06Z",
            room: "lobby",
            from: Some("ann"),
            kind: "said",
            text: "a \"quote\" and a\ttab",
        };
        let expected = "{'seq':7,'time':'2026-11-21T04:05:06Z','room':'lobby','from':'ann',\
                        'kind':'said','text':'a \\'quote\\' and a\\ttab'}\n";
        let expected = expected.replace('\'', "\"");
        assert_eq!(String::from_utf8(line.encode()).expect("UTF-8"), expected);
    }

    #[test]
    fn the_fields_beside_the_text_have_a_limit() {
        // A room's name has 48 bytes at most.
        let room = "r".repeat(48);
        let line = Json {
            seq: Some(u64::MAX),
            said_at: "2026-11-21T04:05:06Z",
            room: &room,
            from: None,
            kind: "presence",
            text: "",
        };
        assert!(line.encode().len() <= JSON_BYTES_MAX, "{}", line.encode().len());
    }
}
