//! What encrypting alone costs, without a server, a socket or a line: the floor for a delivery
//! over TLS.

use std::io::{self, IoSlice};
use std::net::{TcpListener, TcpStream};
use std::time::Instant;

use roomcast::net::{Certificate, TlsSide};

use crate::secured::{Secured, Security, certificate, key};

/// Bytes of plain text in one record: a line, some lines, and as many as fit.
const SIZES: [usize; 4] = [75, 300, 1_500, 16_384];

/// For each of them.
const BYTES: usize = 1 << 28;
const RECORDS_MAX: usize = 1_000_000;

/// Prints nanoseconds for records of several sizes.
pub fn measure() -> io::Result<()> {
    let mut side = side()?;
    let mut out = Vec::with_capacity(1 << 16);
    println!("{:>8} {:>12} {:>12}", "bytes", "ns a record", "ns a KiB");
    for size in SIZES {
        let text = vec![b'x'; size];
        let records = (BYTES / size).min(RECORDS_MAX);
        let start = Instant::now();
        for _ in 0..records {
            side.encrypt(&[IoSlice::new(&text)])?;
            out.clear();
            side.flush(&mut out)?;
        }
        let nanos = start.elapsed().as_nanos() as f64 / records as f64;
        println!("{size:>8} {nanos:>12.0} {:>12.0}", nanos * 1024.0 / size as f64);
    }
    Ok(())
}

/// The server's side of a connection whose handshake is done.
fn side() -> io::Result<TlsSide> {
    let certificate = Certificate::from_files(certificate(), key()).map_err(io::Error::other)?;
    let mut side = TlsSide::new(&certificate)?;
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    let client = std::thread::spawn(move || {
        let mut socket = TcpStream::connect(address)?;
        Secured::begin(&mut socket, Security::AtOnce)
    });
    let (mut socket, _) = listener.accept()?;
    let mut bytes = [0; 4096];
    while side.version().is_none() {
        let length = io::Read::read(&mut socket, &mut bytes)?;
        side.take_in(&bytes[..length])?;
        side.flush(&mut socket)?;
    }
    client.join().expect("no panic")?;
    Ok(side)
}
