//! A request of HTTP and its body.

use std::iter;

use roomcast::wire::{BadRequest, Client, Framing, Input, Length, Request};

use super::cuts::cut;

const FRAMING: Framing = Framing { line_bytes_max: 64, raw: false, has_web: true };

/// However a request is cut it is the same one, with the same lines in its body. What is
/// accepted can be understood in one way only.
pub fn requests(data: &[u8]) {
    let [seed, bytes @ ..] = data else { return };
    let whole = read(iter::once(bytes));
    assert_eq!(whole, read(cut(bytes, *seed)));
    if let Ok(Some((request, length))) = Request::parse(bytes) {
        assert_plain(&request, &bytes[..length]);
    }
}

/// What comes of packets, as text.
fn read<'a>(packets: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    let mut client = Client::default();
    let mut inputs = Vec::new();
    for packet in packets {
        let Ok(bytes) = client.open(packet) else { return inputs };
        take(&mut client, &bytes, &mut inputs);
    }
    let first = client.end_sniffing();
    take(&mut client, &first, &mut inputs);
    inputs.extend(client.finish(&FRAMING).map(|input| format!("{input:?}")));
    inputs
}

fn take(client: &mut Client, bytes: &[u8], inputs: &mut Vec<String>) {
    let mut input = bytes;
    while let Some(next) = client.next(&mut input, &FRAMING) {
        inputs.push(format!("{next:?}"));
        match next {
            Input::Request(request) => client.begin_body(request.body),
            Input::Foreign(_) => client.begin_stream(),
            _ => {}
        }
    }
}

/// A second reader, which looks at nothing but lines, sees the same.
fn assert_plain(request: &Request, head: &[u8]) {
    let text = String::from_utf8_lossy(head);
    // Empty lines before it are passed over (RFC 9112, section 2.2).
    let text = text.trim_start_matches("\r\n");
    let lines: Vec<_> =
        text.strip_suffix("\r\n\r\n").expect("a whole head").split("\r\n").collect();
    assert!(lines.iter().all(|line| !line.contains('\n')), "a bare LF in {text:?}");
    let fields: Vec<_> = lines[1..]
        .iter()
        .map(|line| line.split_once(':').unwrap_or_else(|| panic!("no field: {line:?}")))
        .collect();
    let values = |name: &str| -> Vec<&str> {
        let fields = fields.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        fields.map(|(_, value)| value.trim_matches([' ', '\t'])).collect()
    };
    assert!(fields.iter().all(|(name, _)| !name.contains([' ', '\t'])), "a space in a name");
    let (lengths, codings) = (values("content-length"), values("transfer-encoding"));
    match (&lengths[..], &codings[..], request.body) {
        ([], [], Length::Bytes(0)) => {}
        ([length], [], Length::Bytes(bytes)) => assert_eq!(length.parse(), Ok(bytes)),
        ([], [coding], Length::Chunked) => assert!(coding.eq_ignore_ascii_case("chunked")),
        other => panic!("{other:?}"),
    }
    assert!(values("host").len() <= 1);
    // Nothing but the head says what is asked for.
    assert_eq!(
        Request::parse(head).map(|parsed| parsed.map(|(it, _)| it)),
        Ok(Some(request.clone()))
    );
    let _: fn(BadRequest) -> _ = BadRequest::answer;
}
