//! The commands: one table, from which the help is made too.

// In reading order.
mod answers;
pub(super) mod history;
pub(super) mod rooms;
pub(super) mod messages;
pub(super) mod dice;
pub(super) mod who;
pub(super) mod last;
pub(super) mod registration;
pub(super) mod operators;
pub(super) mod mutes;
pub(super) mod reports;
pub(super) mod rules;
pub(super) mod clearing;

use strsim::osa_distance;

use crate::chat::close_reason::CloseReason;
use crate::chat::ids::ClientId;
use crate::chat::input::Manner;
use crate::chat::linking::people::{Permit, nick_of};
use crate::chat::member::Waiting;
use crate::chat::names::nick::Nick;
use crate::chat::notice::Notice;
use crate::chat::state::Chat;
use crate::chat::texts;
use crate::wire::{Charset, Client, Clock, Kind, Layout, View, close_directions};

/// One command.
pub(super) struct Command {
    pub name: &'static str,
    /// How it is typed.
    pub usage: &'static str,
    /// What it does.
    pub help: &'static str,
    /// What else has to be known, if there is something.
    more: &'static str,
    /// How somebody might type it.
    pub example: &'static str,
    /// It moves the client to other lines, and so waits until the client has
    /// been sent what was said before.
    moves: bool,
    /// Others see what it is given, or a name that comes of it, so it isn't for the muted.
    speaks: bool,
    pub audience: Audience,
    needs: Needs,
    run: Run,
}

/// What a command can't do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    Nothing,
    /// That what is said is kept.
    Store,
    /// That names can be registered.
    Registrations,
    /// That there are operators.
    Operators,
}

/// Whom a command is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    Everyone,
    /// Everyone; but the help doesn't tell of it.
    Insiders,
    Operators,
}

/// What a command does for a client, with what is behind its name.
type Run = fn(&mut Chat, ClientId, &str) -> Outcome;

/// That a command was done, or why not.
pub(super) type Outcome = Result<(), Problem>;

/// Why a command wasn't done.
#[derive(Debug)]
pub(super) enum Problem {
    /// It isn't typed as its usage says.
    Usage,
    /// What the client is told.
    Because(Notice),
}

impl<T: Into<Notice>> From<T> for Problem {
    fn from(text: T) -> Problem {
        Problem::Because(text.into())
    }
}

const fn command(usage: &'static str, help: &'static str, run: Run) -> Command {
    let (name, _) = match usage.as_bytes() {
        [b'/', name @ ..] => name.split_at(word_length(name)),
        _ => panic!("a command begins with a slash"),
    };
    let Ok(name) = str::from_utf8(name) else { panic!("a command is ASCII") };
    let (example, more, audience) = (usage, "", Audience::Everyone);
    let (moves, speaks, needs) = (false, false, Needs::Nothing);
    Command { name, usage, help, more, example, moves, speaks, audience, needs, run }
}

impl Command {
    /// The same with an example; without one, its usage is typed as it stands.
    const fn like(self, example: &'static str) -> Command {
        Command { example, ..self }
    }

    /// The same, of which the help doesn't tell.
    const fn unlisted(self) -> Command {
        Command { audience: Audience::Insiders, ..self }
    }

    /// The same with what else has to be known.
    const fn explained(self, more: &'static str) -> Command {
        Command { more, ..self }
    }

    /// The same, which needs something.
    const fn with(self, needs: Needs) -> Command {
        Command { needs, ..self }
    }
}

const fn moving(usage: &'static str, help: &'static str, run: Run) -> Command {
    Command { moves: true, ..command(usage, help, run) }
}

const fn speaking(usage: &'static str, help: &'static str, run: Run) -> Command {
    Command { speaks: true, ..command(usage, help, run) }
}

const fn privileged(usage: &'static str, help: &'static str, run: Run) -> Command {
    Command { audience: Audience::Operators, ..command(usage, help, run) }
}

const fn word_length(text: &[u8]) -> usize {
    let mut length = 0;
    while length < text.len() && text[length] != b' ' {
        length += 1;
    }
    length
}

