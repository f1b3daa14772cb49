//! How a line looks on the wire of one client.

/// The wire format of the lines that a client is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Lines end with LF: netcat, and everything that said nothing else.
    Lf,
    /// Lines end with CR LF: telnet (RFC 854, "The NVT printer and keyboard").
    CrLf,
}

impl Format {
    /// How many formats there are; a format `as usize` is below this.
    pub const COUNT: usize = 2;

    /// Every format, in the order of its index.
    pub const ALL: [Format; Format::COUNT] = [Format::Lf, Format::CrLf];

    /// The bytes that end a line.
    pub fn line_end(self) -> &'static [u8] {
        match self {
            Format::Lf => b"\n",
            Format::CrLf => b"\r\n",
        }
    }
}
