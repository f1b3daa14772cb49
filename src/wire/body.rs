//! The body of a request (RFC 9112, sections 6 and 7), as it comes.

use memchr::memchr;

use super::http::{BadRequest, Length};

/// The longest line with the size of a chunk, extensions included, in bytes.
const SIZE_LINE_BYTES_MAX: usize = 256;

/// What may follow the last chunk at most, in bytes.
const TRAILER_BYTES_MAX: usize = 8 * 1024;

const CHUNK: BadRequest =
    BadRequest::Malformed("a chunk must begin with its size in hexadecimal and end with CR LF");

/// What is left of a body.
#[derive(Debug)]
pub struct Body {
    state: State,
    /// What has come of a line that isn't content.
    line: Vec<u8>,
    trailer_bytes: usize,
}

/// The lines of a body.
#[derive(Debug)]
pub struct BodyLines {
    body: Body,
    /// What has come of a line.
    line: Vec<u8>,
    /// It has passed the limit; the rest of it is discarded.
    is_too_long: bool,
}

/// What has come of a body.
#[derive(Debug, PartialEq, Eq)]
pub enum Part {
    /// A line, without LF or CR LF.
    Line(Vec<u8>),
    /// A line has passed the limit. Comes once, at its end.
    TooLong,
    /// All has come.
    End,
    /// A chunk is none.
    Wrong(BadRequest),
}

impl BodyLines {
    /// The lines of a body that comes.
    pub fn new(length: Length) -> BodyLines {
        BodyLines { body: Body::new(length), line: Vec::new(), is_too_long: false }
    }

    /// Whether a line is begun.
    pub fn is_begun(&self) -> bool {
        !self.line.is_empty() || self.is_too_long
    }

    /// Whether all of the body has come.
    pub fn is_done(&self) -> bool {
        self.body.is_done()
    }

    /// Takes bytes off the front of `input` up to the end of a line. `None` means that
    /// it is used up. What has no LF at the end of the body is a line too. Nothing is to
    /// be asked for after the end.
    pub fn next(&mut self, input: &mut &[u8], line_bytes_max: usize) -> Option<Part> {
        loop {
            let content = match self.body.next(input) {
                Ok(Some(content)) => content,
                Ok(None) if self.is_done() => return Some(self.end(line_bytes_max)),
                Ok(None) => return None,
                Err(error) => return Some(Part::Wrong(error)),
            };
            let line = content.strip_suffix(b"\n");
            self.add(line.unwrap_or(content), line_bytes_max);
            if line.is_some() {
                return Some(self.end_line(line_bytes_max));
            }
        }
    }

    fn add(&mut self, content: &[u8], line_bytes_max: usize) {
        if !self.is_too_long {
            self.line.extend_from_slice(content);
        }
        // The CR of its end doesn't count.
        if self.line.len() > line_bytes_max + 1 {
            self.line.clear();
            self.is_too_long = true;
        }
    }

    fn end_line(&mut self, line_bytes_max: usize) -> Part {
        let mut line = std::mem::take(&mut self.line);
        line.pop_if(|byte| *byte == b'\r');
        let is_too_long = std::mem::take(&mut self.is_too_long) || line.len() > line_bytes_max;
        if is_too_long { Part::TooLong } else { Part::Line(line) }
    }

    fn end(&mut self, line_bytes_max: usize) -> Part {
        if self.is_begun() { self.end_line(line_bytes_max) } else { Part::End }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// So many bytes.
    Bytes(u64),
    /// The size of a chunk comes.
    Size,
    /// So many bytes of a chunk.
    Chunk(u64),
    /// The end of a chunk comes.
    ChunkEnd,
    /// A line after the last chunk comes.
    Trailer,
    Done,
}

impl Body {
    /// All of a body.
    pub fn new(length: Length) -> Body {
        let state = match length {
            Length::Bytes(0) => State::Done,
            Length::Bytes(bytes) => State::Bytes(bytes),
            Length::Chunked => State::Size,
        };
        Body { state, line: Vec::new(), trailer_bytes: 0 }
    }

    /// Whether nothing is left.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Takes bytes off the front of `input` up to the end of a piece of content, which
    /// it gives: behind an LF at the latest. `None` means that `input` is used up, or that the body is done.
    ///
    /// # Errors
    /// What is wrong with a chunk.
    pub fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<&'a [u8]>, BadRequest> {
        while !input.is_empty() {
            match self.state {
                State::Bytes(left) => return Ok(Some(self.take(input, left))),
                State::Chunk(left) => return Ok(Some(self.take(input, left))),
                State::Done => return Ok(None),
                State::Size | State::ChunkEnd | State::Trailer => self.read_line(input)?,
            }
        }
        Ok(None)
    }

    fn take<'a>(&mut self, input: &mut &'a [u8], left: u64) -> &'a [u8] {
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
        let end = memchr(b'\n', &input[..most]).map_or(most, |at| at + 1);
        let (content, rest) = input.split_at(end);
        *input = rest;
        let left = left - content.len() as u64;
        self.state = match self.state {
            State::Bytes(_) if left == 0 => State::Done,
            State::Bytes(_) => State::Bytes(left),
            _ if left == 0 => State::ChunkEnd,
            _ => State::Chunk(left),
        };
        content
    }

    /// Takes one byte of a line that isn't content, or what ends it.
    fn read_line(&mut self, input: &mut &[u8]) -> Result<(), BadRequest> {
        let Some((&byte, rest)) = input.split_first() else { return Ok(()) };
        *input = rest;
        if byte != b'\n' {
            self.line.push(byte);
            let max = if self.state == State::ChunkEnd { 1 } else { SIZE_LINE_BYTES_MAX };
            return if self.line.len() <= max { Ok(()) } else { Err(CHUNK) };
        }
        let line = std::mem::take(&mut self.line);
        let line = line.strip_suffix(b"\r").ok_or(CHUNK)?;
        self.state = match self.state {
            State::Size => match chunk_size(line)? {
                0 => State::Trailer,
                bytes => State::Chunk(bytes),
            },
            State::ChunkEnd if line.is_empty() => State::Size,
            State::Trailer if line.is_empty() => State::Done,
            State::Trailer => {
                self.trailer_bytes += line.len();
                if self.trailer_bytes > TRAILER_BYTES_MAX {
                    return Err(CHUNK);
                }
                State::Trailer
            }
            _ => return Err(CHUNK),
        };
        Ok(())
    }
}

