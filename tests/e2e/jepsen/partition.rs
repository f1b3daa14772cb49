//! Links between machines that are taken down, and come back.

use std::thread;
use std::time::{Duration, Instant};

use super::cluster::Cluster;
use super::history::SERVERS;
use super::notices::{BACK, DOWN};
use crate::engine::is_possible;
use crate::harness::Namespace;

/// How long a link is down at least: longer than anybody waits for an answer.
const DOWN_TIME: Duration = Duration::from_secs(4);

/// Takes the links of these servers down for a while. Their people are told, all others talk on.
fn part(cut_off: &[usize]) {
    if !is_possible() || !Namespace::is_possible() {
        return;
    }
    let cluster = Cluster::on_machines();
    let mark = cluster.mark();
    let start = Instant::now();
    cut_off.iter().for_each(|&server| cluster.machines[server].cut());
    cluster.wait_told(cut_off, DOWN, &mark);
    let others: Vec<_> = SERVERS.into_iter().filter(|server| !cut_off.contains(server)).collect();
    cluster.wait_for_talk(&others);
    thread::sleep(DOWN_TIME.saturating_sub(start.elapsed()));
    cut_off.iter().for_each(|&server| cluster.machines[server].mend());
    cluster.wait_told(cut_off, BACK, &mark);
    cluster.finish();
}

/// Promise 75.
#[test]
fn a_server_is_parted_from_the_others() {
    part(&[1]);
}

/// Promise 75.
#[test]
fn the_engine_is_parted_from_all() {
    part(&SERVERS);
}
