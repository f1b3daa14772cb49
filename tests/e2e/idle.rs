//! What the server does when there is nothing to do.

use std::time::Duration;

use rustix::process::{Resource, getrlimit, setrlimit};

use crate::harness::{Client, Host, Program};

/// How long a test looks: the only waiting in these tests.
const A_WHILE: Duration = Duration::from_secs(2);

/// A loop that spins uses all of a while.
const CPU_TIME_MAX: Duration = Duration::from_millis(200);

/// Promise 31: an idle server uses no CPU, whatever the number of clients.
#[test]
fn an_idle_server_with_a_thousand_clients_never_wakes_up() {
    const CLIENTS: usize = 1000;
    raise_descriptor_limit();
    let program = Program::start(&[]);
    let mut clients: Vec<Client> = (0..CLIENTS).map(|_| program.connect()).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.read_greeting();
        for other in number + 2..=CLIENTS {
            client.hears(format!("*** guest{other} joined"));
        }
    }
    program.settle();
    let (sleeps, cpu_time) = (program.sleeps(), program.cpu_time());
    clients[0].hears_nothing_for(A_WHILE);
    assert_eq!(program.sleeps(), sleeps, "it went to sleep once and never woke up");
    assert_eq!(program.cpu_time(), cpu_time);
}

/// The limit may be for a thousand in all.
fn raise_descriptor_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).expect("it may be raised to its maximum");
}

/// Promise 19: a client that doesn't take what it is owed, and a client that closed its
/// sending side, make the loop wait and not spin; when they reset, that is
/// noticed.
#[test]
fn paused_and_half_closed_clients_cost_nothing_and_their_resets_are_noticed() {
    let program = Program::start(&[]);
    let mut paused = Client::with_small_buffer(program.address());
    paused.read_greeting();
    let mut lingering = program.guest(&mut [&mut paused]);
    let mut half_closed = program.guest(&mut [&mut paused, &mut lingering]);
    let mut watcher = program.guest(&mut [&mut paused, &mut lingering, &mut half_closed]);
    // So many questions that the answers fill what the kernel keeps, and the
    // server stops to read.
    paused.send("/help\n".repeat(20_000));
    watcher.ping();
    program.settle();
    let cpu_time = program.cpu_time();
    // The server has closed this one's connection, and this one hasn't.
    lingering.say("/quit");
    watcher.hears("*** guest2 left");
    half_closed.fin();
    watcher.hears("*** guest3 left");
    watcher.hears_nothing_for(A_WHILE);
    let used = program.cpu_time() - cpu_time;
    assert!(used < CPU_TIME_MAX, "{used:?} of CPU time");
    paused.reset();
    watcher.hears("*** guest1 left (connection reset)");
}

/// Promise 19: a reset within the time for replies is not waited out, which
/// would be a second of spinning, and frees the place.
#[test]
fn a_half_closed_client_that_resets_is_noticed_at_once() {
    let program = Program::start(&["--max-clients", "2"]);
    let [mut half_closed, mut watcher] = program.guests();
    half_closed.send("bye");
    half_closed.fin();
    watcher.hears("<guest1> bye");
    let cpu_time = program.cpu_time();
    half_closed.reset();
    watcher.hears("*** guest1 left");
    let used = program.cpu_time() - cpu_time;
    assert!(used < CPU_TIME_MAX, "{used:?} of CPU time");
    let newcomer = program.guest(&mut [&mut watcher]);
    assert_eq!(newcomer.nick(), "guest3");
}
