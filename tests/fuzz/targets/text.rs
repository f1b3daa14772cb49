//! What is made of the bytes of a line.

use roomcast::wire::Text;
use unicode_bidi::{BidiInfo, Level};

/// A cleaned text has nothing in it that could hurt, and cleaning it again
/// changes nothing.
pub fn text(data: &[u8]) {
    let clean = Text::clean(data);
    let text = clean.as_str();
    let is_harmful = |c: char| c.is_control() && c != '\t';
    assert!(!text.contains(is_harmful), "a control character: {text:?}");
    assert!(!text.contains(['\u{2028}', '\u{2029}']), "a line in a line: {text:?}");
    assert_eq!(Text::clean(text.as_bytes()).as_str(), text, "cleaned twice");
    // U+FFFD for each byte, or the end of each direction.
    assert!(text.len() <= 3 * data.len(), "{} bytes of {}", text.len(), data.len());
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t');
    if data.iter().all(is_plain) {
        assert_eq!(text.as_bytes(), data);
    }
    assert_directions_end(text);
}

/// What is said behind a text is shown from left to right (UAX 9).
fn assert_directions_end(text: &str) {
    let line = format!("{text}x");
    let bidi = BidiInfo::new(&line, Some(Level::ltr()));
    assert_eq!(bidi.levels.last().map(|level| level.number()), Some(0), "{text:?}");
}
