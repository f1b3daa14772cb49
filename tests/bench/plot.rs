//! Draws the cost of a delivery against the number of clients: two panels with logarithmic axes, a
//! line for each server, named at its end.

use std::collections::BTreeMap;

use crate::figures::{Outcome, Report, Spread};
use crate::svg::{Anchor, Pen, Sheet, Style};
use crate::table::FLOOR;

const WIDTH: f64 = 1240.0;
const HEIGHT: f64 = 600.0;
const PANEL_WIDTH: f64 = 390.0;
const PANEL_TOP: f64 = 130.0;
const PANEL_BOTTOM: f64 = 540.0;
const PANELS_LEFT: [f64; 2] = [70.0, 665.0];
/// Names at the ends of lines keep this distance from each other.
const NAME_HEIGHT: f64 = 16.0;
/// Between the end of a line and its name.
const NAME_GAP: f64 = 24.0;

const INK: &str = "#111827";
const FAINT_INK: &str = "#6b7280";
const GRID: Pen = Pen { colour: "#e5e7eb", width: 1.0, dashes: "" };
const OURS: Pen = Pen { colour: "#dc2626", width: 3.5, dashes: "" };
const BARE: Pen = Pen { colour: INK, width: 2.0, dashes: "7 4" };
const LIMIT: Pen = Pen { colour: FAINT_INK, width: 2.0, dashes: "2 4" };
/// For the others, in the order of their names.
const OTHERS: [&str; 6] = ["#2563eb", "#059669", "#9333ea", "#0891b2", "#b45309", "#be185d"];
const PLAIN: Style = Style { size: 13, colour: INK, anchor: Anchor::Start, weight: 400 };

/// A load's costs on one server, by the number of clients.
struct Series {
    name: String,
    pen: Pen,
    points: Vec<(f64, Spread)>,
}

/// A logarithmic axis: the values at its two ends, and where those ends are.
struct Axis {
    values: (f64, f64),
    places: (f64, f64),
}

/// The picture of what `--loads sweep` found.
pub fn draw(report: &Report) -> Result<String, String> {
    let alone = series(report, &["paced"]);
    let full = series(report, &["full", "limit"]);
    if alone.is_empty() || full.is_empty() {
        return Err(
            "no figures of `paced` and `full` in that file; --loads sweep makes them".into()
        );
    }
    let all = || alone.iter().chain(&full).flat_map(|series| &series.points);
    let clients = range(all().map(|(clients, _)| (*clients, *clients)));
    let costs = range(all().map(|(_, cost)| (cost.min * 0.8, cost.max * 1.25)));
    let mut sheet = Sheet::new(WIDTH, HEIGHT);
    let title = "What it costs the server to deliver one line to one client";
    sheet.words((20.0, 34.0), title, Style { size: 20, weight: 700, ..PLAIN });
    let how = [
        format!(
            "Processor time of the server, lines of 64 bytes, {}. Lower is better. Medians; bars from the smallest \
             to the largest run.",
            report.machine.processor
        ),
        "Bare loop: receives and sends on, nothing else. The limit: the same when 800 lines share each send, so that \
         little more than copying is left."
            .to_owned(),
    ];
    for (line, height) in how.iter().zip([56.0, 74.0]) {
        sheet.words((20.0, height), line, Style { colour: FAINT_INK, ..PLAIN });
    }
    let panels = [
        (alone, "Paced: each line comes alone (50,000 deliveries a second at most)"),
        (full, "Full speed: one in five sends (100 at most), 8 lines outstanding each"),
    ];
    for ((series, title), left) in panels.into_iter().zip(PANELS_LEFT) {
        let x = Axis { values: clients, places: (left, left + PANEL_WIDTH) };
        let y = Axis { values: costs, places: (PANEL_BOTTOM, PANEL_TOP) };
        sheet.words((left, PANEL_TOP - 16.0), title, Style { weight: 700, ..PLAIN });
        axes(&mut sheet, &x, &y);
        for series in &series {
            curve(&mut sheet, series, &x, &y);
        }
        names(&mut sheet, &series, &x, &y);
    }
    Ok(sheet.finish())
}

/// One series for each server and family, in the order in which they are drawn: ours last, on top.
fn series(report: &Report, families: &[&str]) -> Vec<Series> {
    let mut costs: BTreeMap<(&str, &str), BTreeMap<usize, Vec<f64>>> = BTreeMap::new();
    for record in report.records.iter().filter(|record| families.contains(&record.family.as_str()))
    {
        if let Outcome::Flow(figures) = &record.outcome {
            let line = costs.entry((&record.family, &record.server)).or_default();
            line.entry(record.clients).or_default().push(figures.cpu_ns_a_delivery());
        }
    }
    let mut others = OTHERS.iter().cycle();
    let mut series: Vec<Series> = Vec::new();
    for ((family, server), costs) in costs {
        let (name, pen) = match (family, server) {
            ("limit", _) => ("the limit".to_owned(), LIMIT),
            (_, FLOOR) => ("bare loop".to_owned(), BARE),
            (_, "roomcast") => (server.to_owned(), OURS),
            _ => (
                server.to_owned(),
                Pen { colour: others.next().unwrap_or(&INK), width: 1.8, dashes: "" },
            ),
        };
        let point =
            |(clients, costs): (usize, Vec<f64>)| Some((clients as f64, Spread::of(costs)?));
        series.push(Series { name, pen, points: costs.into_iter().filter_map(point).collect() });
    }
    series.sort_by_key(|series| series.pen.colour == OURS.colour);
    series
}

