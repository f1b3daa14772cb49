//! The table on stdout. Figures of several runs are given as `median (min..max)`; ratios are made
//! within each run.

use crate::figures::{FlowFigures, IdleFigures, Outcome, Record, Report, Spread, StormFigures};
use crate::{sharing, teamwork};

/// The server that others are divided by.
pub const FLOOR: &str = "bare";
/// A load, and the one that its latency on the same server is compared with.
const COMPARED: (&str, &str) = ("stuck", "readers");

/// A load on a server.
pub struct Row<'report> {
    pub load: &'report str,
    pub server: &'report str,
    clients: usize,
    outcomes: Vec<&'report Outcome>,
}

pub fn print(report: &Report) {
    let rows = rows(report);
    grid(
        &[
            "load",
            "server",
            "CPU ns a delivery",
            "/ bare",
            "/ limit",
            "M/s",
            "/ bare",
            "p50, p99, p99.9",
            "p99 / bare",
            "syscalls",
            "lines",
        ],
        rows.iter().filter_map(|row| flow(report, row)).collect(),
    );
    grid(
        &["load", "server", "stuck: p99 / p99 of readers"],
        rows.iter().filter_map(|row| comparison(report, row)).collect(),
    );
    grid(
        &["load", "server", "bytes a client", "switches", "CPU us", "lines"],
        rows.iter().filter_map(idle).collect(),
    );
    grid(
        &[
            "load",
            "server",
            "joins/s",
            "CPU us a join",
            "leaves/s",
            "CPU us a leave",
            "lines a client a join",
            "wait p50, p99",
            "longest wait, ms",
            "longest turn, ms",
        ],
        rows.iter().filter_map(storm).collect(),
    );
    sharing::print(report, &rows);
    teamwork::print(report, &rows);
    for row in &rows {
        if let Some(reason) = row.outcomes.iter().find_map(|outcome| trouble(outcome)) {
            println!("{} on {}: {reason}", row.load, row.server);
        }
    }
}

/// In the order in which they were first run.
fn rows(report: &Report) -> Vec<Row<'_>> {
    let mut rows: Vec<Row> = Vec::new();
    for Record { load, clients, server, outcome, .. } in &report.records {
        match rows.iter_mut().find(|row| row.load == load && row.server == server) {
            Some(row) => row.outcomes.push(outcome),
            None => rows.push(Row { load, server, clients: *clients, outcomes: vec![outcome] }),
        }
    }
    rows
}

fn flow(report: &Report, row: &Row) -> Option<Vec<String>> {
    let flows = row.pick(|outcome| match outcome {
        // Those have tables of their own.
        Outcome::Flow(figures) if figures.sharing.is_none() => Some(figures),
        _ => None,
    })?;
    let key = (row.load, row.server);
    let over_bare = |value: fn(&FlowFigures) -> f64| report.ratio(key, (row.load, FLOOR), value);
    let limit = limit_of(report, row);
    let latency =
        |value: fn(&FlowFigures) -> u64| nanoseconds(of(&flows, |figures| value(figures) as f64));
    Some(vec![
        row.load.to_owned(),
        row.server.to_owned(),
        spread(of(&flows, FlowFigures::cpu_ns_a_delivery)),
        spread(over_bare(FlowFigures::cpu_ns_a_delivery)),
        spread(report.ratio(key, (&limit, FLOOR), FlowFigures::cpu_ns_a_delivery)),
        middle(of(&flows, |figures| figures.deliveries_a_second() / 1e6)),
        middle(over_bare(FlowFigures::deliveries_a_second)),
        [
            latency(|figures| figures.latency_p50_ns),
            latency(|figures| figures.latency_p99_ns),
            latency(|figures| figures.latency_p999_ns),
        ]
        .join(", "),
        spread(over_bare(|figures| figures.latency_p99_ns as f64)),
        middle(Spread::of(row.outcomes.iter().filter_map(|outcome| match outcome {
            Outcome::Syscalls { a_delivery } => Some(*a_delivery),
            _ => None,
        }))),
        flows.iter().find_map(|figures| figures.faults()).unwrap_or_else(|| "all".to_owned()),
    ])
}

/// The limit for the same number of clients if it was measured, else the usual one.
fn limit_of(report: &Report, row: &Row) -> String {
    let same = format!("limit@{}", row.clients);
    if report.flows(&same, FLOOR).is_empty() { "limit".to_owned() } else { same }
}

fn comparison(report: &Report, row: &Row) -> Option<Vec<String>> {
    let (load, other) = COMPARED;
    let ratio = report.ratio((row.load, row.server), (other, row.server), |figures| {
        figures.latency_p99_ns as f64
    })?;
    (row.load == load)
        .then(|| vec![row.load.to_owned(), row.server.to_owned(), spread(Some(ratio))])
}

