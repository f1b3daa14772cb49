//! Programs that speak something else. What they say is nobody's news.

use std::time::Duration;

use crate::crowd::{Crowd, Id, PATIENCE, show};
use crate::fault::{FAST, Fault};
use crate::server::Server;
use crate::verdict::{Judged, check, froze, lied};

pub fn faults() -> Vec<Fault> {
    vec![
        Fault::new("A browser sends HTTP GET", &[26], FAST, |server| speak(server, get)),
        Fault::new("A web page sends HTTP POST", &[26], FAST, |server| speak(server, post)),
        Fault::new("A client sends a TLS hello", &[26], FAST, |server| speak(server, tls)),
        Fault::new("A client sends an SSH banner", &[26], FAST, |server| speak(server, ssh)),
        Fault::new("A client sends an SMTP greeting", &[26], FAST, |server| speak(server, smtp)),
        Fault::new("A client speaks SOCKS 4", &[26], FAST, |server| speak(server, socks4)),
        Fault::new("A client speaks SOCKS 5", &[26], FAST, |server| speak(server, socks5)),
        Fault::new("A client speaks IRC", &[26], FAST, |server| speak(server, irc)),
        Fault::new("A client speaks the PROXY protocol, version 1", &[26, 45], FAST, |server| {
            speak(server, proxy)
        }),
        Fault::new("A client speaks the PROXY protocol, version 2", &[26, 45], FAST, |server| {
            speak(server, binary_proxy)
        }),
    ]
}

fn get(token: &str) -> Vec<u8> {
    let agent = format!("User-Agent: {token}\r\nAccept: */*\r\n");
    format!("GET /{token} HTTP/1.1\r\nHost: {token}\r\n{agent}\r\n").into()
}

/// A web page can make a browser send this: the body has lines for the room.
fn post(token: &str) -> Vec<u8> {
    let body = format!("hello {token}\nmore {token}\n");
    let head = format!("Host: {token}\r\nContent-Length: {}\r\n", body.len());
    format!("POST /{token} HTTP/1.1\r\n{head}\r\n{body}").into()
}

/// A ClientHello of TLS 1.2 with a server name, and a line end in its random
/// bytes.
fn tls(token: &str) -> Vec<u8> {
    let name = token.as_bytes();
    let length = |bytes: usize| (bytes as u16).to_be_bytes();
    let mut sni = length(name.len() + 3).to_vec();
    sni.push(0);
    sni.extend(length(name.len()));
    sni.extend(name);
    let mut extensions = vec![0, 0];
    extensions.extend(length(sni.len()));
    extensions.extend(sni);
    let mut body = vec![3, 3];
    body.extend(format!("{token}\n{token}\r\nand some more").into_bytes());
    body.truncate(2 + 32);
    body.extend([0, 0, 2, 0x13, 0x01, 1, 0]);
    body.extend(length(extensions.len()));
    body.extend(extensions);
    let mut handshake = vec![1, 0];
    handshake.extend(length(body.len()));
    handshake.extend(body);
    let mut record = vec![0x16, 3, 1];
    record.extend(length(handshake.len()));
    record.extend(handshake);
    record
}

fn ssh(token: &str) -> Vec<u8> {
    format!("SSH-2.0-{token}\r\n").into()
}

/// As a client that doesn't wait for answers.
fn smtp(token: &str) -> Vec<u8> {
    format!("EHLO {token}\r\nMAIL FROM:<{token}@example.org>\r\nDATA\r\n{token}\r\n.\r\n").into()
}

fn socks4(token: &str) -> Vec<u8> {
    [&[4, 1, 0, 80, 127, 0, 0, 1][..], token.as_bytes(), b"\0GET / HTTP/1.0\r\n\r\n"].concat()
}

fn socks5(token: &str) -> Vec<u8> {
    let length = token.len() as u8;
    [&[5, 1, 0, 5, 1, 0, 3, length][..], token.as_bytes(), &[0, 80], b"GET / HTTP/1.0\r\n\r\n"]
        .concat()
}

fn irc(token: &str) -> Vec<u8> {
    format!("CAP LS 302\r\nNICK {token}\r\nUSER {token} 0 * :{token}\r\n").into()
}

/// Nobody has told the server to believe it.
fn proxy(token: &str) -> Vec<u8> {
    format!("PROXY TCP4 192.0.2.7 198.51.100.1 4711 8008\r\nhello {token}\n").into()
}

fn binary_proxy(token: &str) -> Vec<u8> {
    let header =
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\xc6\x33\x64\x01\x12\x67\x1f\x48";
    [&header[..], b"hello ", token.as_bytes(), b"\n"].concat()
}

/// Nothing of it comes to the room: sent whole, and byte by byte.
fn speak(server: &Server, message: fn(&str) -> Vec<u8>) -> Judged {
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    let token = crowd.token();
    let stranger = crowd.connect()?;
    crowd.send(stranger, message(&token));
    let answer = end_of(&mut crowd, stranger, [ann, bob], &token)?;
    let token = crowd.token();
    let stranger = crowd.connect()?;
    for byte in message(&token) {
        crowd.send(stranger, [byte]);
        // When others have been heard, the server has read the byte.
        crowd.ping(ann, bob)?;
    }
    end_of(&mut crowd, stranger, [ann, bob], &token)?;
    Ok(answer)
}

/// The stranger's connection ends, and nobody has heard of it. Gives what it
/// was told.
fn end_of(crowd: &mut Crowd, stranger: Id, [ann, bob]: [Id; 2], token: &str) -> Judged<String> {
    const CLOSING_TIME: Duration = Duration::from_millis(500);
    let is_closed = |crowd: &mut Crowd| crowd.client(stranger).end.is_some();
    let closed = crowd.wait(CLOSING_TIME, "", is_closed);
    // One whom the server doesn't close goes by itself.
    crowd.client(stranger).fin();
    let gone = crowd.wait(PATIENCE, "", is_closed);
    crowd.ping(ann, bob)?;
    for foreign in [token, "HTTP/1."] {
        check(!crowd.has_heard(bob, foreign), || lied(shown_to_room(crowd, bob, foreign)))?;
    }
    gone.map_err(|_| froze("it isn't closed"))?;
    let received = show(&crowd.client(stranger).received);
    Ok(if closed.is_ok() { format!("closed with {received}") } else { received })
}

fn shown_to_room(crowd: &mut Crowd, id: Id, text: &str) -> String {
    let line = crowd.line(id, text).unwrap_or_default();
    format!("the room is sent {}", show(&line))
}