/// The size in a line, what stands behind `;` apart.
fn chunk_size(line: &[u8]) -> Result<u64, BadRequest> {
    let digits = line.split(|&byte| byte == b';').next().unwrap_or_default();
    let digits = digits.trim_ascii_end();
    let is_hexadecimal = !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit);
    let digits = str::from_utf8(digits).ok().filter(|_| is_hexadecimal).ok_or(CHUNK)?;
    u64::from_str_radix(digits, 16).map_err(|_| CHUNK)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The content of a body that comes in pieces of this length, and what comes after
    /// it.
    fn read(length: Length, bytes: &[u8], piece: usize) -> Result<(String, bool), BadRequest> {
        let (mut body, mut content) = (Body::new(length), Vec::new());
        for mut piece in bytes.chunks(piece) {
            while let Some(part) = body.next(&mut piece)? {
                content.extend_from_slice(part);
            }
            assert!(piece.is_empty() || body.is_done());
        }
        Ok((String::from_utf8_lossy(&content).into_owned(), body.is_done()))
    }

    #[test]
    fn content_is_what_is_between() {
        let chunks =
            b"5\r\nhello\r\n1;name=value\r\n \r\n00B\r\nhello\r\nworl\r\n0\r\nA: b\r\n\r\nrest";
        for piece in [1, 2, 3, 7, 1000] {
            let expected = Ok(("hello hello\r\nworl".to_owned(), true));
            assert_eq!(read(Length::Chunked, chunks, piece), expected);
            assert_eq!(read(Length::Bytes(5), b"hello!", piece), Ok(("hello".into(), true)));
            assert_eq!(read(Length::Bytes(9), b"hello!", piece), Ok(("hello!".into(), false)));
        }
        assert!(Body::new(Length::Bytes(0)).is_done());
    }

    /// The lines of a body that comes in pieces of this length.
    fn lines(length: Length, bytes: &[u8], piece: usize) -> Vec<Part> {
        let (mut lines, mut parts) = (BodyLines::new(length), Vec::new());
        for mut piece in bytes.chunks(piece) {
            while let Some(part) = lines.next(&mut piece, 8) {
                let is_last = matches!(part, Part::End | Part::Wrong(_));
                parts.push(part);
                if is_last {
                    return parts;
                }
            }
        }
        parts
    }

    #[test]
    fn lines_are_cut_wherever_chunks_are() {
        let line = |text: &str| Part::Line(text.into());
        let expected =
            [line("hello"), line(""), line("12345678"), Part::TooLong, line("end"), Part::End];
        let text = b"hello\n\r\n12345678\r\n123456789\nend";
        let chunks: Vec<u8> =
            text.iter().flat_map(|byte| [b"1\r\n", &[*byte][..], b"\r\n"].concat()).collect();
        let chunked = [chunks, b"0\r\n\r\n".to_vec()].concat();
        for piece in [1, 2, 3, 1000] {
            assert_eq!(lines(Length::Bytes(text.len() as u64), text, piece), expected);
            assert_eq!(lines(Length::Chunked, &chunked, piece), expected, "pieces of {piece}");
        }
        assert_eq!(
            lines(Length::Chunked, b"2\r\na\n\r\nx\r\n", 99),
            [line("a"), Part::Wrong(CHUNK)]
        );
    }

    #[test]
    fn a_chunk_that_could_mean_two_things_is_refused() {
        for bytes in [
            &b"5\nhello\r\n"[..],
            b"0x5\r\nhello\r\n",
            b"+5\r\nhello\r\n",
            b" 5\r\nhello\r\n",
            b"\r\nhello\r\n",
            b"5\r\nhello!\r\n",
            b"5\r\nhello\n",
            b"-1\r\n",
            b"10000000000000000\r\n",
            b"0\r\nA: b\n",
        ] {
            for piece in [1, 1000] {
                assert_eq!(read(Length::Chunked, bytes, piece), Err(CHUNK), "{bytes:?}");
            }
        }
        let long = [b"5;", &[b'a'; 300][..]].concat();
        assert_eq!(read(Length::Chunked, &long, 1), Err(CHUNK));
        let trailers = [b"0\r\n", &b"A: 0123456789\r\n".repeat(700)[..]].concat();
        assert_eq!(read(Length::Chunked, &trailers, 64), Err(CHUNK));
    }

    proptest! {
        #[test]
        fn pieces_change_nothing(parts in prop::collection::vec(prop::sample::select(vec![
            "5\r\nhello\r\n", "0\r\n", "\r\n", "\n", "A: b\r\n", "3;x\r\n", "a", "ffffffffffffffff\r\n",
        ]), 0..8), piece in 1..8_usize) {
            let bytes = parts.concat().into_bytes();
            let whole = read(Length::Chunked, &bytes, bytes.len().max(1));
            prop_assert_eq!(read(Length::Chunked, &bytes, piece), whole);
        }
    }
}