/// Every command, in the order of the help.
pub(super) const TABLE: &[Command] = &[
    speaking("/nick NAME[!SECRET]", "change your name; a secret adds a proof", nick)
        .explained(PROOF)
        .like("/nick ann"),
    command("/register SECRET", "keep your name, so that only you have it", registration::register)
        .with(Needs::Registrations)
        .like("/register open-sesame"),
    speaking("/login [NAME] SECRET", "take your registered name", registration::login)
        .with(Needs::Registrations)
        .like("/login ann open-sesame"),
    command(
        "/unregister [[NAME] SECRET]",
        "give your registered name up",
        registration::unregister,
    )
    .with(Needs::Registrations)
    .like("/unregister"),
    command("/who", "show who is here", who::who),
    speaking("/me TEXT", "say what you do: * ann waves", me).like("/me waves"),
    speaking("/msg NAME TEXT", "send a private message", messages::msg).like("/msg ann,bob hi"),
    speaking("/reply TEXT", "answer the last private message", messages::reply)
        .like("/reply hello"),
    command("/ignore [NAME]", "hide what a user says, or show it again", messages::ignore)
        .like("/ignore bob"),
    command("/bell on|off", "ring when your name is said", messages::bell).like("/bell on"),
    command("/mentions", "show the last lines that name you", messages::mentions),
    speaking("/away [REASON]", "say that you are away, or back", messages::away)
        .like("/away lunch"),
    command("/whois NAME", "show how long a user has been here", messages::whois)
        .like("/whois ann"),
    command("/last NAME", "show what a user said last", last::last).like("/last ann"),
    speaking("/roll [DICE]", "roll dice for all to see", dice::roll).like("/roll 2d6+1"),
    moving("/history [LINES|DAY]", "show what was said before", history::history)
        .like("/history 2h"),
    moving("/resume NUMBER[@RUN]", "show what was said after that line", history::resume)
        .like("/resume 17"),
    command("/search WORDS", "find lines with all these words", history::search)
        .with(Needs::Store)
        .like("/search lunch friday"),
    command("/seq", "show the number of the newest line", history::seq),
    moving("/join ROOM", "go to another room", rooms::join).like("/join dev"),
    moving("/leave", "go back to the first room", rooms::leave),
    command("/rooms", "show all rooms", rooms::rooms),
    speaking("/topic [TEXT]", "show or set what the room is about", rooms::topic)
        .like("/topic tea at five"),
    command("/edit [off]", "keep what you type apart from incoming lines", edit).like("/edit"),
    command("/quiet on|off", "hide join and leave notices", quiet).like("/quiet on"),
    command("/timestamps on|off", "show times, or in a zone: /timestamps +02:00", timestamps)
        .like("/timestamps +02:00"),
    command("/color on|off", "show names in colors, and your name in bold", color)
        .like("/color on"),
    command("/charset [NAME]", "show or set the characters of your terminal", charset)
        .like("/charset latin1"),
    command("/format text|json", "choose how lines are sent to you", format).like("/format json"),
    command("/time", "show the time of the server", time),
    command("/uptime", "show how long the server has been running", uptime),
    command("/stats", "show the counters of the server", stats),
    command("/quit [MESSAGE]", "leave, and say why", quit).like("/quit see you tomorrow"),
    command("/report NAME WHY", "tell the operators about a user", reports::report)
        .with(Needs::Operators)
        .like("/report bob spam"),
    command("/help [COMMAND|all]", "show the most used commands, one, or all", help)
        .like("/help msg"),
    speaking("/nick! NAME[!SECRET]", "take a name, or leave if it isn't free", nick_or_nothing)
        .like("/nick! ci")
        .unlisted(),
    command("/op PASSWORD", "become an operator", operators::op).like("/op open-sesame").unlisted(),
    privileged("/deop", "give up the rights of an operator", operators::deop),
    privileged("/ops", "show who is an operator", operators::ops),
    privileged("/kick NAME [REASON]", "disconnect a user", operators::kick)
        .like("/kick bob too loud"),
    privileged(
        "/ban NAME|NETWORK [TIME] [REASON]",
        "refuse an address for 10m, 2h, 7d, or for ever",
        operators::ban,
    )
    .like("/ban bob 2h spam"),
    privileged("/unban NETWORK", "accept it again", operators::unban).like("/unban 192.0.2.0/24"),
    privileged("/bans", "list the bans", operators::bans),
    privileged("/mute NAME [10m]", "hide what a user says from everyone, or undo it", mutes::mute)
        .like("/mute bob 10m"),
    privileged("/unmute NAME", "show it again", mutes::unmute).like("/unmute bob"),
    privileged("/slow [5s|off]", "limit each user to one line in that time", rules::slow)
        .like("/slow 5s"),
    privileged("/lock", "let no one else into the room", rules::lock),
    privileged("/unlock", "let everyone in again", rules::unlock),
    privileged("/invite NAME", "let a user into a locked room", rules::invite).like("/invite ann"),
    privileged("/clear [LINES]", "take lines out of the history", clearing::clear)
        .like("/clear 10"),
    privileged("/reports", "list what users have reported", reports::reports),
    privileged("/actions", "list what operators did last", reports::actions),
    privileged("/announce TEXT", "send a notice to every room", operators::announce)
        .like("/announce tea is ready"),
];

