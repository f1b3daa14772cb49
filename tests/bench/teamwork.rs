//! The tables of one thread of the server beside several.

use crate::figures::{FlowFigures, Outcome, ReachFigures, Report, Span};
use crate::table::{Row, grid, middle, nanoseconds, of, spread};

/// The server with one thread, which others are divided by.
const ALONE: &str = "threads1";

pub fn print(report: &Report, rows: &[Row]) {
    grid(
        &[
            "load",
            "server",
            "all reached: p50",
            "p10, p90",
            "/ threads1",
            "first reached",
            "lines",
            "dropped",
        ],
        rows.iter().filter_map(|row| time(report, row)).collect(),
    );
    grid(
        &[
            "load",
            "server",
            "CPU ns a delivery",
            "/ threads1",
            "loop's thread",
            "helpers",
            "serial",
        ],
        rows.iter().filter_map(|row| cost(report, row)).collect(),
    );
    grid(
        &[
            "load",
            "server",
            "CPU ns a delivery",
            "/ threads1",
            "loop's thread",
            "M deliveries/s",
            "lines/s",
            "/ threads1",
            "lines",
        ],
        rows.iter().filter_map(|row| speed(report, row)).collect(),
    );
}

fn time(report: &Report, row: &Row) -> Option<Vec<String>> {
    let reaches = row.pick(reach)?;
    let span = |value: fn(&ReachFigures) -> u64| {
        nanoseconds(of(&reaches, |figures| value(figures) as f64))
    };
    let ratio = report.over(row.load, (row.server, ALONE), reach, |figures| {
        let Span { p50_ns, .. } = figures.all;
        p50_ns as f64
    });
    Some(vec![
        row.load.to_owned(),
        row.server.to_owned(),
        span(|figures| figures.all.p50_ns),
        [span(|figures| figures.all.p10_ns), span(|figures| figures.all.p90_ns)].join(", "),
        spread(ratio),
        span(|figures| figures.first.p50_ns),
        middle(of(&reaches, |figures| figures.lines as f64)),
        middle(of(&reaches, |figures| figures.dropped as f64)),
    ])
}

fn cost(report: &Report, row: &Row) -> Option<Vec<String>> {
    let reaches = row.pick(reach)?;
    let figure = |value: fn(&ReachFigures) -> f64| spread(of(&reaches, value));
    let servers = (row.server, ALONE);
    let ratio = report.over(row.load, servers, reach, ReachFigures::cpu_ns_a_delivery);
    Some(vec![
        row.load.to_owned(),
        row.server.to_owned(),
        figure(ReachFigures::cpu_ns_a_delivery),
        spread(ratio),
        figure(ReachFigures::loop_cpu_ns_a_delivery),
        figure(ReachFigures::helpers_cpu_ns_a_delivery),
        figure(ReachFigures::serial_ns_a_delivery),
    ])
}

fn speed(report: &Report, row: &Row) -> Option<Vec<String>> {
    let flows = row.pick(flow)?;
    let figure = |value: fn(&FlowFigures) -> f64| spread(of(&flows, value));
    let ratio = |value: fn(&FlowFigures) -> f64| {
        spread(report.over(row.load, (row.server, ALONE), flow, value))
    };
    Some(vec![
        row.load.to_owned(),
        row.server.to_owned(),
        figure(FlowFigures::cpu_ns_a_delivery),
        ratio(FlowFigures::cpu_ns_a_delivery),
        figure(|figures| team(figures, |team| team.loop_cpu_ns) / figures.deliveries as f64),
        figure(|figures| figures.deliveries_a_second() / 1e6),
        figure(lines_a_second),
        ratio(lines_a_second),
        flows.iter().find_map(|figures| figures.faults()).unwrap_or_else(|| "all".to_owned()),
    ])
}

fn lines_a_second(figures: &FlowFigures) -> f64 {
    team(figures, |team| team.lines) * 1e9 / figures.elapsed_ns as f64
}

fn team(figures: &FlowFigures, value: fn(&crate::figures::TeamFigures) -> u64) -> f64 {
    figures.team.as_ref().map_or(f64::NAN, |team| value(team) as f64)
}

fn reach(outcome: &Outcome) -> Option<&ReachFigures> {
    if let Outcome::Reach(figures) = outcome { Some(figures) } else { None }
}

fn flow(outcome: &Outcome) -> Option<&FlowFigures> {
    match outcome {
        Outcome::Flow(figures) if figures.team.is_some() => Some(figures),
        _ => None,
    }
}
