//! Lines that say who sent them and which they are, so that one that is lost,
//! torn or doubled shows.

/// What the rest of a line is made of; characters of one to four bytes.
const FILLER: &str = "the quick brown fox jumps over the lazy dog, žluťoučký kůň, Съешь же ещё, 日本語のテキスト, 🦊🐶 ";

/// Most lines are short, a few are long.
const CHARS_MAX: u32 = 100;
const CHARS_MAX_RARELY: u32 = 1000;

/// `@17 42 the quick .`: the line with number 42 of sender 17.
pub fn numbered(sender: u32, number: u32) -> String {
    let chance = (sender ^ number.rotate_left(16)).wrapping_mul(0x9e37_79b9) >> 8;
    let chars_max = if chance.is_multiple_of(64) { CHARS_MAX_RARELY } else { CHARS_MAX };
    let filler = FILLER.chars().cycle().take((chance / 64 % chars_max) as usize);
    format!("@{sender} {number} {}.", filler.collect::<String>())
}

/// The sender and the number of such a line, if it is whole.
pub fn parse(text: &str) -> Option<(u32, u32)> {
    let (sender, rest) = text.strip_prefix('@')?.split_once(' ')?;
    let (number, _) = rest.split_once(' ')?;
    let (sender, number) = (sender.parse().ok()?, number.parse().ok()?);
    (text == numbered(sender, number)).then_some((sender, number))
}

/// The author and the text of what somebody said: `<ann> hi` or `* ann hi`;
/// none if it isn't said in the room.
pub fn said(line: &[u8]) -> Option<(&str, &str)> {
    let line = str::from_utf8(line).ok()?;
    let (author, text) = match line.strip_prefix('<') {
        Some(rest) => rest.split_once("> ")?,
        None => line.strip_prefix("* ")?.split_once(' ')?,
    };
    // `<ann to you> hi` is for one alone.
    (!author.contains(' ')).then_some((author, text))
}