/// What a proof is, which `/nick` can add.
const PROOF: &str =
    "a proof is like ann!k3f9x2: only somebody with the same secret has the same one";

/// What a command counts for, as work of the loop: two of one client are run
/// before others have their turn.
const COMMAND_WORK: usize = 128;

/// Bytes of an unknown command that its answer shows at most.
const SHOWN_BYTES_MAX: usize = 32;

impl Chat {
    /// Runs `line`, a line that began with one slash, without that.
    pub(super) fn handle_command(&mut self, id: ClientId, line: &str) {
        self.pace.spend(COMMAND_WORK);
        let moves = find(line).is_some_and(|(command, _)| command.moves);
        // To a newcomer nothing has been sent yet, so it can go anywhere.
        if moves && !self.sessions[id].is_ungreeted() && !self.is_caught_up(id) {
            return self.wait_for_lines(id, line);
        }
        self.run_command(id, line);
    }

    /// Runs it now, whatever the client has been sent so far.
    pub(super) fn run_command(&mut self, id: ClientId, line: &str) {
        let Some((command, rest)) = find(line) else {
            let name = line.split([' ', '\t']).next().unwrap_or_default();
            let shown = &name[..name.floor_char_boundary(SHOWN_BYTES_MAX)];
            let nearest = nearest(shown, self.is_operator(id));
            let text = texts::unknown_command(&format!("/{shown}"), nearest);
            return self.answering(id, Some(shown), |chat| chat.refuse(id, &text));
        };
        self.answering(id, Some(command.name), |chat| chat.run_found(id, command, rest));
    }

    fn run_found(&mut self, id: ClientId, command: &Command, rest: &str) {
        if command.audience == Audience::Operators && !self.is_operator(id) {
            return self.refuse(id, texts::FOR_OPERATORS);
        }
        if command.speaks && self.is_silenced(id) {
            return;
        }
        match (command.run)(self, id, rest) {
            Ok(()) => {}
            Err(Problem::Usage) => self.refuse(id, &texts::usage(command.usage)),
            Err(Problem::Because(why)) => self.refuse(id, &why),
        }
    }

    /// Whether a client is told of a command: it may use it, and it can work here.
    pub(super) fn offers(&self, id: ClientId, command: &Command) -> bool {
        let is_for_it = match command.audience {
            Audience::Everyone => true,
            Audience::Operators => self.is_operator(id),
            Audience::Insiders => false,
        };
        let is_possible = match command.needs {
            Needs::Nothing => true,
            Needs::Store => self.config.has_store,
            Needs::Registrations => self.config.has_store && !self.config.is_shared,
            Needs::Operators => self.config.operator_password.is_some(),
        };
        is_for_it && is_possible
    }

    /// Gives a client a name that it may have.
    ///
    /// # Errors
    /// Why it isn't free any more.
    pub(in crate::chat) fn set_nick(&mut self, id: ClientId, nick: &Nick) -> Result<(), String> {
        let old = self.sessions[id].nick.clone();
        let nick_of = nick_of(&self.sessions, &self.directory);
        match self.names.rename(id, &old, nick, nick_of) {
            Err(holder) => Err(self.name_taken(nick, holder)),
            Ok(()) => {
                self.sessions[id].nick = nick.clone();
                self.mute_name(id);
                self.note_person(id);
                Ok(())
            }
        }
    }

    /// Whether a client may take a name, as far as is known here.
    pub(in crate::chat) fn may_be_called(&mut self, id: ClientId, nick: &Nick) -> bool {
        let holder = self.names.find(nick, nick_of(&self.sessions, &self.directory));
        let is_free = holder.is_none_or(|holder| holder == id);
        let has_engine = self.outbox.is_up() || self.config.talks_alone;
        let is_given = !self.config.is_shared || !nick.is_guest() && has_engine;
        let is_muted = self.sessions[id].rare().muting.is_some();
        is_free && is_given && !is_muted && self.check_owner(id, nick).is_ok()
    }

