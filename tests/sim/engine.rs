//! An engine that orders what several servers say, in memory, and another server that shares the
//! rooms through it: people come there, take names, speak and go. What happens when is drawn
//! from the seed.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use fastrand::Rng;
use roomcast::chat::Chat;
use roomcast::wire::{
    Answer, Arrival, Dispatch, Errand, Kind, Outcome, PeopleNews, Person, PersonId, Query, RoomKey,
    SharedLine, Submission, Tail, Task, Wish,
};

use crate::faults::{Fault, Faults};

/// This server, and the other one.
const OWN: &str = "own";
const OTHER: &str = "other";

/// Names that people on the other server like to have.
const NAMES: [&str; 4] = ["ann", "bob", "zoe", "АНН"];

pub struct Engine {
    is_up: bool,
    /// A test says when it goes and comes back.
    is_held: bool,
    /// So many questions are not answered.
    pub failing: usize,
    /// What it was told while it is away.
    waiting: VecDeque<Told>,
    /// The number of the newest line of each room, and how often it was counted anew.
    rooms: HashMap<Box<str>, (u64, u64)>,
    /// The count of the newest line of this server in each room.
    submitted: HashMap<Box<str>, u64>,
    /// Who has each look.
    names: HashMap<Box<str>, PersonId>,
    people: HashMap<PersonId, Person>,
    /// What this server hasn't heard.
    happened: VecDeque<Happening>,
    news: u64,
    guests: u64,
    /// Counts what the other server has made: people, lines and errands.
    made: u64,
    is_other_here: bool,
}

/// What it is told.
enum Told {
    Lines(Vec<Submission>),
    Dispatch(Dispatch),
    Query(Query),
}

/// What it says.
enum Happening {
    Arrived(Arrival),
    Answer(u64, Answer),
    People(PeopleNews),
    Errand(Errand),
    Outcome(Outcome),
    Guests(u64),
    Forgotten,
    Reset(Arc<RoomKey>, Box<str>, u64),
}

impl Engine {
    /// The engine of this chat, which knows it then.
    pub fn new(chat: &mut Chat) -> Engine {
        let mut engine = Engine {
            is_up: true,
            is_held: false,
            failing: 0,
            waiting: VecDeque::new(),
            rooms: HashMap::new(),
            submitted: HashMap::new(),
            names: HashMap::new(),
            people: HashMap::new(),
            happened: VecDeque::new(),
            news: 0,
            guests: 1000,
            made: 0,
            is_other_here: false,
        };
        chat.set_shared(&OWN.into(), engine.guests);
        let room = chat.config().lobby_key();
        chat.restore_lobby(&engine.tail(&room), 0);
        chat.handle_link(true);
        engine
    }

    /// Whether something is to be heard or done.
    pub fn is_busy(&self) -> bool {
        !self.is_up && !self.is_held || !self.happened.is_empty()
    }

    /// It goes away, or comes back; what is drawn changes that no more.
    pub fn hold(&mut self, chat: &mut Chat, is_up: bool) {
        (self.is_up, self.is_held) = (is_up, true);
        chat.handle_link(is_up);
    }

    /// Takes what the chat has for it.
    pub fn hand_over(&mut self, chat: &mut Chat) {
        let dispatches = chat.take_dispatches().into_iter().map(Told::Dispatch);
        self.waiting.extend(dispatches);
        if chat.has_submissions() {
            self.waiting.push_back(Told::Lines(chat.take_submissions()));
        }
        self.work();
    }

    pub fn ask(&mut self, query: Query) {
        let is_answered = self.is_up && self.failing == 0;
        self.failing = self.failing.saturating_sub(1);
        match is_answered {
            true => self.waiting.push_back(Told::Query(query)),
            false => self.happened.push_back(Happening::Answer(query.ticket, Answer::Failed)),
        }
        self.work();
    }

    /// Does what is drawn, and tells the chat a part of what has happened.
    pub fn turn(&mut self, chat: &mut Chat, rng: &mut Rng, faults: Faults, is_over: bool) {
        self.misbehave(chat, rng, faults, is_over);
        if self.is_up && faults.has(Fault::OtherServer) && !is_over && rng.u8(..4) == 0 {
            self.act_elsewhere(rng);
        }
        self.work();
        let mut left = match faults.has(Fault::EngineSlow) && !is_over {
            true => rng.usize(..=self.happened.len()),
            false => self.happened.len(),
        };
        while left > 0 && chat.has_place_for_arrivals() {
            let Some(happening) = self.happened.pop_front() else { return };
            tell(chat, happening);
            left -= 1;
        }
    }

