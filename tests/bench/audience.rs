//! Clients that do nothing while a line goes out to them: they are in a process of their own, which
//! says a line, sleeps until it must have reached everybody, and reads only then. The kernel has
//! noted when it arrived at each (`SO_TIMESTAMPNS`; on loopback that is when the segment is handed
//! over to the receiver's side, a microsecond or two before a reader would be woken).

use std::error::Error;
use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::process::{Signal, set_parent_process_death_signal};
use serde::{Deserialize, Serialize};

use crate::connection::Pockets;
use crate::crowd::Crowd;
use crate::gathering::Gathering;
use crate::machine::{Cores, raise_descriptor_limit};
use crate::payload::{Kind, Mark};
use crate::server::Server;
use crate::support;

const LINE_BYTES: usize = 64;
/// Who speaks; it isn't reached.
const SPEAKER: usize = 0;
/// How long a line is given at first: so long, and so long for each client.
const PATIENCE: Duration = Duration::from_millis(5);
const PATIENCE_A_CLIENT: Duration = Duration::from_micros(20);
/// What hasn't arrived when everybody has waited again so many times is lost.
const LOOKS_MAX: u32 = 10;

/// When a line has reached its receivers, counted from its write.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Reached {
    pub first_ns: u64,
    pub last_ns: u64,
    /// All had been reached when the audience woke up, so it was no burden before.
    pub was_asleep: bool,
}

/// The other process.
pub struct Audience {
    /// Ends it when dropped.
    _process: support::process::Process,
    words: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Audience {
    /// So many clients, and one who speaks. Returns when all are in.
    pub fn start(server: SocketAddr, clients: usize, cores: Cores) -> Result<Self, Box<dyn Error>> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--audience-of", &server.to_string(), "--audience", &clients.to_string()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        // SAFETY: only one system call is made between fork and exec.
        unsafe {
            use std::os::unix::process::CommandExt;
            command.pre_exec(|| Ok(set_parent_process_death_signal(Some(Signal::KILL))?));
        }
        let mut process =
            cores.start_server(|| support::process::Process::spawn(&mut command))??;
        let child = process.child();
        let words = child.stdin.take().ok_or("no stdin")?;
        let answers = BufReader::new(child.stdout.take().ok_or("no stdout")?);
        let mut audience = Audience { _process: process, words, answers };
        audience.answer()?;
        Ok(audience)
    }

    /// One line is said; returns when everybody has read it.
    pub fn hear(&mut self) -> Result<Reached, Box<dyn Error>> {
        self.words.write_all(b"\n")?;
        Ok(serde_json::from_str(&self.answer()?)?)
    }

    fn answer(&mut self) -> Result<String, Box<dyn Error>> {
        let mut answer = String::new();
        match self.answers.read_line(&mut answer)? {
            0 => Err("the audience is gone".into()),
            _ => Ok(answer),
        }
    }
}

/// Is the audience: for each line of stdin a line is said, and one of stdout tells of it.
pub fn serve(server: SocketAddr, clients: usize) -> Result<(), Box<dyn Error>> {
    raise_descriptor_limit()?;
    // Only how to talk to it matters: it has been started.
    let kind = Server::roomcast(PathBuf::new(), "");
    let mut gathering = Gathering::new(&kind, vec![server])?;
    gathering.fill(clients + 1, |_| Pockets::Large)?;
    gathering.settle()?;
    let mut crowd = gathering.crowd;
    (0..crowd.len()).try_for_each(|member| crowd.stamp(member))?;
    let mut seats =
        Seats { crowd, said: 0, patience: PATIENCE + PATIENCE_A_CLIENT * clients as u32 };
    println!("ready");
    for word in io::stdin().lines() {
        word?;
        println!("{}", serde_json::to_string(&seats.say()?)?);
    }
    Ok(())
}

struct Seats {
    crowd: Crowd,
    said: u32,
    /// How long a line is given.
    patience: Duration,
}

impl Seats {
    fn say(&mut self) -> Result<Reached, Box<dyn Error>> {
        self.said += 1;
        let mark = Mark { kind: Kind::Load, sender: SPEAKER, counter: self.said };
        let (mut text, mut bytes) = (Vec::new(), Vec::new());
        mark.encode(LINE_BYTES, &mut text);
        self.crowd.protocol.say(&text, &mut bytes);
        let start = SystemTime::now().duration_since(UNIX_EPOCH)?;
        self.crowd.say(SPEAKER, &bytes)?;
        sleep(self.patience);
        let (mut first, mut last, mut was_asleep) = (Duration::MAX, Duration::ZERO, true);
        for member in SPEAKER + 1..self.crowd.len() {
            let (arrived, waited) = self.arrival(member, mark)?;
            was_asleep &= !waited;
            (first, last) = (first.min(arrived), last.max(arrived));
        }
        if !was_asleep {
            self.patience *= 2;
        }
        let since = |time: Duration| time.saturating_sub(start).as_nanos() as u64;
        Ok(Reached { first_ns: since(first), last_ns: since(last), was_asleep })
    }

    /// When this line reached this member, and whether that had to be waited for.
    fn arrival(&mut self, member: usize, mark: Mark) -> Result<(Duration, bool), Box<dyn Error>> {
        for look in 0..LOOKS_MAX {
            if let Some((bytes, arrived)) = self.crowd.read_stamped(member)? {
                let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
                if Mark::decode(line, LINE_BYTES) != Some(mark) {
                    return Err(format!("got {:?}", String::from_utf8_lossy(bytes)).into());
                }
                return Ok((arrived, look > 0));
            }
            sleep(self.patience);
        }
        Err("a line didn't reach everybody".into())
    }
}