    /// Why the name isn't free.
    pub(in crate::chat) fn name_taken(&self, nick: &Nick, holder: ClientId) -> String {
        let taken = nick_of(&self.sessions, &self.directory)(holder);
        if nick.is_same(taken) {
            texts::name_taken(nick.name())
        } else {
            texts::look_taken(taken.name(), nick.name())
        }
    }
}

/// The command that `line` names, and what is behind its name.
pub(super) fn find(line: &str) -> Option<(&'static Command, &str)> {
    let (name, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    let alias = ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(name));
    let name = alias.map_or(name, |(_, name)| name);
    let command = TABLE.iter().find(|command| command.name.eq_ignore_ascii_case(name))?;
    Some((command, rest.trim()))
}

/// The command or alias whose name is most like an unknown one, if that is probably a slip of
/// the finger.
pub(super) fn nearest(name: &str, is_operator: bool) -> Option<&'static str> {
    let is_known = |command: &Command| match command.audience {
        Audience::Everyone => true,
        Audience::Insiders => false,
        Audience::Operators => is_operator,
    };
    let commands = TABLE.iter().filter(|command| is_known(command)).map(|command| command.name);
    // The others are so short that everything is like them.
    let aliases = ALIASES.iter().map(|(alias, _)| *alias).filter(|alias| alias.len() > 2);
    let lower = name.to_lowercase();
    let distance = |known: &&str| osa_distance(known, &lower);
    let nearest = commands.chain(aliases).min_by_key(distance)?;
    let is_near = distance(&nearest) <= 1 + usize::from(name.len() > 4);
    (is_near && name.len() > 1).then_some(nearest)
}

/// What the commands of other chats are here.
const ALIASES: &[(&str, &str)] = &[
    ("exit", "quit"),
    ("bye", "quit"),
    ("logout", "quit"),
    ("q", "quit"),
    ("names", "who"),
    ("users", "who"),
    ("n", "nick"),
    ("name", "nick"),
    ("m", "msg"),
    ("w", "msg"),
    ("whisper", "msg"),
    ("tell", "msg"),
    ("query", "msg"),
    ("notice", "msg"),
    ("action", "me"),
    ("r", "reply"),
    ("j", "join"),
    ("part", "leave"),
    ("list", "rooms"),
    ("channels", "rooms"),
    ("identify", "login"),
    ("timestamp", "timestamps"),
    ("colors", "color"),
    ("colour", "color"),
    ("h", "help"),
    ("?", "help"),
];

/// The commands that `/help` shows at first.
pub(super) const USUAL: &[&str] =
    &["nick", "who", "me", "msg", "history", "rooms", "join", "edit", "quit", "help"];

/// What `on` and `off` mean.
pub(super) fn switch(word: &str) -> Result<bool, Problem> {
    match word {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(Problem::Usage),
    }
}

fn nick(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    Ok(rename(chat, id, "nick", rest)?)
}

/// For programs, which can't choose another name.
fn nick_or_nothing(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    if let Err(why) = rename(chat, id, "nick!", rest) {
        chat.fail_command();
        chat.leave(id, CloseReason::Quit, Some(&texts::no_other_name(&why)));
    }
    Ok(())
}

/// Gives a client a name, or the reason why it can't have it. If the engine has to be asked,
/// `command` is run again when it has answered.
fn rename(chat: &mut Chat, id: ClientId, command: &str, rest: &str) -> Result<(), String> {
    let nick = Nick::parse_with_secret(rest, &chat.config.proof_key)
        .map_err(|error| texts::bad_name("name", "/nick ann", error))?;
    let old = chat.sessions[id].nick.clone();
    if old.as_str() == nick.as_str() {
        chat.notify(id, &texts::name_is_yours(nick.as_str()));
        return Ok(());
    }
    let waiting = || Waiting::Answer(format!("{command} {rest}").into());
    match chat.permit(id, &nick, waiting) {
        Permit::Yes => {}
        Permit::No(why) => return Err(why),
        Permit::Asked => return Ok(()),
    }
    take_name(chat, id, &nick)
}

