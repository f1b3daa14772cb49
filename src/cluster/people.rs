//! Who is on which server, and what all servers have to know, in the engine.

use std::sync::Arc;

use redis::{FromRedisValue, RedisResult, ToRedisArgs};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::engine::{Engine, random_name, unexpected};
use crate::wire::{GUEST_NUMBERS, PeopleNews, Person, PersonId, SharedBan, SharedMute, Text};

/// The stream of news about people.
pub(super) const NEWS_KEY: &str = "{rc}:people";

const STATE_KEY: &str = "{rc}:state";

/// The longest name of a server in bytes.
const NAME_BYTES_MAX: usize = 64;

/// No arguments.
const NOTHING: &[&str] = &[];

/// Where a server has read the news up to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NewsPlace {
    /// Names the state that the news belong to.
    pub epoch: Box<str>,
    /// How much news there was.
    pub number: u64,
}

/// What came of publishing a client.
pub(super) enum Published {
    /// It is known now, with so much news.
    Done(u64),
    /// This one has its name.
    Taken(Box<str>),
    /// This server isn't known itself.
    Unknown,
}

/// All that is known: where the news are then, and what it is.
pub(super) struct Everything {
    pub place: NewsPlace,
    pub news: Vec<PeopleNews>,
}

impl Engine {
    /// Says that a server is alive, and how many guests there were on it. Gives whether it was
    /// known, and the engine's time in seconds since 1970.
    pub fn beat(&mut self, server: &str, name: &str, guests: u64) -> RedisResult<(bool, i64)> {
        self.call(server, "beat", (name, guests))
    }

    /// Says that a server ends.
    pub fn leave(&mut self, server: &str) -> RedisResult<()> {
        self.call::<u8>(server, "leave", NOTHING).map(|_| ())
    }

    /// People, and whether they are called so already. Gives what came of each.
    pub fn publish(
        &mut self,
        server: &str,
        people: &[(&Person, bool)],
    ) -> RedisResult<Vec<Published>> {
        let arguments = people.iter().flat_map(|(person, is_called_so)| {
            [person.client.to_string(), json(person), u8::from(*is_called_so).to_string()]
        });
        let arguments: Vec<_> = arguments.collect();
        let answers: Vec<(i64, String)> = self.call(server, "put", arguments)?;
        if answers.len() != people.len() {
            return Err(unexpected("it has forgotten somebody"));
        }
        let published = answers.into_iter().map(|(number, holder)| match number {
            -1 => Published::Unknown,
            0 => Published::Taken(holder.into()),
            number => Published::Done(number as u64),
        });
        Ok(published.collect())
    }

    pub fn withdraw(&mut self, server: &str, client: u64) -> RedisResult<()> {
        self.call::<u8>(server, "drop", client).map(|_| ())
    }

    /// Numbers for guests; gives the last one.
    pub fn guests(&mut self, server: &str) -> RedisResult<u64> {
        self.call(server, "guests", GUEST_NUMBERS)
    }

    pub fn ban(&mut self, server: &str, ban: &SharedBan) -> RedisResult<()> {
        self.call::<u8>(server, "ban", (&*ban.network, json(ban))).map(|_| ())
    }

    pub fn mute(&mut self, server: &str, mute: &SharedMute) -> RedisResult<()> {
        // Somebody who comes from elsewhere may have several names.
        let target = mute.network.as_ref().unwrap_or(&mute.name);
        self.call::<u8>(server, "mute", (&**target, json(mute))).map(|_| ())
    }

    /// Tells all servers something of this kind, once.
    pub fn tell(&mut self, server: &str, kind: &str, what: &impl Serialize) -> RedisResult<()> {
        self.call::<u8>(server, "tell", (kind, json(what))).map(|_| ())
    }

    /// Sends something to another server; false if that is gone.
    pub fn send(
        &mut self,
        server: &str,
        to: &str,
        kind: &str,
        what: &impl Serialize,
    ) -> RedisResult<bool> {
        self.call(server, "send", (to, kind, json(what)))
    }

    /// Whether the news go on after this place.
    pub fn goes_on(&mut self, place: &NewsPlace) -> RedisResult<bool> {
        let mut state = redis::cmd("HMGET");
        let (epoch, number): (Option<String>, Option<u64>) =
            state.arg(STATE_KEY).arg("e").arg("p").query(&mut self.connection)?;
        Ok(epoch.as_deref() == Some(&place.epoch) && number.unwrap_or(0) >= place.number)
    }

    pub fn everything(&mut self, own: &str) -> RedisResult<Everything> {
        type People = Vec<(String, Vec<String>)>;
        type All = (u64, String, Vec<(String, String)>, People, Vec<String>, Vec<String>);
        let (number, epoch, servers, people, bans, mutes): All = self.call(own, "all", NOTHING)?;
        let servers = servers.into_iter().filter(|(server, _)| server != own);
        let servers = servers.map(|(server, name)| (server.into(), clean(&name))).collect();
        let mut others = Vec::new();
        for (server, records) in people.into_iter().filter(|(server, _)| server != own) {
            let server: Arc<str> = server.into();
            let records = records.iter().filter_map(|record| parse::<Person>(record));
            others.extend(records.map(|person| (Arc::clone(&server), person)));
        }
        let mut news = vec![PeopleNews::All { servers, people: others, number }];
        news.extend(bans.iter().filter_map(|ban| parse(ban)).map(PeopleNews::Ban));
        news.extend(mutes.iter().filter_map(|mute| parse(mute)).map(PeopleNews::Mute));
        Ok(Everything { place: NewsPlace { epoch: epoch.into(), number }, news })
    }

    /// Runs the script about people.
    fn call<T: FromRedisValue>(
        &mut self,
        server: &str,
        what: &str,
        arguments: impl ToRedisArgs,
    ) -> RedisResult<T> {
        let mut call = self.people.key(STATE_KEY);
        call.arg(what).arg(server).arg(random_name()).arg(arguments);
        call.invoke(&mut self.connection)
    }
}

/// What an entry of the news says; `None` if it isn't known here.
pub(super) fn news(kind: &str, server: &str, data: &str, number: u64) -> Option<PeopleNews> {
    let server: Arc<str> = server.into();
    Some(match kind {
        "here" => PeopleNews::Here { server, person: parse(data)?, number },
        "away" => PeopleNews::Left(PersonId { server, client: data.parse().ok()? }),
        "came" => PeopleNews::Came(server, clean(data)),
        "gone" => PeopleNews::Gone { server, is_planned: false },
        "left" => PeopleNews::Gone { server, is_planned: true },
        "ban" => PeopleNews::Ban(parse(data)?),
        "report" => PeopleNews::Report(parse(data)?),
        "mute" => PeopleNews::Mute(parse(data)?),
        _ => return None,
    })
}

/// The name of a server, which may be anybody's who can write to the engine.
fn clean(name: &str) -> Box<str> {
    let name = &name[..name.floor_char_boundary(NAME_BYTES_MAX)];
    Text::clean(name.as_bytes()).as_str().into()
}

/// What was sent as JSON.
pub(super) fn parse<T: DeserializeOwned>(data: &str) -> Option<T> {
    serde_json::from_str(data).ok()
}

fn json(value: &impl Serialize) -> String {
    // Nothing that is sent fails to become JSON.
    serde_json::to_string(value).unwrap_or_default()
}

/// That a server isn't known, although it has just said that it is there.
pub(super) fn unknown() -> redis::RedisError {
    unexpected("it has forgotten this server")
}
