//! What was said here and has no place yet in a room that several servers share.

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashMap;
use slotmap::Key;

use crate::chat::ids::ClientId;
use crate::chat::room::log::{HiddenFrom, Line};
use crate::wire::{Change, RoomKey, SharedLine, Submission};

/// Lines that are on their way at most; then no client is read until some have come back. The
/// engine keeps more of a room, so what several servers have on their way is read in time.
const LINES_MAX: usize = 2500;

/// Bytes of lines that the link hasn't taken.
const BYTES_MAX: usize = 1024 * 1024;

/// Lines that are shown at once because the engine is away or hasn't opened their room, and bytes
/// of them.
const ALONE_LINES_MAX: usize = 1000;
const ALONE_BYTES_MAX: usize = 256 * 1024;

/// The part of the chat that the link sees.
#[derive(Debug, Default)]
pub(in crate::chat) struct Outbox {
    /// What the link hasn't taken, and bytes of that.
    batch: Vec<Submission>,
    bytes: usize,
    /// Lines so far. Each has its count from 1 on.
    count: u64,
    /// Lines of each room that haven't come back, in their order.
    pending: HashMap<Arc<RoomKey>, VecDeque<Pending>>,
    /// How many these are.
    lines: usize,
    /// How many of these those here have been shown.
    shown: usize,
    /// Authors of lines that don't come back.
    dropped: Vec<ClientId>,
    /// The engine works.
    is_up: bool,
    /// Lines that were shown here at once since that has changed, and bytes of them.
    alone: (usize, usize),
    /// Lines that were too many of these, by room.
    lost: Vec<(Arc<RoomKey>, u64)>,
}

/// A line that hasn't come back.
#[derive(Debug)]
pub(in crate::chat) struct Pending {
    count: u64,
    pub author: ClientId,
    /// Those who know it.
    pub hidden: HiddenFrom,
    /// What it is, for those here if the engine goes away; `None`: they have been shown it.
    pub line: Option<SharedLine>,
}

impl Outbox {
    /// Hands a line over that was said in a room, and what is different there from then on.
    pub fn add(
        &mut self,
        room: &Arc<RoomKey>,
        line: &Line<'_>,
        hidden: HiddenFrom,
        change: Option<Change>,
    ) {
        let shared = shared(line, change);
        let (author, line) = (line.author, Some(shared.clone()));
        self.push(room, shared);
        let pending = Pending { count: self.count, author, hidden, line };
        self.pending.entry(Arc::clone(room)).or_default().push_back(pending);
        self.lines += 1;
    }

    /// Hands a line over that those here have been shown, because the engine is away or hasn't
    /// opened the room. What is too much is counted.
    pub fn add_shown(&mut self, room: &Arc<RoomKey>, line: &Line<'_>, change: Option<Change>) {
        let shared = shared(line, change);
        let (lines, bytes) = (self.alone.0 + 1, self.alone.1 + shared.bytes());
        if lines > ALONE_LINES_MAX || bytes > ALONE_BYTES_MAX {
            return self.lose(room, 1);
        }
        self.alone = (lines, bytes);
        self.push(room, shared);
        let (author, hidden, line) = (line.author, HiddenFrom::Nobody, None);
        let pending = Pending { count: self.count, author, hidden, line };
        self.pending.entry(Arc::clone(room)).or_default().push_back(pending);
        self.lines += 1;
        self.shown += 1;
    }

    /// So many lines of a room aren't handed over.
    pub fn lose(&mut self, room: &Arc<RoomKey>, lines: u64) {
        match self.lost.iter_mut().find(|(other, _)| other == room) {
            Some((_, lost)) => *lost += lines,
            None => self.lost.push((Arc::clone(room), lines)),
        }
    }

    /// Hands a line over for a room that nobody here is in.
    pub fn add_elsewhere(&mut self, room: &Arc<RoomKey>, line: &Line<'_>) {
        self.push(room, shared(line, None));
    }

    fn push(&mut self, room: &Arc<RoomKey>, line: SharedLine) {
        self.count += 1;
        self.bytes += line.bytes();
        self.batch.push(Submission { room: Arc::clone(room), count: self.count, line });
    }

    /// A line of this server has come back; gives what is known of it. Of lines of the room
    /// before it nothing comes any more: the engine has forgotten them.
    pub fn take_back(&mut self, room: &Arc<RoomKey>, count: u64) -> Option<Pending> {
        let pending = self.pending.get_mut(room)?;
        let mut found: Option<Pending> = None;
        while let Some(next) = pending.pop_front_if(|pending| pending.count <= count) {
            self.lines -= 1;
            self.shown -= usize::from(next.line.is_none());
            self.dropped.extend(found.replace(next).map(|pending| pending.author));
        }
        if pending.is_empty() {
            self.pending.remove(room);
        }
        let (found, dropped) = match found {
            Some(found) if found.count == count => (Some(found), None),
            dropped => (None, dropped),
        };
        self.dropped.extend(dropped.map(|pending| pending.author));
        found
    }