/// Gives a client a name that it may have, and says so.
pub(super) fn take_name(chat: &mut Chat, id: ClientId, nick: &Nick) -> Result<(), String> {
    let old = chat.sessions[id].nick.clone();
    chat.set_nick(id, nick)?;
    let is_quiet = chat.sessions[id].reader.filter().is_some_and(|filter| filter.is_quiet);
    let is_known = chat.is_known(id);
    if is_known {
        let renamed = texts::renamed(old.as_str(), nick.as_str());
        chat.append_notice(chat.sessions[id].room, Kind::Presence, &renamed);
    }
    if !is_known || is_quiet {
        chat.notify(id, &texts::you_are(old.as_str(), nick.as_str()));
    }
    Ok(())
}

fn me(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    if rest.is_empty() {
        return Err(Problem::Usage);
    }
    chat.say(id, Manner::Act, rest);
    Ok(())
}

/// `/edit [off]`
fn edit(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    match rest {
        "" | "on" => {
            if chat.is_web(id) {
                return Err(texts::EDIT_WEB.into());
            }
            chat.begin_editing(id);
        }
        "off" => {
            chat.sessions[id].set_rare(|rare| rare.edit_ends_at = None);
            let answer = chat.sessions[id].set_client(Client::withdraw);
            chat.add_note(id, answer);
            chat.notify(id, texts::EDIT_OFF);
        }
        _ => return Err(Problem::Usage),
    }
    Ok(())
}

fn quiet(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    let is_quiet = switch(rest)?;
    chat.sessions[id].reader.set_filter(|filter| filter.is_quiet = is_quiet);
    chat.notify(id, texts::quiet(is_quiet));
    Ok(())
}

fn format(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    let layout = match rest {
        "text" if chat.is_web(id) => return Err(texts::FORMAT_WEB.into()),
        "text" => chat.config.text_layout(),
        "json" => Layout::Json,
        _ => return Err(Problem::Usage),
    };
    let encoding = chat.sessions[id].reader.newest_encoding();
    if layout == Layout::Json {
        // As RFC 8259 wants it (section 8.1), whatever the terminal says later.
        chat.sessions[id].set_client(|client| client.choose_charset(Charset::UTF_8));
    }
    chat.set_encoding(id, encoding.with_layout(layout));
    chat.notify(id, &texts::format(rest));
    Ok(())
}

/// `/timestamps on` shows times in the zone of the server, `/timestamps +02:00` in
/// another one.
fn timestamps(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    let clock = match (switch(rest), Clock::parse(rest)) {
        (Ok(is_on), _) => is_on.then_some(Clock::SERVER),
        (Err(_), Some(clock)) => Some(clock),
        (Err(_), None) => return Err(texts::TIMESTAMPS_USAGE.into()),
    };
    let zone = clock.map(|clock| clock.offset(chat.clock.wall(), &chat.config.zone));
    chat.change_view(id, |view| View { clock, ..view });
    chat.notify(id, &texts::timestamps(zone.as_deref()));
    Ok(())
}

fn color(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    let has_colors = switch(rest)?;
    chat.sessions[id].set_rare(|rare| rare.has_chosen_colors = true);
    chat.change_view(id, |view| View { has_colors, ..view });
    chat.notify(id, texts::color(has_colors));
    Ok(())
}

/// `/charset [NAME]`
fn charset(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    let old = chat.sessions[id].rare().client.charset();
    if rest.is_empty() {
        chat.notify(id, &texts::charset(&old.name()));
        return Ok(());
    }
    let new = Charset::parse(rest).ok_or_else(|| texts::no_charset(rest))?;
    let is_json = chat.sessions[id].reader.newest_encoding().layout == Layout::Json;
    if chat.is_web(id) || is_json && !new.is_utf8() {
        return Err(texts::CHARSET_FIXED.into());
    }
    chat.sessions[id].set_client(|client| client.choose_charset(new));
    chat.notify(id, &texts::charset_set(&new.name()));
    Ok(())
}

fn time(chat: &mut Chat, id: ClientId, _rest: &str) -> Outcome {
    chat.notify(id, &texts::time(chat.clock.wall()));
    Ok(())
}

fn uptime(chat: &mut Chat, id: ClientId, _rest: &str) -> Outcome {
    chat.notify(id, &texts::uptime(chat.clock.running()));
    Ok(())
}

