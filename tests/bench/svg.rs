//! A sheet to draw on: the few SVG elements that a plot needs.

use std::fmt::Write;

pub struct Sheet {
    text: String,
}

/// How a stroke looks.
#[derive(Clone, Copy)]
pub struct Pen {
    pub colour: &'static str,
    pub width: f64,
    /// Lengths of dashes and gaps; empty for a solid line.
    pub dashes: &'static str,
}

#[derive(Clone, Copy)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// Where and how words are written.
#[derive(Clone, Copy)]
pub struct Style {
    pub size: u32,
    pub colour: &'static str,
    pub anchor: Anchor,
    pub weight: u32,
}

impl Sheet {
    pub fn new(width: f64, height: f64) -> Sheet {
        let text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
             font-family=\"system-ui, sans-serif\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n"
        );
        Sheet { text }
    }

    pub fn polyline(&mut self, points: &[(f64, f64)], pen: Pen) {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        self.put(format_args!(
            "<polyline points=\"{}\" fill=\"none\" {}/>",
            points.join(" "),
            attributes(pen)
        ));
    }

    pub fn dot(&mut self, (x, y): (f64, f64), radius: f64, colour: &str) {
        self.put(format_args!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"{colour}\"/>"
        ));
    }

    pub fn words(&mut self, (x, y): (f64, f64), words: &str, style: Style) {
        let Style { size, colour, weight, .. } = style;
        let anchor = match style.anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let words = words.replace('&', "&amp;").replace('<', "&lt;");
        self.put(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" font-weight=\"{weight}\" fill=\"{colour}\" \
             text-anchor=\"{anchor}\">{words}</text>"
        ));
    }

    pub fn finish(mut self) -> String {
        self.text.push_str("</svg>\n");
        self.text
    }

    fn put(&mut self, element: std::fmt::Arguments) {
        // Writing to a string doesn't fail.
        let _ = writeln!(self.text, "{element}");
    }
}

fn attributes(Pen { colour, width, dashes }: Pen) -> String {
    format!(
        "stroke=\"{colour}\" stroke-width=\"{width}\" stroke-dasharray=\"{dashes}\" stroke-linejoin=\"round\""
    )
}
