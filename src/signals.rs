//! Signals: which of them stop the server, which makes it read files again, and which must
//! not harm it. The table is in docs/operating.md.

use std::fs::File;
use std::io;
use std::thread;

use nix::errno::Errno;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

/// Signals that stop the server. A parent may have blocked them, and then only
/// SIGKILL would be left.
const STOPPING: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

/// Those of them that a parent ignores to say that the server is to go on: nohup
/// does so with SIGHUP, a shell with SIGINT for what it starts in the background.
const OPTIONAL: [Signal; 2] = [Signal::SIGINT, Signal::SIGHUP];

/// Signals that would end or stop the process without a word. A write that is too
/// long for a file, or that nobody reads, fails instead.
const HARMLESS: [Signal; 4] = [Signal::SIGUSR2, Signal::SIGXFSZ, Signal::SIGPIPE, Signal::SIGTTOU];

/// The signal of `roomcast reload`. Without a terminal SIGHUP means the same.
pub const RELOADING: Signal = Signal::SIGUSR1;

/// What was found at the start.
pub struct Signals {
    /// Signals that stay ignored.
    ignored: Vec<Signal>,
    /// Those that make the server read files again.
    reloading: SigSet,
}

impl Signals {
    /// Takes the signals over from the parent. Called before any thread is there,
    /// since threads inherit what is blocked.
    pub fn prepare() -> Result<Signals, Errno> {
        STOPPING.into_iter().collect::<SigSet>().thread_unblock()?;
        for signal in HARMLESS {
            set(signal, &ignore())?;
        }
        let mut ignored = Vec::new();
        for signal in OPTIONAL {
            let before = set(signal, &ignore())?;
            match before.handler() {
                SigHandler::SigIgn => ignored.push(signal),
                _ => _ = set(signal, &before)?,
            }
        }
        // While `on_stop` sets its handler they aren't ignored for a moment.
        ignored.iter().copied().collect::<SigSet>().thread_block()?;
        let mut reloading = SigSet::from(RELOADING);
        if !ignored.contains(&Signal::SIGHUP) && !has_terminal() {
            reloading.add(Signal::SIGHUP);
        }
        // One thread waits for them, if any; all others inherit that they are blocked.
        reloading.thread_block()?;
        Ok(Signals { ignored, reloading })
    }

    /// Whether SIGHUP makes the server read files again, and doesn't stop it.
    pub fn is_hangup_for_reload(&self) -> bool {
        self.reloading.contains(Signal::SIGHUP)
    }

    /// Calls `handle` at each signal that makes the server read files again.
    ///
    /// # Errors
    /// As the system says when it gives no thread.
    pub fn on_reload(&self, handle: impl Fn() + Send + 'static) -> io::Result<()> {
        let reloading = self.reloading;
        let wait = move || {
            while reloading.wait().is_ok() {
                handle();
            }
        };
        thread::Builder::new().name("reload".into()).spawn(wait).map(drop)
    }

    /// Calls `handle` at each signal that stops the server.
    pub fn on_stop(self, handle: impl FnMut() + Send + 'static) -> Result<(), String> {
        ctrlc::set_handler(handle).map_err(|error| error.to_string())?;
        for signal in self.ignored {
            set(signal, &ignore()).map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}

/// Whether a terminal can hang up. Without one SIGHUP comes from a supervisor or an
/// administrator, who wants files to be read again (daemon(7)).
fn has_terminal() -> bool {
    File::open("/dev/tty").is_ok()
}

fn ignore() -> SigAction {
    SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty())
}

/// Gives what was there before.
fn set(signal: Signal, action: &SigAction) -> Result<SigAction, Errno> {
    // SAFETY: a handler must be one that may run at any time. The actions given
    // here ignore the signal, or are what the process was started with.
    #[allow(unsafe_code)]
    unsafe {
        sigaction(signal, action)
    }
}
