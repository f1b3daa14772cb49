//! Clients on other machines: one that takes every place, and some that are gone
//! without a word. Each fault has a network of its own, in which the server and
//! its clients are alone.

use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;
use std::time::Duration;

use crate::client::End;
use crate::crowd::{Crowd, Id, PATIENCE};
use crate::fault::Fault;
use crate::flood::Flood;
use crate::server::{Server, Setup};
use crate::verdict::{Judged, check, froze, leaked, lied};

/// So that the faults needn't wait for two minutes.
const SHORT_SILENCE: Setup = Setup {
    options: &["--rate", "0", "--stall-timeout", "3", "--dead-timeout", "3"],
    descriptors: None,
};
const FEW_PLACES: Setup = Setup { options: &["--max-clients", "192"], descriptors: Some(256) };

pub fn faults() -> Vec<Fault> {
    vec![
        Fault::new("One address takes every slot", &[24], FEW_PLACES, one_address).alone(),
        Fault::new("10 hosts vanish", &[22], SHORT_SILENCE, idle_machines).alone(),
        Fault::new("10 hosts vanish with lines under way", &[22], SHORT_SILENCE, owed_machines)
            .alone(),
    ]
}

/// Those from elsewhere still come in, and who is kept out is told.
fn one_address(server: &Server) -> Judged {
    const CLIENTS: usize = 300;
    const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 7);
    ip(&["address", "add", &ADDRESS.to_string(), "dev", "lo"]);
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    let greedy: Vec<Id> =
        (0..CLIENTS).map(|_| crowd.connect_from(IpAddr::from(ADDRESS))).collect::<Judged<_>>()?;
    let newcomer = crowd.join()?;
    let ping = crowd.ping(newcomer, ann)?;
    let last = greedy[CLIENTS - 1];
    let ended = crowd.wait(PATIENCE, "", |crowd| crowd.client(last).end.is_some());
    ended.map_err(|_| froze("the one too many waits in vain"))?;
    let is_told = crowd.client(last).end == Some(End::Eof) && crowd.client(last).received_bytes > 0;
    check(is_told, || lied("the one too many isn't told why"))?;
    let places = greedy.iter().filter(|&&id| crowd.client(id).end.is_none()).count();
    greedy.into_iter().for_each(|id| crowd.reset(id));
    crowd.ping(bob, newcomer)?;
    Ok(format!("{places} places, ping {ping:.0?}"))
}

fn idle_machines(server: &Server) -> Judged {
    vanish(server, 0)
}

fn owed_machines(server: &Server) -> Judged {
    // More than the kernel takes for those who don't read.
    vanish(server, 4 << 20)
}

/// Everyone is gone without a word, some of them are owed so many bytes. Their
/// connections are given up.
fn vanish(server: &Server, bytes: usize) -> Judged {
    const CLIENTS: usize = 10;
    const TIME_MAX: Duration = Duration::from_secs(10);
    let descriptors = server.descriptors()?;
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    for _ in 0..CLIENTS - 2 {
        let id = crowd.connect_stuck()?;
        crowd.show_presence(id)?;
    }
    if bytes > 0 {
        let mut flood = Flood::of_bytes(bob, 1000, bytes);
        flood.pour(&mut crowd, ann)?;
    }
    ip(&["link", "set", "lo", "down"]);
    let is_back =
        |crowd: &mut Crowd| crowd.server.descriptors().is_ok_and(|count| count <= descriptors);
    let given_up = crowd.wait(TIME_MAX, "", is_back);
    ip(&["link", "set", "lo", "up"]);
    let left = server.descriptors()?.saturating_sub(descriptors);
    let time = given_up.map_err(|_| leaked(format!("{left} connections after {TIME_MAX:.0?}")))?;
    Ok(format!("given up after {time:.1?}"))
}

/// Changes the network that this thread is in.
fn ip(arguments: &[&str]) {
    let output = Command::new("ip").args(arguments).output().expect("ip is there");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {arguments:?}: {errors}");
}
