//! Files of the server that let it wait.

use std::fs;
use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::crowd::Crowd;
use crate::fault::Fault;
use crate::server::{OPERATOR_PASSWORD, SLOW_DISK, Server, Setup, Trouble};
use crate::verdict::{Judged, check, froze, lied, not_applicable};

/// A wait that people would notice.
const WAIT_MAX: Duration = Duration::from_secs(1);

const MOTD: Setup = Setup { options: &["--motd", "\"$DIR/motd\""], descriptors: None };
const BANS: Setup = Setup {
    options: &["--operator-file", "\"$DIR/operator\"", "--bans", "\"$DIR/bans\""],
    descriptors: None,
};

pub fn faults() -> Vec<Fault> {
    vec![
        Fault::new("The message of the day becomes a FIFO", &[41], MOTD, fifo),
        Fault::new("Bans are saved on a slow disk", &[41], BANS, slow_disk).with(Trouble::SlowDisk),
    ]
}

/// Nobody writes into the FIFO, and whoever reads it waits for ever.
fn fifo(server: &Server) -> Judged {
    if !server.is_roomcast {
        return Err(not_applicable("it has no such file"));
    }
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    let (fifo, motd) = (server.directory.path().join("fifo"), server.directory.path().join("motd"));
    mknodat(CWD, &fifo, FileType::Fifo, Mode::from_raw_mode(0o600), 0).expect("a FIFO");
    fs::rename(&fifo, &motd).expect("both are here");
    let start = crowd.time();
    let newcomer = crowd.join()?;
    let time = (crowd.time() - start).max(crowd.ping(ann, bob)?).max(crowd.ping(ann, newcomer)?);
    check(time < WAIT_MAX, || froze(format!("{time:.0?}")))?;
    Ok(format!("waited {time:.0?}"))
}

fn slow_disk(server: &Server) -> Judged {
    if !server.is_roomcast {
        return Err(not_applicable("it has no bans"));
    }
    let bans = server.directory.path().join("bans");
    let has_ban = || fs::read_to_string(&bans).is_ok_and(|text| text.contains("192.0.2.7"));
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    crowd.say(ann, format!("/op {OPERATOR_PASSWORD}"));
    crowd.say(ann, "/ban 192.0.2.7");
    let (start, mut worst) = (crowd.time(), Duration::ZERO);
    while !has_ban() {
        worst = worst.max(crowd.ping(ann, bob)?);
        check(crowd.time() - start < 3 * SLOW_DISK, || lied("the ban isn't kept"))?;
    }
    check(worst < WAIT_MAX, || froze(format!("heard after {worst:.0?}")))?;
    Ok(format!("worst ping {worst:.0?}"))
}
