//! Announces a room as long as it is there.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use data_encoding::BASE32_NOPAD;
use log::{debug, info, warn};
use mdns_sd::{
    DaemonEvent, Error, IfKind, IfPredicate, Receiver, RecvTimeoutError, ServiceDaemon,
    ServiceEvent,
};
use sha2::{Digest, Sha256};

use super::interfaces;
use super::records::{ROOM, Site, name_of};

/// How long rooms with the same name are looked for before one is announced. One that has just
/// answered somebody else does so again after a second (RFC 6762, section 6).
const LOOK_TIME: Duration = Duration::from_millis(1500);

/// How often a new number of people is announced, at most; and how often the daemon is looked
/// at.
const INTERVAL: Duration = Duration::from_secs(5);

/// How long the end waits until goodbyes are sent.
const END_TIME: Duration = Duration::from_millis(300);

/// The daemon remembers what others announce, whatever that is. No LAN has so much of it.
const RECORDS_MAX: i64 = 10_000;

/// What a machine is called in `.local` for a room there, instead of its own name: others on
/// the LAN need not know that. The same each time, so that addresses with it last.
pub fn host_label(machine: &str, port: u16) -> String {
    const LETTERS: usize = 4;
    let digest = Sha256::digest(format!("roomcast {machine} {port}"));
    let letters = BASE32_NOPAD.encode(&digest).to_lowercase();
    format!("roomcast-{}", &letters[..LETTERS])
}

/// A room that is announced, until [`Announcer::end`].
#[derive(Clone)]
pub struct Announcer {
    daemon: ServiceDaemon,
    shared: Arc<Shared>,
}

/// What the thread and those who end it share.
#[derive(Default)]
struct Shared {
    /// Goodbye was said.
    is_leaving: AtomicBool,
    /// The full names of what is announced.
    services: Mutex<Vec<String>>,
}

impl Announcer {
    /// Announces a room from now on, with the number of people that `users` gives. If others
    /// on the LAN have its name it gets a number.
    ///
    /// # Errors
    /// Why that can't be done, for the operator.
    pub fn start(
        site: Site,
        users: impl Fn() -> usize + Send + 'static,
    ) -> Result<Announcer, String> {
        let cannot = |error: Error| format!("cannot announce the room: {error}");
        let daemon = ServiceDaemon::new().map_err(cannot)?;
        let others = IfPredicate::new(|interface| !interfaces::is_of_lan(interface));
        daemon.disable_interface(IfKind::Predicate(others)).map_err(cannot)?;
        let events = daemon.monitor().map_err(cannot)?;
        let rooms = daemon.browse(ROOM).map_err(cannot)?;
        let why_not = interfaces::why_no_lan();
        if let Some(why) = why_not {
            info!("not announced on the LAN: {why}");
        }
        let announcer = Announcer { daemon, shared: Arc::default() };
        let watch = Watch {
            announcer: announcer.clone(),
            site,
            users,
            told: 0,
            // It may come to a LAN later.
            is_heard: why_not.map(|_| false),
            is_renamed: false,
        };
        thread::Builder::new()
            .name("discovery".into())
            .spawn(move || watch.run(&events, &rooms))
            .map_err(|error| format!("cannot start a thread: {error}"))?;
        Ok(announcer)
    }

    /// Says that there are so many people.
    fn announce(&self, site: &Site, users: usize) -> Result<(), Error> {
        let services = site.services(users)?;
        // Nothing is announced behind a goodbye.
        let mut names = self.shared.services.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_leaving() {
            return Ok(());
        }
        *names = services.iter().map(|service| service.get_fullname().to_owned()).collect();
        services.into_iter().try_for_each(|service| self.daemon.register(service))
    }

    /// Says goodbye: those who look for rooms don't see this one any more (RFC 6762, section
    /// 10.1). Doesn't wait.
    pub fn say_goodbye(&self) {
        let names = self.shared.services.lock().unwrap_or_else(PoisonError::into_inner);
        if self.shared.is_leaving.swap(true, Ordering::Relaxed) {
            return;
        }
        for name in names.iter() {
            if let Err(error) = self.daemon.unregister(name) {
                debug!("no goodbye on the LAN: {error}");
            }
        }
    }

    fn is_leaving(&self) -> bool {
        self.shared.is_leaving.load(Ordering::Relaxed)
    }

    /// Says goodbye if that hasn't been done, and ends the threads.
    pub fn end(self) {
        self.say_goodbye();
        // It does one thing after the other.
        if let Ok(status) = self.daemon.shutdown() {
            let _ = status.recv_timeout(END_TIME);
        }
    }
}

