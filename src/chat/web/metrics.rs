//! What a monitoring system is told: the text format of Prometheus, version 0.0.4.
//! docs/operating.md has each metric with its unit and meaning.

use std::fmt::{Display, Write};

use crate::chat::ids::ClientId;
use crate::chat::member::{Session, Standing};
use crate::chat::state::Chat;
use crate::wire::{Ending, Layout, Stage};

/// What kinds of clients there are, by what they speak.
const KINDS: [&str; 9] =
    ["login", "spare", "request", "websocket", "events", "stream", "json", "telnet", "netcat"];

impl Chat {
    /// Whether a client may see the metrics.
    pub(super) fn may_see_metrics(&self, id: ClientId) -> bool {
        match self.admission.network(self.sessions[id].origin) {
            None => true,
            Some(network) => {
                let ip = network.to_canonical();
                self.config.metrics_networks.iter().any(|allowed| allowed.contains(&ip))
            }
        }
    }

    /// All metrics.
    pub(super) fn metrics(&self) -> String {
        let mut page = Page::default();
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        page.family("build_info", "gauge", "The version of the server.");
        page.sample("build_info", &version, 1);
        page.gauge("uptime_seconds", "Time since the start.", self.clock.running().as_secs_f64());
        self.add_counters(&mut page);
        self.add_gauges(&mut page);
        self.add_turns(&mut page);
        page.text
    }

    fn add_counters(&self, page: &mut Page) {
        let counts = &self.counts;
        let (store, lost) = (self.handover.state(), self.handover.lines_lost());
        for (name, help, count) in [
            ("clients_total", "Clients that were let in.", counts.clients),
            ("lines_total", "Lines that clients said.", counts.lines),
            ("lines_skipped_total", "Lines that slow clients missed.", counts.lines_missed),
            (
                "secrets_refused_total",
                "Secrets of names that weren't checked.",
                counts.secrets_refused,
            ),
            ("requests_total", "HTTP requests.", counts.requests),
            ("received_bytes_total", "Bytes received from clients.", counts.bytes_received),
            ("sent_bytes_total", "Bytes sent to clients.", counts.bytes_sent),
            ("stored_lines_total", "Lines that were stored.", store.lines_written),
            ("unstored_lines_total", "Lines that the store was too slow for.", lost),
        ] {
            page.family(name, "counter", help);
            page.sample(name, &[], count);
        }
        page.family("closed_total", "counter", "Connections that ended, by reason.");
        for (reason, count) in &counts.endings {
            page.sample("closed_total", &[("reason", reason.name())], *count);
        }
    }

    fn add_gauges(&self, page: &mut Page) {
        page.family("clients", "gauge", "Clients that are connected, by what they speak.");
        let mut counts = KINDS.map(|kind| (kind, 0));
        for (id, session) in &self.sessions {
            let is_spare = self.admission.browsers.is_spare(id) && !self.is_logging_in(id);
            let kind = if is_spare { "spare" } else { kind(session) };
            counts.iter_mut().filter(|(other, _)| *other == kind).for_each(|(_, n)| *n += 1);
        }
        for (kind, count) in counts {
            page.sample("clients", &[("kind", kind)], count);
        }
        let blocked = self.sessions.values().filter(|session| session.blocked).count();
        let logs = || self.rooms.iter().map(|(_, room)| &room.log);
        let lines: u64 = logs().map(|log| log.next() - log.first()).sum();
        let bytes: usize = logs().map(|log| log.bytes_from(log.first())).sum();
        let bans = self.admission.bans(self.clock.moment()).count();
        let store = self.handover.state();
        for (name, help, value) in [
            ("rooms", "Rooms.", self.rooms.len()),
            ("blocked_clients", "Clients that take nothing more for now.", blocked),
            ("throttled_clients", "Clients that send too fast.", self.throttled().count()),
            ("flush_queue_clients", "Clients that wait for their turn.", self.flush.len()),
            ("log_lines", "Lines that are kept, in all rooms.", lines as usize),
            ("log_bytes", "Bytes of lines that are kept, in all rooms.", bytes),
            ("bans", "Bans in force.", bans),
            ("store_bytes", "Bytes of the database.", store.bytes as usize),
            ("store_failing", "1 if lines can't be stored.", usize::from(store.fault.is_some())),
        ] {
            page.gauge(name, help, value);
        }
        self.add_cluster(page);
    }

    fn add_cluster(&self, page: &mut Page) {
        let servers = self.directory.servers().count();
        let is_up = self.outbox.is_up() || !self.config.is_shared;
        let (up, waiting) = (usize::from(is_up), self.outbox.lines());
        for (name, help, value) in [
            ("cluster_up", "0 while the engine of several servers does not work.", up),
            ("cluster_servers", "Other servers.", servers),
            ("cluster_clients", "Clients of other servers.", self.directory.len()),
            ("cluster_waiting_lines", "Lines that have no number yet.", waiting),
        ] {
            page.gauge(name, help, value);
        }
    }

    fn add_turns(&self, page: &mut Page) {
        let turns = &self.counts.turns;
        page.family("turn_seconds", "histogram", "How long the turns of the loop took.");
        let (buckets, total) = turns.cumulative();
        for (bound, count) in buckets {
            let bound = bound.as_secs_f64().to_string();
            page.sample("turn_seconds_bucket", &[("le", &bound)], count);
        }
        page.sample("turn_seconds_bucket", &[("le", "+Inf")], total);
        page.sample("turn_seconds_sum", &[], turns.sum.as_secs_f64());
        page.sample("turn_seconds_count", &[], total);
        page.gauge("turn_longest_seconds", "The longest turn.", turns.longest.as_secs_f64());
    }
}

/// What a client speaks.
fn kind(session: &Session) -> &'static str {
    let encoding = session.reader.newest_encoding();
    match (session.stage, encoding.layout, encoding.ending) {
        (_, _, Ending::Frame) => "websocket",
        (_, _, Ending::Event) => "events",
        (Stage::Head | Stage::Body, ..) => "request",
        (Stage::Stream, ..) => "stream",
        _ if session.standing() == Some(Standing::LoggingIn) => "login",
        (_, Layout::Json, _) => "json",
        (_, _, Ending::CrLf) => "telnet",
        (_, _, Ending::Lf) => "netcat",
    }
}

/// The text.
#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    /// What the samples of this name are that come next.
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let text = format!("# HELP roomcast_{name} {help}\n# TYPE roomcast_{name} {kind}\n");
        self.text += &text;
    }

    /// One value. Names and values of labels have nothing in them that needs escaping.
    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<_> =
            labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        let labels = match &labels[..] {
            [] => String::new(),
            _ => format!("{{{}}}", labels.join(",")),
        };
        writeln!(self.text, "roomcast_{name}{labels} {value}").expect("a string takes all");
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, "gauge", help);
        self.sample(name, &[], value);
    }
}
