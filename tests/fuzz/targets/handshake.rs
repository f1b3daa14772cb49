//! What comes before and during a TLS handshake, and behind it.

use std::io::{ErrorKind, IoSlice, Write};
use std::sync::{Arc, LazyLock};

use roomcast::net::{Certificate, TlsSide};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use super::cuts::cut;

/// What the client says when its handshake is done.
const SAID: &[u8] = b"hello\n";

/// A server's certificate, and a client's settings that trust it.
static BOTH: LazyLock<(Certificate, Arc<ClientConfig>)> = LazyLock::new(|| {
    let directory = tempfile::tempdir().expect("a directory");
    let certificate = Certificate::self_signed(&[], Some(directory.path())).expect("a certificate");
    let file = directory.path().join("tls.pem");
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(file).expect("PEM")).expect("a certificate");
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("there are some")
        .with_root_certificates(roots)
        .with_no_client_auth();
    (certificate, Arc::new(config))
});

/// Bytes of any kind say nothing, however they are cut; and what a client says arrives as it
/// was said or not at all, whatever happens to its bytes on the way.
pub fn handshake(data: &[u8]) {
    let [seed, bytes @ ..] = data else { return };
    let whole = take([bytes].into_iter());
    assert_eq!(whole, take(cut(bytes, *seed)));
    let (step, tricks) = match bytes {
        [step, tricks @ ..] => (step % 4, tricks),
        [] => (3, bytes),
    };
    talk(*seed, step, tricks);
}

/// Whether a side takes these packets.
fn take<'a>(packets: impl Iterator<Item = &'a [u8]>) -> bool {
    let mut side = TlsSide::new(&BOTH.0).expect("a side");
    let mut out = Vec::new();
    for packet in packets {
        let result = side.take_in(packet);
        side.flush(&mut out).expect("memory");
        // A handshake, or an alert.
        assert!(matches!(out[..], [] | [0x15 | 0x16, 3, ..]), "{}", out.escape_ascii());
        assert_eq!(said(&mut side), b"", "before a handshake");
        assert!(side.version().is_none());
        if result.is_err() {
            return false;
        }
    }
    true
}

/// A client talks to a server, and its step `step` (a flight of its handshake, or what it
/// says) comes with `tricks`.
fn talk(seed: u8, step: u8, tricks: &[u8]) {
    let mut side = TlsSide::new(&BOTH.0).expect("a side");
    let name = ServerName::try_from("localhost").expect("a name");
    let mut client = ClientConnection::new(Arc::clone(&BOTH.1), name).expect("a client");
    let mut heard = Vec::new();
    for turn in 0..4 {
        if !client.is_handshaking() && turn > 0 {
            let _ = client.writer().write_all(SAID);
        }
        let mut sent = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut sent).expect("memory");
        }
        if turn == step {
            change(&mut sent, tricks);
        }
        let mut is_broken = false;
        for packet in cut(&sent, seed) {
            is_broken |= side.take_in(packet).is_err();
            heard.extend(said(&mut side));
            if is_broken {
                break;
            }
        }
        if side.version().is_some() && !is_broken {
            side.encrypt(&[IoSlice::new(SAID)]).expect("the handshake is done");
        }
        let mut answer = Vec::new();
        side.flush(&mut answer).expect("memory");
        if !show(&mut client, &answer) || is_broken {
            break;
        }
    }
    let is_whole = heard.len().is_multiple_of(SAID.len());
    assert!(is_whole && heard.chunks(SAID.len()).all(|part| part == SAID), "{heard:?}");
    // Without tricks the last two turns say something.
    assert!(!tricks.is_empty() || heard.len() >= 2 * SAID.len(), "{heard:?}");
}

/// Changes bytes: pairs are a place and what is changed there; a 0 puts the rest in there.
fn change(sent: &mut Vec<u8>, tricks: &[u8]) {
    let mut tricks = tricks;
    while let [place, change, rest @ ..] = tricks {
        let at = usize::from(*place).min(sent.len());
        tricks = rest;
        match change {
            0 => {
                sent.splice(at..at, rest.iter().copied());
                return;
            }
            1 => sent.truncate(at),
            change => {
                if let Some(byte) = sent.get_mut(at) {
                    *byte ^= change;
                }
            }
        }
    }
}

/// What has come of the client.
fn said(side: &mut TlsSide) -> Vec<u8> {
    let mut buffer = [0; 1 << 14];
    match side.read(&mut buffer) {
        Ok(length) => buffer[..length].to_vec(),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::WouldBlock);
            Vec::new()
        }
    }
}

/// The client reads; false if it gives up.
fn show(client: &mut ClientConnection, mut bytes: &[u8]) -> bool {
    let mut buffer = Vec::new();
    while !bytes.is_empty() {
        match client.read_tls(&mut bytes) {
            Ok(0) | Err(_) => return false,
            Ok(_) => {}
        }
        if client.process_new_packets().is_err() {
            return false;
        }
        let _ = std::io::copy(&mut client.reader(), &mut buffer);
    }
    true
}