    fn misbehave(&mut self, chat: &mut Chat, rng: &mut Rng, faults: Faults, is_over: bool) {
        if self.is_held {
            return;
        }
        if self.is_up && faults.has(Fault::EngineAway) && !is_over && rng.u16(..300) == 0 {
            self.is_up = false;
            chat.handle_link(false);
        } else if !self.is_up && (is_over || rng.u8(..40) == 0) {
            self.is_up = true;
            chat.handle_link(true);
        }
        if self.is_up && faults.has(Fault::EngineForgets) && !is_over && rng.u16(..300) == 0 {
            self.forget(chat, rng);
        }
    }

    /// A room counts anew, or nobody knows any more who is here.
    fn forget(&mut self, chat: &Chat, rng: &mut Rng) {
        if rng.bool() {
            let own = |id: &PersonId| *id.server == *OWN;
            self.names.retain(|_, id| !own(id));
            self.people.retain(|id, _| !own(id));
            return self.happened.push_back(Happening::Forgotten);
        }
        let room = chat.config().lobby_key();
        let (newest, times) = self.rooms.entry(room.name.clone()).or_default();
        (*newest, *times) = (0, *times + 1);
        let run = run_name(*times);
        self.happened.push_back(Happening::Reset(room, run, 1));
    }

    fn work(&mut self) {
        while self.is_up
            && let Some(told) = self.waiting.pop_front()
        {
            match told {
                Told::Lines(lines) => lines.into_iter().for_each(|it| self.place(OWN, it)),
                Told::Dispatch(dispatch) => self.take(dispatch),
                Told::Query(query) => {
                    let answer = self.answer(&query);
                    self.happened.push_back(Happening::Answer(query.ticket, answer));
                }
            }
        }
    }

    fn place(&mut self, server: &str, submission: Submission) {
        let Submission { room, count, line } = submission;
        let (newest, _) = self.rooms.entry(room.name.clone()).or_default();
        *newest += 1;
        let number = *newest;
        if server == OWN {
            self.submitted.insert(room.name.clone(), count);
        }
        let server = server.into();
        let arrival =
            Arrival { room, number, server, count, is_late: false, is_again: false, line };
        self.happened.push_back(Happening::Arrived(arrival));
    }

    fn take(&mut self, dispatch: Dispatch) {
        match dispatch {
            Dispatch::Publish { ticket, person } => {
                let (client, name) = (person.client, person.name.clone());
                let named = self.publish(OWN, person);
                let answer = Answer::Named { client, name, named };
                self.happened.push_back(Happening::Answer(ticket, answer));
            }
            Dispatch::Withdraw(client) => self.withdraw(&PersonId { server: OWN.into(), client }),
            Dispatch::Errand(_, errand) => {
                let outcome =
                    Outcome { ticket: errand.ticket, is_done: true, ..Outcome::default() };
                self.happened.push_back(Happening::Outcome(outcome));
            }
            Dispatch::Outcome(..) | Dispatch::Ban(_) | Dispatch::Report(_) | Dispatch::Mute(_) => {}
            Dispatch::Guests => {
                self.guests += 1000;
                self.happened.push_back(Happening::Guests(self.guests));
            }
        }
    }

    fn publish(&mut self, server: &str, person: Person) -> Result<u64, Box<str>> {
        let id = PersonId { server: server.into(), client: person.client };
        for look in &person.looks {
            if let Some(holder) = self.names.get(look).filter(|holder| **holder != id) {
                return Err(self.people[holder].name.clone());
            }
        }
        self.names.retain(|_, holder| *holder != id);
        self.names.extend(person.looks.iter().map(|look| (look.clone(), id.clone())));
        self.people.insert(id, person);
        self.news += 1;
        Ok(self.news)
    }

    fn withdraw(&mut self, id: &PersonId) {
        self.names.retain(|_, holder| holder != id);
        self.people.remove(id);
    }

    fn answer(&mut self, query: &Query) -> Answer {
        match query.wish {
            Wish::Tail => Answer::Tail(self.tail(&query.room)),
            _ => Answer::Failed,
        }
    }