    /// Nothing of this room comes back any more.
    pub fn forget(&mut self, room: &Arc<RoomKey>) {
        self.forget_until(room, u64::MAX);
    }

    /// Of this room nothing comes back up to this count.
    pub fn forget_until(&mut self, room: &Arc<RoomKey>, count: u64) {
        let last = self.take_back(room, count);
        self.dropped.extend(last.map(|pending| pending.author));
    }

    /// The authors of lines that don't come back any more, once for each.
    pub fn take_dropped(&mut self) -> Vec<ClientId> {
        std::mem::take(&mut self.dropped)
    }

    /// Lines of a room that haven't come back and that nobody here has been shown, which they
    /// are now.
    pub fn show_pending(&mut self, room: &Arc<RoomKey>) -> Vec<(ClientId, HiddenFrom, SharedLine)> {
        let pending = self.pending.get_mut(room).into_iter().flatten();
        let shown = pending.filter_map(|pending| {
            let hidden = std::mem::replace(&mut pending.hidden, HiddenFrom::Nobody);
            Some((pending.author, hidden, pending.line.take()?))
        });
        let shown: Vec<_> = shown.collect();
        self.shown += shown.len();
        shown
    }

    /// Whether there is something for the link.
    pub fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// What the link is given.
    pub fn take(&mut self) -> Vec<Submission> {
        self.bytes = 0;
        std::mem::take(&mut self.batch)
    }

    /// Whether more may be said now.
    pub fn has_place(&self) -> bool {
        // While the engine is away, and for rooms that it hasn't opened, there are other limits.
        !self.is_up || self.lines - self.shown < LINES_MAX && self.bytes < BYTES_MAX
    }

    /// Lines that haven't come back.
    pub fn lines(&self) -> usize {
        self.lines
    }

    pub fn is_up(&self) -> bool {
        self.is_up
    }

    /// The engine works, or doesn't; gives how it was.
    pub fn set_up(&mut self, is_up: bool) -> bool {
        self.alone = (0, 0);
        std::mem::replace(&mut self.is_up, is_up)
    }

    /// How many lines of each room aren't handed over, because they were too many while the
    /// engine was away.
    pub fn take_lost(&mut self) -> Vec<(Arc<RoomKey>, u64)> {
        std::mem::take(&mut self.lost)
    }
}

fn shared(line: &Line<'_>, change: Option<Change>) -> SharedLine {
    let Line { author, kind, time, from, text, facts } = *line;
    SharedLine {
        author: if author.is_null() { 0 } else { author.data().as_ffi() },
        time,
        kind,
        from: from.into(),
        text: String::from_utf8_lossy(text).into(),
        facts: facts.into(),
        change,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Kind;

    fn room(name: &str) -> Arc<RoomKey> {
        Arc::new(RoomKey { name: name.into(), looks: [name.into(), name.into()] })
    }

    fn hello() -> Line<'static> {
        let (author, kind) = (ClientId::default(), Kind::Said);
        Line { author, kind, time: 0, from: "ann", text: b"hello", facts: "" }
    }

    fn say(outbox: &mut Outbox, room: &Arc<RoomKey>) {
        outbox.add(room, &hello(), HiddenFrom::Author, None);
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

    #[test]
    fn lines_said_alone_are_bounded_and_counted() {
        let (lobby, dev) = (room("lobby"), room("dev"));
        let mut outbox = Outbox::default();
        for _ in 0..ALONE_LINES_MAX {
            outbox.add_shown(&lobby, &hello(), None);
        }
        for room in [&lobby, &dev, &dev] {
            outbox.add_shown(room, &hello(), None);
        }
        assert_eq!((outbox.take().len(), outbox.lines()), (ALONE_LINES_MAX, ALONE_LINES_MAX));
        assert_eq!(outbox.shown, ALONE_LINES_MAX);
        assert_eq!(outbox.take_lost(), [(lobby.clone(), 1), (dev, 2)]);
        let first = outbox.take_back(&lobby, 1).expect("it was handed over");
        assert_eq!(first.line, None, "it has been shown");
        outbox.set_up(true);
        outbox.add_shown(&lobby, &hello(), None);
        assert!(outbox.take_lost().is_empty(), "there is place again");
    }

    #[test]
    fn what_has_not_come_back_is_shown_once() {
        let lobby = room("lobby");
        let mut outbox = Outbox::default();
        say(&mut outbox, &lobby);
        assert_eq!(outbox.show_pending(&lobby).len(), 1);
        assert_eq!(outbox.show_pending(&lobby).len(), 0);
        assert_eq!(outbox.take_back(&lobby, 1).expect("it comes back").line, None);
    }
}
