//! Lines as they are stored.

use rusqlite::Row;

use crate::wire::{Facts, Kind, Past};

/// The columns that `past` reads.
pub const COLUMNS: &str = "number, time, kind, sender, lines.text, facts";

pub fn past(row: &Row<'_>) -> Result<Past, rusqlite::Error> {
    let kind = kind(row.get_ref(2)?.as_str().unwrap_or_default());
    let (number, time) = (row.get(0)?, row.get(1)?);
    let facts = row.get_ref(5)?.as_str_or_null().ok().flatten().map(Facts::check);
    let facts = facts.unwrap_or_default();
    Ok(Past::Line { number, time, kind, from: row.get(3)?, text: row.get(4)?, facts })
}

/// A kind as it is stored.
pub fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Said => "said",
        Kind::Act => "act",
        Kind::Presence => "presence",
        // What is for one reader isn't stored.
        Kind::Notice | Kind::Received | Kind::Sent => "notice",
    }
}

fn kind(word: &str) -> Kind {
    match word {
        "said" => Kind::Said,
        "act" => Kind::Act,
        "presence" => Kind::Presence,
        _ => Kind::Notice,
    }
}