fn stats(chat: &mut Chat, id: ClientId, _rest: &str) -> Outcome {
    let (clients, rooms) = (chat.guest_count(), chat.rooms.len());
    chat.notify(id, &texts::stats(&chat.counts, clients, rooms));
    chat.notify(id, &chat.counts.ended());
    if let Some(text) = chat.link_summary() {
        chat.notify(id, &text);
    }
    if chat.config.has_store {
        let text = texts::store(chat.handover.state(), chat.handover.lines_lost());
        chat.notify(id, &text);
    }
    let throttled = chat.throttled().take(texts::NAMES_MAX);
    let names: Vec<_> = throttled.map(|id| chat.sessions[id].nick.as_str()).collect();
    if !names.is_empty() {
        let text = texts::throttled(&names);
        chat.notify(id, &text);
    }
    Ok(())
}

/// `/quit [MESSAGE]`
fn quit(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    let farewell = chat.goodbye(id);
    let session = &chat.sessions[id];
    let is_heard = !rest.is_empty() && session.rare().muting.is_none();
    match is_heard {
        // A client that leaves isn't asked to say it again in fewer words.
        true => {
            let words = &rest[..rest.floor_char_boundary(messages::REASON_BYTES_MAX)];
            let left = texts::left_saying(session.nick.as_str(), &close_directions(words));
            chat.leave_as(id, CloseReason::Quit, Some(&farewell), left);
        }
        false => chat.leave(id, CloseReason::Quit, Some(&farewell)),
    }
    Ok(())
}

/// A line for each of the commands that are used most.
fn short_help(is_operator: bool) -> impl Iterator<Item = String> {
    let usual = TABLE.iter().filter(|command| USUAL.contains(&command.name));
    let lines = usual.map(|command| texts::help_line(command.usage, command.help, 20));
    let for_operators = is_operator.then(|| texts::HELP_OPERATORS.to_owned());
    lines.chain(for_operators).chain([texts::HELP_MORE.to_owned()])
}

/// A line for each command that a client is told of.
fn whole_help(chat: &Chat, id: ClientId) -> impl Iterator<Item = String> {
    let width = if chat.is_operator(id) { 27 } else { 20 };
    let shown = TABLE.iter().filter(move |command| chat.offers(id, command));
    shown.map(move |command| texts::help_line(command.usage, command.help, width))
}

fn help(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    let name = rest.trim_start_matches('/');
    let is_operator = chat.is_operator(id);
    let lines: Vec<_> = match find(name) {
        Some((command, _)) => {
            let more = Some(command.more).filter(|more| !more.is_empty());
            let (usage, example) = (texts::usage(command.usage), texts::example(command.example));
            let what = [command.help].into_iter().chain(more).map(str::to_owned);
            [usage].into_iter().chain(what).chain([example]).collect()
        }
        None if name.is_empty() => short_help(is_operator).collect(),
        None if name == "all" => whole_help(chat, id).collect(),
        None => {
            let shown = &name[..name.floor_char_boundary(SHOWN_BYTES_MAX)];
            vec![texts::unknown_command(&format!("/{shown}"), nearest(shown, is_operator))]
        }
    };
    for line in lines {
        chat.notify(id, &line);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `Command::like` gives one.
    #[test]
    fn each_command_has_an_example_that_is_that_command() {
        for command in TABLE {
            let example = command.example.strip_prefix('/').expect("it is typed with a slash");
            let (found, rest) = find(example).expect("it is a command");
            assert_eq!(found.name, command.name);
            let is_placeholder = |c: char| c.is_ascii_uppercase() || "[]|".contains(c);
            assert!(!rest.contains(is_placeholder), "{} has no example", command.usage);
        }
    }

    #[test]
    fn an_alias_is_of_a_command_and_hides_none() {
        for (alias, name) in ALIASES {
            assert!(TABLE.iter().any(|command| command.name == *name), "{alias}: {name}");
            assert!(TABLE.iter().all(|command| command.name != *alias), "{alias}");
        }
    }

    #[test]
    fn an_unknown_command_is_told_the_nearest_one_that_its_user_may_use() {
        for (typed, everyone, operator) in [
            ("nikc", Some("nick"), Some("nick")),
            ("naems", Some("names"), Some("names")),
            ("chanels", Some("channels"), Some("channels")),
            ("anounce", None, Some("announce")),
            ("unbann", None, Some("unban")),
            ("dance", None, None),
            ("x", None, None),
        ] {
            assert_eq!(nearest(typed, false), everyone, "{typed}");
            assert_eq!(nearest(typed, true), operator, "{typed}");
        }
    }
}
