//! Announces a room as long as it is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use data_encoding::BASE32_NOPAD;
use log::{debug, info, warn};
use mdns_sd::{DaemonEvent, Error, IfKind, IfPredicate, Receiver, RecvTimeoutError, ServiceDaemon};
use sha2::{Digest, Sha256};

use super::interfaces;
use super::records::{ROOM, Site, name_of};

/// How often a new number of people is announced, at most.
const UPDATE_INTERVAL: Duration = Duration::from_secs(10);

/// How long the end waits until goodbyes are sent.
const END_TIME: Duration = Duration::from_millis(300);

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
    site: Arc<Site>,
    /// Goodbye was said.
    is_leaving: Arc<AtomicBool>,
}

impl Announcer {
    /// Announces a room from now on, with the number of people that `users` gives.
    ///
    /// # Errors
    /// Why that can't be done, for the operator.
    pub fn start(
        site: Site,
        users: impl Fn() -> usize + Send + 'static,
    ) -> Result<Announcer, String> {
        let cannot = |error: mdns_sd::Error| format!("cannot announce the room: {error}");
        let daemon = ServiceDaemon::new().map_err(cannot)?;
        let others = IfPredicate::new(|interface| !interfaces::is_of_lan(interface));
        daemon.disable_interface(IfKind::Predicate(others)).map_err(cannot)?;
        let events = daemon.monitor().map_err(cannot)?;
        let (site, is_leaving) = (Arc::new(site), Arc::default());
        let announcer = Announcer { daemon, site, is_leaving };
        let told = users();
        announcer.announce(told, true).map_err(cannot)?;
        let watch = Watch {
            announcer: announcer.clone(),
            users,
            told,
            is_announced: false,
            is_renamed: false,
        };
        thread::Builder::new()
            .name("discovery".into())
            .spawn(move || watch.run(&events))
            .map_err(|error| format!("cannot start a thread: {error}"))?;
        Ok(announcer)
    }

    /// Says that there are so many people. A new name is tried first (RFC 6762, section 8).
    fn announce(&self, users: usize, is_new: bool) -> Result<(), Error> {
        for mut service in self.site.services(users)? {
            service.set_requires_probe(is_new);
            self.daemon.register(service)?;
        }
        Ok(())
    }

    /// Says goodbye: those who look for rooms don't see this one any more (RFC 6762, section
    /// 10.1). Doesn't wait.
    pub fn say_goodbye(&self) {
        if self.is_leaving.swap(true, Ordering::Relaxed) {
            return;
        }
        for service in self.site.services(0).into_iter().flatten() {
            if let Err(error) = self.daemon.unregister(service.get_fullname()) {
                debug!("no goodbye on the LAN: {error}");
            }
        }
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
    users: Users,
    /// People that others were told of.
    told: usize,
    is_announced: bool,
    is_renamed: bool,
}

impl<Users: Fn() -> usize> Watch<Users> {
    fn run(mut self, events: &Receiver<DaemonEvent>) {
        let mut due = Instant::now() + UPDATE_INTERVAL;
        loop {
            match events.recv_deadline(due) {
                Ok(event) => self.note(event),
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    due = Instant::now() + UPDATE_INTERVAL;
                    self.update();
                }
            }
        }
    }

    fn note(&mut self, event: DaemonEvent) {
        match event {
            DaemonEvent::Announce(name, _) if name.ends_with(ROOM) && !self.is_announced => {
                self.is_announced = true;
                info!("announced on the LAN: roomcast find shows it");
            }
            // One for each interface.
            DaemonEvent::NameChange(change)
                if change.new_name.ends_with(ROOM) && !self.is_renamed =>
            {
                self.is_renamed = true;
                let name = name_of(&change.new_name);
                info!("another room on the LAN has this name, so it is announced as {name}");
            }
            DaemonEvent::Error(error) => warn!("cannot announce the room on the LAN: {error}"),
            _ => {}
        }
    }

    /// Announces how many people there are if that has changed.
    fn update(&mut self) {
        let users = (self.users)();
        if users == self.told || self.announcer.is_leaving.load(Ordering::Relaxed) {
            return;
        }
        match self.announcer.announce(users, false) {
            Ok(()) => self.told = users,
            // Next time.
            Err(error) => debug!("the LAN isn't told how many people there are: {error}"),
        }
    }
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
}