fn axes(sheet: &mut Sheet, x: &Axis, y: &Axis) {
    for clients in x.ticks() {
        let place = x.place(clients);
        sheet.polyline(&[(place, y.places.0), (place, y.places.1)], GRID);
        let label = (place, y.places.0 + 18.0);
        sheet.words(label, &thousands(clients), Style { anchor: Anchor::Middle, ..PLAIN });
    }
    for ns in y.ticks() {
        let place = y.place(ns);
        sheet.polyline(&[(x.places.0, place), (x.places.1, place)], GRID);
        sheet.words(
            (x.places.0 - 8.0, place + 4.0),
            &time(ns),
            Style { anchor: Anchor::End, ..PLAIN },
        );
    }
    let middle = (x.places.0 + x.places.1) / 2.0;
    let style = Style { anchor: Anchor::Middle, colour: FAINT_INK, ..PLAIN };
    sheet.words((middle, y.places.0 + 42.0), "clients in the room", style);
}

fn curve(sheet: &mut Sheet, series: &Series, x: &Axis, y: &Axis) {
    let places: Vec<(f64, f64)> = series
        .points
        .iter()
        .map(|(clients, cost)| (x.place(*clients), y.place(cost.median)))
        .collect();
    sheet.polyline(&places, series.pen);
    for ((place, _), (_, cost)) in places.iter().zip(&series.points) {
        let bar = Pen { width: 1.2, dashes: "", ..series.pen };
        sheet.polyline(&[(*place, y.place(cost.min)), (*place, y.place(cost.max))], bar);
    }
    for place in places {
        sheet.dot(place, series.pen.width + 0.7, series.pen.colour);
    }
}

/// Each line's name to the right of the panel, as near to the line's end as the others allow.
fn names(sheet: &mut Sheet, series: &[Series], x: &Axis, y: &Axis) {
    let end = |series: &Series| {
        series.points.last().map(|(clients, cost)| (x.place(*clients), y.place(cost.median)))
    };
    let mut ends: Vec<(&Series, (f64, f64))> =
        series.iter().filter_map(|series| Some((series, end(series)?))).collect();
    ends.sort_by(|(_, (_, one)), (_, (_, other))| one.total_cmp(other));
    let mut heights: Vec<f64> = Vec::new();
    for (_, (_, height)) in &ends {
        let lowest = heights.last().map_or(f64::MIN, |above| above + NAME_HEIGHT);
        heights.push(height.max(lowest));
    }
    // Whatever was pushed out at the bottom goes up again, and pushes the others up.
    let mut highest = PANEL_BOTTOM;
    for height in heights.iter_mut().rev() {
        *height = height.min(highest);
        highest = *height - NAME_HEIGHT;
    }
    for ((series, end), height) in ends.into_iter().zip(heights) {
        let place = x.places.1 + NAME_GAP;
        let pen = Pen { width: 0.8, dashes: "", ..series.pen };
        sheet.polyline(&[(end.0 + 6.0, end.1), (place - 4.0, height)], pen);
        let weight = if series.pen.colour == OURS.colour { 700 } else { 400 };
        let style = Style { colour: series.pen.colour, weight, ..PLAIN };
        let cost = series.points.last().map(|(_, cost)| time(cost.median)).unwrap_or_default();
        sheet.words((place, height + 4.0), &format!("{} {cost}", series.name), style);
    }
}

impl Axis {
    fn place(&self, value: f64) -> f64 {
        let share = (value / self.values.0).ln() / (self.values.1 / self.values.0).ln();
        self.places.0 + (self.places.1 - self.places.0) * share
    }

    /// 1, 3, 10, 30 and so on, as far as they lie on the axis.
    fn ticks(&self) -> Vec<f64> {
        let decades = (0..9).map(|exponent| 10f64.powi(exponent));
        let ticks = decades.flat_map(|decade| [decade, 3.0 * decade]);
        ticks.filter(|&tick| tick >= self.values.0 * 0.99 && tick <= self.values.1 * 1.01).collect()
    }
}

/// The smallest and the largest.
fn range(values: impl Iterator<Item = (f64, f64)>) -> (f64, f64) {
    let (low, high) = values
        .fold((f64::MAX, f64::MIN), |(low, high), (least, most)| (low.min(least), high.max(most)));
    // A single number of clients is no axis; give it some room.
    if low < high { (low, high) } else { (low / 2.0, high * 2.0) }
}

fn time(ns: f64) -> String {
    let (value, unit) = if ns < 1000.0 { (ns, "ns") } else { (ns / 1000.0, "us") };
    // Two digits, without a fraction that is none.
    let decimals = usize::from(value < 10.0 && value.fract() >= 0.05);
    format!("{value:.decimals$} {unit}")
}

fn thousands(number: f64) -> String {
    if number < 1000.0 { format!("{number}") } else { format!("{},000", number / 1000.0) }
}
