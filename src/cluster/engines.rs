//! Several engines: each room is in one of them, and people are in the first one.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::link::{Link, Start};
use super::messages::{Event, Options};
use crate::wire::{Dispatch, Query, RoomKey, Submission};

/// The links to all engines that servers share rooms through.
#[derive(Debug)]
pub struct Engines {
    links: Vec<Link>,
    /// Which of them work.
    are_up: Vec<bool>,
    /// Which one is heard next.
    turn: usize,
}

impl Engines {
    /// Links to engines that all work within `time`, and how `room` goes on. `wake` is called
    /// when there is an event.
    ///
    /// # Errors
    /// Which one doesn't and why, or as the system says when it gives no thread.
    ///
    /// # Panics
    /// If there is no engine.
    pub fn open(
        options: Vec<Options>,
        room: &Arc<RoomKey>,
        wake: impl Fn() + Send + Clone + 'static,
        time: Duration,
    ) -> io::Result<(Engines, Start)> {
        let until = Instant::now() + time;
        let incarnation: Arc<str> = super::engine::random_name().into();
        let (count, mut links, mut starts) = (options.len(), Vec::new(), Vec::new());
        for options in options {
            let address = options.address();
            let left = until.saturating_duration_since(Instant::now());
            let opened = Link::open(options, &incarnation, room, wake.clone(), left);
            let (link, start) = opened.map_err(|error| {
                io::Error::new(error.kind(), format!("cannot use {address}: {error}"))
            })?;
            links.push(link);
            starts.push(start);
        }
        let guests = starts[0].guests;
        let tail = starts.swap_remove(place(room, count)).tail;
        Ok((Engines { links, are_up: vec![true; count], turn: 0 }, Start { tail, guests }))
    }

    /// Names this start of the server.
    pub fn incarnation(&self) -> &Arc<str> {
        self.links[0].incarnation()
    }

    /// Whether they take more lines.
    pub fn has_place(&self) -> bool {
        self.links.iter().all(Link::has_place)
    }

    /// Hands lines over, with counts that grow. They come back with their places, once each.
    pub fn submit(&self, lines: Vec<Submission>) {
        if let [link] = &self.links[..] {
            return link.submit(lines);
        }
        let mut parts: Vec<Vec<Submission>> = self.links.iter().map(|_| Vec::new()).collect();
        for line in lines {
            parts[place(&line.room, self.links.len())].push(line);
        }
        for (link, part) in self.links.iter().zip(parts).filter(|(_, part)| !part.is_empty()) {
            link.submit(part);
        }
    }

    /// Tells the other servers something.
    pub fn dispatch(&self, dispatch: Dispatch) {
        self.links[0].dispatch(dispatch);
    }

    /// Asks about a room: an `Event::Answer` follows.
    pub fn ask(&self, query: Query) {
        self.link(&query.room).ask(query);
    }

    /// Reads a room from the line `next` of the counting `run` on.
    pub fn watch(&self, room: Arc<RoomKey>, run: &str, next: u64) {
        self.link(&room).watch(room, run, next);
    }

    /// Doesn't read a room any more.
    pub fn unwatch(&self, room: Arc<RoomKey>) {
        self.link(&room).unwatch(room);
    }

    /// Hands over what waits, within `time`, and says that this server ends; false if it
    /// doesn't come to that. An engine that is known not to work isn't waited for.
    pub fn finish(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let left = |is_up| match is_up {
            true => until.saturating_duration_since(Instant::now()),
            false => Duration::ZERO,
        };
        // Those who hear that it ends have heard what was said before.
        let links = self.links.iter().zip(&self.are_up).rev();
        let done: Vec<_> = links.map(|(link, is_up)| link.finish(left(*is_up))).collect();
        done.into_iter().all(|is_done| is_done)
    }

    /// The next thing that one of them has to say.
    pub fn next_event(&mut self) -> Option<Event> {
        for _ in 0..self.links.len() {
            let at = self.turn;
            self.turn = (at + 1) % self.links.len();
            while let Some(event) = self.links[at].next_event() {
                let event = match event {
                    Event::Up => self.judge(at, None),
                    Event::Down(why) => self.judge(at, Some(why)),
                    // Nobody is in the others.
                    Event::People(_) | Event::Forgotten | Event::Guests(_) if at > 0 => None,
                    event => Some(event),
                };
                if event.is_some() {
                    return event;
                }
            }
        }
        None
    }

    /// One of them works, or doesn't: together they do if all of them do.
    fn judge(&mut self, at: usize, fault: Option<Box<str>>) -> Option<Event> {
        let were_up = self.are_up.iter().all(|is_up| *is_up);
        self.are_up[at] = fault.is_none();
        let are_up = self.are_up.iter().all(|is_up| *is_up);
        match fault {
            Some(why) if were_up => Some(Event::Down(why)),
            None if are_up && !were_up => Some(Event::Up),
            _ => None,
        }
    }

    fn link(&self, room: &RoomKey) -> &Link {
        &self.links[place(room, self.links.len())]
    }
}

/// In which of so many engines a room is. With one more, few rooms are elsewhere (rendezvous
/// hashing).
fn place(room: &RoomKey, engines: usize) -> usize {
    let weight = |at: &usize| {
        let mut hash = Sha256::new();
        hash.update(at.to_le_bytes());
        hash.update(room.looks[1].as_bytes());
        hash.finalize()
    };
    if engines == 1 { 0 } else { (0..engines).max_by_key(weight).unwrap_or(0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_are_spread_and_stay_where_they_are() {
        let room = |number: usize| {
            let name = format!("room{number}");
            RoomKey { name: name.as_str().into(), looks: [name.as_str().into(), name.into()] }
        };
        let mut counts = [0; 3];
        let mut moved = 0;
        for number in 0..3000 {
            let room = room(number);
            let at = place(&room, 3);
            counts[at] += 1;
            let with_one_more = place(&room, 4);
            assert!(with_one_more == at || with_one_more == 3, "it moves to the new one only");
            moved += usize::from(with_one_more == 3);
        }
        assert!(counts.iter().all(|count| (900..1100).contains(count)), "{counts:?}");
        assert!((650..850).contains(&moved), "{moved}");
        assert_eq!(place(&room(1), 1), 0);
    }
}
