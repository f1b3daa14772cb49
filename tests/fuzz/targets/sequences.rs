//! The control sequences that a terminal is sent.

use vte::{Params, Parser, Perform};

/// Panics if there is anything in `text` but printable characters, line ends,
/// bells, what draws an edited line, and colors.
pub fn assert_known(text: &str) {
    Parser::new().advance(&mut Known, text.as_bytes());
}

/// Panics at each sequence that the server never sends.
struct Known;

impl Perform for Known {
    fn print(&mut self, c: char) {
        assert!(!c.is_control(), "a control character: {c:?}");
    }

    fn execute(&mut self, byte: u8) {
        assert!(matches!(byte, b'\r' | b'\n' | b'\t' | 7), "a control character: {byte}");
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], _: bool, action: char) {
        let marks_pastes = params.iter().eq([[2004]]) && matches!(action, 'h' | 'l');
        if intermediates == b"?" && marks_pastes {
            return;
        }
        assert!(intermediates.is_empty() && params.len() == 1, "CSI {params:?} {action}");
        assert!(matches!(action, 'K' | 'C' | 'A' | 'J' | 'm'), "CSI {params:?} {action}");
    }

    fn esc_dispatch(&mut self, _: &[u8], _: bool, byte: u8) {
        panic!("ESC {byte}");
    }

    fn osc_dispatch(&mut self, params: &[&[u8]], _: bool) {
        panic!("OSC {params:?}");
    }

    fn hook(&mut self, _: &Params, _: &[u8], _: bool, action: char) {
        panic!("DCS {action}");
    }
}