/// What is to be done while it is announced.
struct Watch<Users> {
    announcer: Announcer,
    site: Site,
    users: Users,
    /// People that others were told of.
    told: usize,
    /// Whether others have heard of it, if that was logged.
    is_heard: Option<bool>,
    /// The daemon has given it another name.
    is_renamed: bool,
}

impl<Users: Fn() -> usize> Watch<Users> {
    fn run(mut self, events: &Receiver<DaemonEvent>, rooms: &Receiver<ServiceEvent>) {
        self.choose_name(rooms);
        self.told = (self.users)();
        if let Err(error) = self.announcer.announce(&self.site, self.told) {
            return warn!("cannot announce the room on the LAN: {error}");
        }
        let mut due = Instant::now() + INTERVAL;
        loop {
            match events.recv_deadline(due) {
                Ok(event) => self.note(event),
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    due = Instant::now() + INTERVAL;
                    if !self.look_after() {
                        return;
                    }
                }
            }
        }
    }

    /// Gives the room a name that no other one on the LAN has. (The daemon does that only for
    /// those that come at the same moment.)
    fn choose_name(&mut self, rooms: &Receiver<ServiceEvent>) {
        let end = Instant::now() + LOOK_TIME;
        let mut names = HashSet::new();
        while let Ok(event) = rooms.recv_deadline(end) {
            if let ServiceEvent::ServiceFound(_, name) = event {
                names.insert(name_of(&name).to_lowercase());
            }
        }
        let _ = self.announcer.daemon.stop_browse(ROOM);
        let name = free_name(&self.site.name, &names);
        if name != self.site.name {
            log_new_name(&name);
            self.site.name = name;
        }
    }

    fn note(&mut self, event: DaemonEvent) {
        match event {
            DaemonEvent::Announce(name, _) if name.ends_with(ROOM) => {
                if self.is_heard != Some(true) {
                    info!("announced on the LAN: roomcast find shows it");
                }
                self.is_heard = Some(true);
            }
            // One for each interface.
            DaemonEvent::NameChange(change)
                if change.new_name.ends_with(ROOM) && !self.is_renamed =>
            {
                self.is_renamed = true;
                log_new_name(name_of(&change.new_name));
            }
            DaemonEvent::Error(error) => warn!("cannot announce the room on the LAN: {error}"),
            _ => {}
        }
    }

    /// Announces how many people there are if that has changed; false if nothing is announced
    /// any more.
    fn look_after(&mut self) -> bool {
        if self.announcer.is_leaving() {
            return false;
        }
        if self.is_heard.is_none() {
            self.is_heard = Some(false);
            info!("not announced on the LAN: there is none, or another program has UDP port 5353");
        }
        if self.records() > RECORDS_MAX {
            warn!("not announced any more: more is announced on this LAN than can be remembered");
            self.announcer.clone().end();
            return false;
        }
        let users = (self.users)();
        if users != self.told {
            match self.announcer.announce(&self.site, users) {
                Ok(()) => self.told = users,
                // Next time.
                Err(error) => debug!("the LAN isn't told how many people there are: {error}"),
            }
        }
        true
    }

    /// What the daemon remembers of others.
    fn records(&self) -> i64 {
        let metrics = self.announcer.daemon.get_metrics().ok();
        let metrics = metrics.and_then(|metrics| metrics.recv_timeout(INTERVAL).ok());
        let counts = metrics.iter().flatten();
        counts.filter(|(name, _)| name.starts_with("cached-")).map(|(_, count)| count).sum()
    }
}

fn log_new_name(name: &str) {
    info!("another room on the LAN has this name, so it is announced as {name}");
}

/// `LAN party`, or `LAN party (2)` if that is taken. Names are compared in lower case (RFC
/// 6763, section 4.1.1).
fn free_name(name: &str, taken: &HashSet<String>) -> String {
    let numbered = (2..).map(|number| format!("{name} ({number})"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    names.find(|name| !taken.contains(&name.to_lowercase())).expect("numbers don't end")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_has_a_name_of_its_own_that_lasts() {
        let label = host_label("build-server", 8008);
        assert_eq!(label, host_label("build-server", 8008));
        assert_ne!(label, host_label("build-server", 8009));
        assert_ne!(label, host_label("other", 8008));
        assert!(!label.contains("build") && label.len() == "roomcast-".len() + 4, "{label}");
    }

    #[test]
    fn a_taken_name_gets_a_number() {
        let taken = ["büro", "büro (2)", "büro (4)"].map(str::to_owned).into();
        assert_eq!(free_name("Küche", &taken), "Küche");
        assert_eq!(free_name("Büro", &taken), "Büro (3)");
        assert_eq!(free_name("büro", &taken), "büro (3)");
    }
}
