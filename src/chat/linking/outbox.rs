//! What was said here and has no place yet in a room that several servers share.

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashMap;

use crate::chat::ids::ClientId;
use crate::chat::room::log::{HiddenFrom, Line};
use crate::wire::{Batch, News, RoomKey, StoredLine};

/// Lines that are on their way at most; then no client is read until some have come back.
const LINES_MAX: usize = 20_000;

/// Bytes of lines that the link hasn't taken.
const BYTES_MAX: usize = 1024 * 1024;

/// The part of the chat that the link sees.
#[derive(Debug, Default)]
pub(in crate::chat) struct Outbox {
    /// What the link hasn't taken.
    batch: Batch,
    /// Lines so far. Each has its count from 1 on.
    count: u64,
    /// Lines of each room that haven't come back, in their order.
    pending: HashMap<Arc<RoomKey>, VecDeque<Pending>>,
    /// How many these are.
    lines: usize,
    /// The engine answers.
    is_up: bool,
}

/// A line that hasn't come back.
#[derive(Debug)]
pub(in crate::chat) struct Pending {
    count: u64,
    pub author: ClientId,
    /// Those who know it.
    pub hidden: HiddenFrom,
}

impl Outbox {
    /// Hands a line over that was said in a room.
    pub fn add(&mut self, room: &Arc<RoomKey>, line: &Line<'_>, hidden: HiddenFrom) {
        self.count += 1;
        let Line { author, kind, time, from, text } = *line;
        let number = self.count;
        self.batch.push(room, News::Line(StoredLine { number, time, kind, from, text }));
        let pending = Pending { count: self.count, author, hidden };
        self.pending.entry(Arc::clone(room)).or_default().push_back(pending);
        self.lines += 1;
    }

    /// Hands over what a room is about.
    pub fn add_topic(&mut self, room: &Arc<RoomKey>, topic: &str) {
        self.batch.push(room, News::Topic(topic));
    }

    /// A line of this server has come back; gives what is known of it. Of lines of the room
    /// before it nothing comes any more: the engine has forgotten them.
    pub fn take_back(&mut self, room: &Arc<RoomKey>, count: u64) -> Option<Pending> {
        let pending = self.pending.get_mut(room)?;
        let mut found = None;
        while let Some(next) = pending.pop_front_if(|pending| pending.count <= count) {
            self.lines -= 1;
            found = Some(next).filter(|next| next.count == count);
        }
        if pending.is_empty() {
            self.pending.remove(room);
        }
        found
    }

    /// Nothing of this room comes back any more.
    pub fn forget(&mut self, room: &Arc<RoomKey>) {
        self.lines -= self.pending.remove(room).map_or(0, |pending| pending.len());
    }

    /// Whether there is something for the link.
    pub fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// What the link is given.
    pub fn take(&mut self) -> Batch {
        std::mem::take(&mut self.batch)
    }

    /// Whether more may be said now.
    pub fn has_place(&self) -> bool {
        self.lines < LINES_MAX && self.batch.bytes() < BYTES_MAX
    }

    pub fn is_up(&self) -> bool {
        self.is_up
    }

    /// The engine answers, or doesn't; gives how it was.
    pub fn set_up(&mut self, is_up: bool) -> bool {
        std::mem::replace(&mut self.is_up, is_up)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Kind;

    fn room(name: &str) -> Arc<RoomKey> {
        Arc::new(RoomKey { name: name.into(), looks: [name.into(), name.into()] })
    }

    fn say(outbox: &mut Outbox, room: &Arc<RoomKey>) {
        let (author, kind, time) = (ClientId::default(), Kind::Said, 0);
        let line = Line { author, kind, time, from: "ann", text: b"hello" };
        outbox.add(room, &line, HiddenFrom::Author);
    }

    #[test]
    fn lines_of_rooms_come_back_in_any_order_of_the_rooms() {
        let (lobby, dev) = (room("lobby"), room("dev"));
        let mut outbox = Outbox::default();
        for room in [&lobby, &dev, &lobby] {
            say(&mut outbox, room);
        }
        let mut back = |room, count| outbox.take_back(room, count).map(|it| it.count);
        assert_eq!([back(&lobby, 1), back(&lobby, 3)], [Some(1), Some(3)]);
        assert_eq!([back(&dev, 2), back(&dev, 2)], [Some(2), None]);
        assert_eq!((outbox.lines, outbox.pending.len()), (0, 0));
    }

    #[test]
    fn what_does_not_come_back_is_forgotten() {
        let (lobby, dev) = (room("lobby"), room("dev"));
        let mut outbox = Outbox::default();
        for room in [&lobby, &lobby, &lobby, &dev] {
            say(&mut outbox, room);
        }
        // The engine has lost the first two.
        assert_eq!(outbox.take_back(&lobby, 3).map(|it| it.count), Some(3));
        assert_eq!(outbox.lines, 1);
        outbox.forget(&dev);
        assert_eq!((outbox.lines, outbox.pending.len()), (0, 0));
        assert!(outbox.has_place() && !outbox.is_empty());
    }
}