fn idle(row: &Row) -> Option<Vec<String>> {
    let idles = row
        .pick(|outcome| if let Outcome::Idle(figures) = outcome { Some(figures) } else { None })?;
    let seconds = idles.iter().map(|figures| figures.seconds).sum::<f64>() / idles.len() as f64;
    let in_time = |value: Option<Spread>| format!("{} in {seconds} s", spread(value));
    let figure = |value: fn(&IdleFigures) -> f64| of(&idles, value);
    Some(vec![
        row.load.to_owned(),
        row.server.to_owned(),
        spread(figure(|figures| figures.bytes_a_client)),
        in_time(figure(|figures| figures.context_switches as f64)),
        spread(figure(|figures| figures.server_cpu_ns as f64 / 1e3)),
        middle(figure(|figures| figures.lines as f64)),
    ])
}

fn storm(row: &Row) -> Option<Vec<String>> {
    let storms = row
        .pick(|outcome| if let Outcome::Storm(figures) = outcome { Some(figures) } else { None })?;
    let figure = |value: fn(&StormFigures) -> f64| spread(of(&storms, value));
    let wait = |value: fn(&StormFigures) -> Option<u64>| {
        Spread::of(storms.iter().filter_map(|figures| value(figures)).map(|ns| ns as f64))
    };
    let milliseconds = |value: fn(&StormFigures) -> Option<f64>| {
        spread(Spread::of(storms.iter().filter_map(|figures| value(figures)).map(|ns| ns / 1e6)))
    };
    Some(vec![
        row.load.to_owned(),
        row.server.to_owned(),
        figure(|figures| figures.joins_a_second),
        figure(|figures| figures.cpu_ns_a_join / 1e3),
        figure(|figures| figures.leaves_a_second),
        figure(|figures| figures.cpu_ns_a_leave / 1e3),
        figure(|figures| figures.lines_a_client_a_join),
        [
            nanoseconds(wait(|figures| figures.wait_p50_ns)),
            nanoseconds(wait(|figures| figures.wait_p99_ns)),
        ]
        .join(", "),
        // One that is too long shows here only, so these have their spread too.
        milliseconds(|figures| figures.wait_max_ns.map(|ns| ns as f64)),
        milliseconds(|figures| figures.turn_max_ns),
    ])
}

fn trouble(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Skipped(reason) => Some(format!("skipped: {reason}")),
        Outcome::Failed(reason) => Some(format!("failed: {reason}")),
        _ => None,
    }
}

impl<'report> Row<'report> {
    /// The figures of one kind; `None` if there are none.
    pub fn pick<T>(
        &self,
        kind: impl Fn(&'report Outcome) -> Option<&'report T>,
    ) -> Option<Vec<&'report T>> {
        let figures: Vec<&T> = self.outcomes.iter().filter_map(|outcome| kind(outcome)).collect();
        (!figures.is_empty()).then_some(figures)
    }
}

pub fn of<T>(figures: &[&T], value: impl Fn(&T) -> f64) -> Option<Spread> {
    Spread::of(figures.iter().map(|figures| value(figures)))
}

pub fn spread(spread: Option<Spread>) -> String {
    match spread {
        Some(Spread { median, min, max }) if min < max => {
            format!("{} ({}..{})", number(median), number(min), number(max))
        }
        _ => middle(spread),
    }
}

pub fn middle(spread: Option<Spread>) -> String {
    spread.map_or_else(|| "-".to_owned(), |spread| number(spread.median))
}

/// Three digits, or as many as it takes.
fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size < 0.1 => format!("{value:.4}"),
        size if size < 10.0 => format!("{value:.2}"),
        size if size < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

pub fn nanoseconds(spread: Option<Spread>) -> String {
    let Some(Spread { median, .. }) = spread else {
        return "-".to_owned();
    };
    match median {
        ns if ns.abs() < 1e6 => format!("{} us", number(ns / 1e3)),
        ns => format!("{} ms", number(ns / 1e6)),
    }
}

/// Prints rows under their headings, each column as wide as it has to be. Nothing without rows.
pub fn grid(headings: &[&str], rows: Vec<Vec<String>>) {
    if rows.is_empty() {
        return;
    }
    let headings = headings.iter().map(|&heading| heading.to_owned()).collect();
    let lines: Vec<Vec<String>> = [headings].into_iter().chain(rows).collect();
    let width =
        |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..lines[0].len()).map(width).collect();
    println!();
    for line in &lines {
        let cells =
            line.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| match column {
                // Names to the left, figures to the right, and the last column as it comes.
                0 | 1 => format!("{cell:width$}"),
                _ if column + 1 == line.len() => cell.clone(),
                _ => format!("{cell:>width$}"),
            });
        println!("{}", cells.collect::<Vec<String>>().join("  "));
    }
}
