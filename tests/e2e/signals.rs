//! The end of the server.

use std::hint;
use std::os::unix::process::ExitStatusExt;
use std::thread;
use std::time::Instant;

use rustix::process::Signal;

use crate::harness::{Client, Dice, Host, PATIENCE, Program, Room};

const NOTICE: &str = "*** the server is shutting down";

/// Promise 28: everyone is told, and reads the end.
#[test]
fn at_its_end_the_server_tells_everyone() {
    for signal in [Signal::INT, Signal::TERM] {
        let mut program = Program::start(&[]);
        let [mut ann, mut bob] = program.guests();
        ann.send("hello\r\nhalf a li");
        ann.takes_crlf();
        bob.hears("<guest1> hello");
        program.signal(signal);
        for mut client in [ann, bob] {
            client.hears(NOTICE);
            client.expect_eof();
        }
        assert_eq!(program.exit_code(), 0);
    }
}

/// Promise 28: the notice comes last, to everyone, and no line is lost that
/// anyone has got.
#[test]
fn a_signal_in_a_heavy_chat_loses_nothing() {
    const SENDERS: usize = 4;
    const READERS: usize = 4;
    for signal in [Signal::INT, Signal::TERM] {
        // With a backlog that no reader falls out of.
        let mut program = Program::start(&["--echo", "--backlog", "268435456", "--rate", "0"]);
        let mut clients = program.guests::<{ SENDERS + READERS }>();
        clients[0].say("go");
        clients.iter_mut().for_each(|client| client.hears("<guest1> go"));
        let labels: Vec<_> = clients[..SENDERS].iter().map(label).collect();
        let streams: Vec<String> = thread::scope(|scope| {
            let (senders, readers) = clients.split_at_mut(SENDERS);
            let senders = senders.iter_mut().map(|sender| scope.spawn(|| talk(sender)));
            let mut threads: Vec<_> = senders.collect();
            let (first, others) = readers.split_first_mut().expect("there are some");
            threads.extend(others.iter_mut().map(|reader| scope.spawn(|| all(reader))));
            // When each has said something the chat is going on.
            let mut stream = String::new();
            while !labels.iter().all(|label| stream.contains(label)) {
                stream.extend((0..3000).map(|_| first.line() + "\n"));
            }
            program.signal(signal);
            stream += &all(first);
            assert_eq!(program.exit_code(), 0);
            threads.push(scope.spawn(|| stream));
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        for stream in &streams {
            assert!(stream == &streams[0], "everyone gets the same");
        }
        let mut next = [0; SENDERS];
        let talk = streams[0].strip_suffix(&format!("{NOTICE}\n")).expect("the notice is last");
        for line in talk.lines() {
            let (nick, counter) = line.split_once("> ").expect("a line is whole");
            let sender: usize = nick["<guest".len()..].parse().expect("a number");
            assert_eq!(counter, next[sender - 1].to_string());
            next[sender - 1] += 1;
        }
        assert!(next.iter().all(|&lines| lines > 0));
    }
}

/// Says numbers until the server ends, at each time a few that haven't come
/// back. Gives all that it was sent.
fn talk(sender: &mut Client) -> String {
    const BATCH: usize = 20;
    let mut stream = String::new();
    let own = label(sender);
    for batch in 0.. {
        let numbers = batch * BATCH..(batch + 1) * BATCH;
        let last = format!("{own}{}", numbers.end - 1);
        let lines: String = numbers.map(|number| format!("{number}\n")).collect();
        if !sender.try_send(lines) {
            break;
        }
        loop {
            let line = sender.line();
            stream += &line;
            stream.push('\n');
            if line == NOTICE {
                sender.expect_eof();
                return stream;
            }
            if line == last {
                break;
            }
        }
    }
    stream + &all(sender)
}

/// What its lines begin with.
fn label(sender: &Client) -> String {
    format!("<{}> ", sender.nick())
}

fn all(reader: &mut Client) -> String {
    String::from_utf8(reader.rest()).expect("it is UTF-8")
}

/// A client that doesn't take what it is owed, one that hears, and the server.
fn with_stuck_client() -> (Program, Client, Client) {
    let program = Program::start(&["--rate", "0"]);
    let mut stuck = Client::with_small_buffer(program.address());
    stuck.read_greeting();
    let mut alive = program.guest(&mut [&mut stuck]);
    let mut speaker = program.guest(&mut [&mut stuck, &mut alive]);
    let line = "x".repeat(999);
    for _ in 0..3000 {
        speaker.say(&line);
        alive.hears(format!("<guest3> {line}"));
    }
    speaker.say("/quit");
    alive.hears("*** guest3 left");
    (program, stuck, alive)
}

/// Promise 28: a client that doesn't read holds the end up by a few seconds at most.
#[test]
fn a_stuck_client_does_not_hold_up_the_end() {
    let (mut program, _stuck, mut alive) = with_stuck_client();
    program.signal(Signal::TERM);
    alive.hears(NOTICE);
    alive.expect_eof();
    assert_eq!(program.exit_code(), 0);
}

/// Promise 28: the second signal ends at once.
#[test]
fn a_second_signal_ends_the_server_at_once() {
    let (mut program, mut stuck, mut alive) = with_stuck_client();
    program.signal(Signal::INT);
    alive.hears(NOTICE);
    alive.expect_eof();
    program.signal(Signal::TERM);
    assert_eq!(program.exit_code(), 130);
    // It had not got the notice: the server was still waiting for it.
    let rest = stuck.read_to_any_end();
    assert!(!rest.ends_with(format!("{NOTICE}\n").as_bytes()));
}

/// Clients still hear each other, and the first signal that ends the server is
/// `SIGTERM`: with a second one the exit code would be another.
#[track_caller]
fn goes_on(mut program: Program) {
    let [mut ann, mut bob] = program.guests();
    ann.say("hello");
    bob.hears("<guest1> hello");
    program.signal(Signal::TERM);
    bob.hears(NOTICE);
    assert_eq!(program.exit_code(), 0);
}

#[test]
fn signals_that_were_ignored_at_the_start_stay_ignored() {
    // As nohup does, and a shell for a job in the background.
    let program = Program::started_by(&["sh", "-c", "trap '' HUP INT; exec \"$0\" \"$@\""], &[]);
    for _ in 0..2 {
        program.signal(Signal::HUP);
        program.signal(Signal::INT);
    }
    goes_on(program);
}

#[test]
fn signals_that_were_blocked_at_the_start_end_the_server() {
    for signal in [Signal::INT, Signal::TERM] {
        let mut program = Program::started_by(&["env", "--block-signal=INT,TERM,HUP"], &[]);
        let [mut ann] = program.guests();
        program.signal(signal);
        ann.hears(NOTICE);
        assert_eq!(program.exit_code(), 0);
    }
}

#[test]
fn signals_that_mean_nothing_here_end_nothing() {
    for signal in [Signal::USR1, Signal::USR2, Signal::XFSZ, Signal::PIPE, Signal::TTOU] {
        let program = Program::start(&[]);
        program.signal(signal);
        goes_on(program);
    }
}

#[test]
fn sigquit_ends_the_process_at_once() {
    let mut program = Program::started_by(&["sh", "-c", "ulimit -c 0; exec \"$0\" \"$@\""], &[]);
    let [mut ann] = program.guests();
    program.signal(Signal::QUIT);
    ann.expect_eof();
    assert_eq!(program.wait().signal(), Some(Signal::QUIT.as_raw()));
}

/// Promise 29: a stop just before the wait is never missed.
#[test]
fn a_stop_at_any_moment_ends_the_loop() {
    let mut dice = Dice::new();
    for _ in 0..1000 {
        let room = Room::open();
        spin(dice.below(20_000));
        room.close();
    }
}

/// Promise 29, for other threads: what they have for the loop isn't left until somebody says
/// something. Each wake-up makes the loop take a turn, also one that is sent while it begins to
/// wait.
#[test]
fn a_wake_up_at_any_moment_makes_the_loop_take_a_turn() {
    let (room, mut dice) = (Room::open(), Dice::new());
    for _ in 0..20_000 {
        let (turns, start) = (room.pulse.turns(), Instant::now());
        room.pulse.wake();
        while room.pulse.turns() == turns {
            assert!(start.elapsed() < PATIENCE, "the loop sleeps after {turns} turns");
            thread::yield_now();
        }
        spin(dice.below(50));
    }
}

/// Promise 29, with the binary: from the moment that it says where it listens,
/// a signal ends it as it should.
#[test]
fn a_signal_at_any_moment_ends_the_program() {
    let mut dice = Dice::new();
    for signal in [Signal::INT, Signal::TERM].repeat(15) {
        let mut program = Program::start(&[]);
        spin(dice.below(100_000));
        program.signal(signal);
        assert_eq!(program.exit_code(), 0, "{}", program.stderr());
    }
}

/// Passes a short time, without a sleep that would be rounded up.
fn spin(turns: usize) {
    for _ in 0..turns {
        hint::spin_loop();
    }
}
