//! The tables of servers that share a room, beside one that doesn't.

use crate::figures::{
    FlowFigures, OrderedLines, OrderingFigures, Outcome, Report, RoundTripFigures,
    SharingLatencies, Spread,
};
use crate::latency::Quantiles;
use crate::table::{Row, grid, middle, nanoseconds, of, spread};

/// The server without an engine that others are divided by.
const ALONE: &str = "roomcast";

pub fn print(report: &Report, rows: &[Row]) {
    grid(
        &[
            "load",
            "server",
            "CPU ns a delivery",
            "/ roomcast",
            "loops alone",
            "/ roomcast",
            "engine us a line",
            "lines/s",
            "/ roomcast",
            "lines",
        ],
        rows.iter().filter_map(|row| cost(report, row)).collect(),
    );
    grid(
        &[
            "load",
            "server",
            "same server: p50, p99",
            "more than roomcast",
            "another: p50, p99",
            "more than roomcast",
            "p99 / roomcast",
            "PING",
            "append",
            "back",
        ],
        rows.iter().filter_map(|row| latency(report, row)).collect(),
    );
    grid(
        &[
            "load",
            "server",
            "a line a batch: lines/s",
            "engine us a line",
            "128 a batch: lines/s",
            "engine us a line",
            "all read: lines/s",
            "engine us a line",
            "engine busy",
            "bytes a line",
            "lines",
        ],
        rows.iter().filter_map(ordering).collect(),
    );
}

fn cost(report: &Report, row: &Row) -> Option<Vec<String>> {
    let flows = flows(row)?;
    let key = (row.load, row.server);
    let ratio =
        |value: fn(&FlowFigures) -> f64| spread(report.ratio(key, (row.load, ALONE), value));
    Some(vec![
        row.load.to_owned(),
        row.server.to_owned(),
        spread(of(&flows, FlowFigures::cpu_ns_a_delivery)),
        ratio(FlowFigures::cpu_ns_a_delivery),
        spread(of(&flows, FlowFigures::loop_cpu_ns_a_delivery)),
        ratio(FlowFigures::loop_cpu_ns_a_delivery),
        spread(of(&flows, |figures| figures.engine_cpu_ns_a_line() / 1e3)),
        middle(of(&flows, FlowFigures::lines_a_second)),
        ratio(FlowFigures::lines_a_second),
        flows.iter().find_map(|figures| figures.faults()).unwrap_or_else(|| "all".to_owned()),
    ])
}

fn latency(report: &Report, row: &Row) -> Option<Vec<String>> {
    let mut flows = flows(row)?;
    flows.retain(|figures| is_paced(figures));
    if flows.is_empty() {
        return None;
    }
    let figures = |pick: Pick| pair(|part| of(&flows, |figures| value(figures, pick, part)));
    let key = (row.load, row.server);
    let more = |pick: Pick| {
        pair(|part| {
            report.compare(key, (row.load, ALONE), |figures, alone| {
                value(figures, pick, part) - value(alone, near, part)
            })
        })
    };
    let ratio = report.compare(key, (row.load, ALONE), |figures, alone| {
        value(figures, far, P99) / value(alone, near, P99)
    });
    Some(vec![
        row.load.to_owned(),
        row.server.to_owned(),
        figures(near),
        more(near),
        figures(far),
        more(far),
        spread(ratio),
        figures(|latencies| round_trip(latencies, |trips| trips.ping)),
        figures(|latencies| round_trip(latencies, |trips| trips.append)),
        figures(|latencies| round_trip(latencies, |trips| trips.back)),
    ])
}

fn ordering(row: &Row) -> Option<Vec<String>> {
    let figures =
        row.pick(|outcome| if let Outcome::Ordering(it) = outcome { Some(it) } else { None })?;
    let speed = |pick: fn(&OrderingFigures) -> &OrderedLines| {
        spread(of(&figures, |figures| pick(figures).a_second()))
    };
    let cost = |pick: fn(&OrderingFigures) -> &OrderedLines| {
        spread(of(&figures, |figures| pick(figures).engine_ns_a_line() / 1e3))
    };
    Some(vec![
        row.load.to_owned(),
        row.server.to_owned(),
        speed(|figures| &figures.single),
        cost(|figures| &figures.single),
        speed(|figures| &figures.full),
        cost(|figures| &figures.full),
        speed(|figures| &figures.read),
        cost(|figures| &figures.read),
        middle(of(&figures, |figures| figures.read.engine_share())),
        middle(of(&figures, |figures| figures.read.sent_bytes_a_line())),
        figures.iter().find_map(|figures| figures.trouble()).unwrap_or_else(|| "all".to_owned()),
    ])
}

type Pick = fn(&SharingLatencies) -> Option<Quantiles>;
type Part = fn(Quantiles) -> u64;

const P50: Part = |quantiles| quantiles.p50_ns;
const P99: Part = |quantiles| quantiles.p99_ns;

fn near(latencies: &SharingLatencies) -> Option<Quantiles> {
    Some(latencies.near)
}

fn far(latencies: &SharingLatencies) -> Option<Quantiles> {
    latencies.far
}

fn round_trip(
    latencies: &SharingLatencies,
    pick: fn(&RoundTripFigures) -> Quantiles,
) -> Option<Quantiles> {
    latencies.round_trips.as_ref().map(pick)
}

/// Not a number if there is none; such are left out.
fn value(figures: &FlowFigures, pick: Pick, part: Part) -> f64 {
    let latencies = figures.sharing.as_ref().and_then(|sharing| sharing.latencies.as_ref());
    latencies.and_then(pick).map_or(f64::NAN, |quantiles| part(quantiles) as f64)
}

fn is_paced(figures: &FlowFigures) -> bool {
    figures.sharing.as_ref().is_some_and(|sharing| sharing.latencies.is_some())
}

/// The p50 and the p99.
fn pair(of: impl Fn(Part) -> Option<Spread>) -> String {
    match of(P50) {
        None => "-".to_owned(),
        p50 => format!("{}, {}", nanoseconds(p50), nanoseconds(of(P99))),
    }
}

fn flows<'report>(row: &Row<'report>) -> Option<Vec<&'report FlowFigures>> {
    row.pick(|outcome| match outcome {
        Outcome::Flow(figures) if figures.sharing.is_some() => Some(figures),
        _ => None,
    })
}
