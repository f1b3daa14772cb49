//! Bytes to lines.

use std::borrow::Cow;
use std::iter;

use roomcast::wire::{Decoder, Event, Framing, LineEnd, LineStart};

use super::cuts::cut;

const LIMITS: [usize; 4] = [1, 8, 64, 4096];

/// The decoder finds the same however bytes are cut, and what a simpler one
/// finds where there is no telnet. It never holds more than a line.
pub fn lines(data: &[u8]) {
    let [shape, seed, bytes @ ..] = data else { return };
    let line_bytes_max = LIMITS[usize::from(shape % 4)];
    let framing = Framing { line_bytes_max, raw: shape & 4 != 0, has_web: false };
    let events = decode(&framing, iter::once(bytes));
    assert_eq!(events, decode(&framing, cut(bytes, *seed)));
    if framing.raw || !bytes.contains(&255) {
        assert_eq!(events, expected(&framing, bytes));
    }
}

fn decode<'a>(framing: &Framing, packets: impl Iterator<Item = &'a [u8]>) -> Vec<Event<'static>> {
    let mut decoder = Decoder::new();
    let mut events = Vec::new();
    for packet in packets {
        let mut input = packet;
        while let Some(event) = decoder.next(&mut input, framing) {
            events.push(owned(event));
        }
        assert!(input.is_empty(), "no event means that the input is used up");
        // A vector that grows may be twice as large as what is in it.
        assert!(decoder.held_bytes() <= 2 * framing.line_bytes_max + 8);
    }
    let is_between_lines = decoder.is_between_lines();
    let last = decoder.finish(framing);
    assert!(!is_between_lines || last.is_none(), "nothing was begun, and still: {last:?}");
    events.extend(last);
    for event in &events {
        let Event::Line { bytes, .. } = event else { continue };
        assert!(bytes.len() <= framing.line_bytes_max, "{} bytes", bytes.len());
    }
    events
}

fn owned(event: Event) -> Event<'static> {
    match event {
        Event::Line { bytes, end } => Event::Line { bytes: Cow::Owned(bytes.into_owned()), end },
        Event::TooLong { start } => Event::TooLong { start },
        Event::Command(command) => Event::Command(command),
    }
}

/// The lines in bytes without telnet, found byte by byte.
fn expected(framing: &Framing, bytes: &[u8]) -> Vec<Event<'static>> {
    // As much as shows that it is too long, and not more than that type holds.
    let start_bytes = LineStart::new().capacity().min(framing.line_bytes_max + 1);
    let event = |mut line: Vec<u8>, end| {
        if !framing.raw {
            // NUL begins no line.
            line.drain(..line.iter().take_while(|&&byte| byte == 0).count());
        }
        let mut end = end;
        if framing.raw && end == LineEnd::Lf && line.last() == Some(&b'\r') {
            line.pop();
            end = LineEnd::CrLf;
        }
        match line.len() > framing.line_bytes_max {
            true => Event::TooLong { start: line.iter().copied().take(start_bytes).collect() },
            false => Event::Line { bytes: Cow::Owned(line), end },
        }
    };
    let (mut events, mut line) = (Vec::new(), Vec::new());
    let mut rest = bytes;
    while let [byte, behind @ ..] = rest {
        let is_crlf = !framing.raw && matches!(rest, [b'\r', b'\n' | 0, ..]);
        // A CR at the end of the stream is half of a line's end.
        let is_half = !framing.raw && rest == b"\r";
        rest = if is_crlf { &behind[1..] } else { behind };
        match byte {
            b'\r' if is_crlf => events.push(event(std::mem::take(&mut line), LineEnd::CrLf)),
            b'\n' => events.push(event(std::mem::take(&mut line), LineEnd::Lf)),
            _ if is_half => {}
            _ => line.push(*byte),
        }
    }
    if !line.is_empty() {
        events.push(event(line, LineEnd::Eof));
    }
    events
}