    fn tail(&mut self, room: &RoomKey) -> Tail {
        let (newest, times) = *self.rooms.entry(room.name.clone()).or_default();
        let (name, run) = (room.name.clone(), Some(run_name(times)));
        let submitted = self.submitted.get(&room.name).copied().unwrap_or(0);
        Tail { name, next: newest + 1, run, submitted, ..Tail::default() }
    }

    /// Something happens on the other server.
    fn act_elsewhere(&mut self, rng: &mut Rng) {
        let server: Arc<str> = OTHER.into();
        if !self.is_other_here {
            self.is_other_here = true;
            return self.tell(PeopleNews::Came(server, "office2".into()));
        }
        let there = self.people.keys().filter(|id| id.server == server).cloned();
        let mut there: Vec<_> = there.collect();
        there.sort_by_key(|id| id.client);
        let somebody = rng.choice(&there).cloned();
        match (rng.u8(..12), somebody) {
            (0..3, _) | (_, None) => self.come_or_rename(None, rng),
            (3, Some(id)) => self.come_or_rename(Some(id.client), rng),
            (4, Some(id)) => {
                self.withdraw(&id);
                self.tell(PeopleNews::Left(id));
            }
            (5, Some(_)) => {
                there.iter().for_each(|id| self.withdraw(id));
                self.is_other_here = false;
                self.tell(PeopleNews::Gone { server, is_planned: rng.bool() });
            }
            (6..9, Some(id)) => self.speak(&id),
            (_, Some(id)) => self.want(id, rng),
        }
    }

    fn come_or_rename(&mut self, client: Option<u64>, rng: &mut Rng) {
        self.made += 1;
        let client = client.unwrap_or(self.made);
        let name = *rng.choice(&NAMES).expect("some");
        let room = lobby();
        let looks = if name.is_ascii() { [name; 2] } else { ["ahh", "ahh"] }.map(Into::into);
        let (since, away, address, is_operator) = (0, None, None, rng.bool());
        let name = name.into();
        let person = Person { client, name, looks, room, since, away, address, is_operator };
        if let Ok(number) = self.publish(OTHER, person.clone()) {
            self.tell(PeopleNews::Here { server: OTHER.into(), person, number });
        }
    }

    fn speak(&mut self, id: &PersonId) {
        self.made += 1;
        let text = format!("elsewhere {}", self.made).into();
        let (author, time, kind, change) = (id.client, 0, Kind::Notice, None);
        // A line of the server, since those of clients here are looked for.
        let line =
            SharedLine { author, time, kind, from: "".into(), text, facts: "".into(), change };
        self.place(OTHER, Submission { room: lobby(), count: self.made, line });
    }

    /// Somebody there wants something of somebody here.
    fn want(&mut self, from: PersonId, rng: &mut Rng) {
        let mut here: Vec<_> = self.people.keys().filter(|id| *id.server == *OWN).collect();
        here.sort_by_key(|id| id.client);
        let Some(client) = rng.choice(&here).map(|id| id.client) else { return };
        let name = self.people[&from].name.clone();
        let task = Task::Tell("psst".into());
        self.made += 1;
        let errand = Errand { ticket: self.made, from, name, client, task };
        self.happened.push_back(Happening::Errand(errand));
    }

    fn tell(&mut self, news: PeopleNews) {
        self.happened.push_back(Happening::People(news));
    }
}

fn tell(chat: &mut Chat, happening: Happening) {
    match happening {
        Happening::Arrived(arrival) => chat.handle_arrival_of(&arrival),
        Happening::Answer(ticket, answer) => chat.handle_answer(ticket, answer),
        Happening::People(news) => chat.handle_people(&[news]),
        Happening::Errand(errand) => chat.handle_errand(errand),
        Happening::Outcome(outcome) => chat.handle_outcome(&outcome),
        Happening::Guests(highest) => chat.handle_guests(highest),
        Happening::Forgotten => chat.handle_forgotten(),
        Happening::Reset(room, run, next) => _ = chat.handle_new_run(&room, &run, next),
    }
}

fn lobby() -> Arc<RoomKey> {
    let looks = ["lobby", "lobby"].map(Into::into);
    Arc::new(RoomKey { name: "lobby".into(), looks })
}

fn run_name(times: u64) -> Box<str> {
    format!("r{times}").into()
}
