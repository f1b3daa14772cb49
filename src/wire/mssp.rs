//! The state of the server for programs that list servers: Mud Server Status Protocol
//! (<https://tintin.mudhalla.net/protocols/mssp/>).

use super::telnet::{IAC, MSSP, SB, SE};

/// What stands before a name and before a value.
const VAR: u8 = 1;
const VAL: u8 = 2;

/// The line with which a program asks that doesn't speak telnet.
pub const MSSP_REQUEST: &str = "MSSP-REQUEST";

/// The subnegotiation that tells these variables.
pub fn status(variables: &[(&str, String)]) -> Vec<u8> {
    let mut bytes = vec![IAC, SB, MSSP];
    for (name, value) in variables {
        bytes.push(VAR);
        bytes.extend(name.bytes());
        bytes.push(VAL);
        // Neither a marker, nor the end of the value in another program.
        bytes.extend(value.bytes().filter(|byte| !byte.is_ascii_control()));
    }
    bytes.extend([IAC, SE]);
    bytes
}

/// The same as lines of text, whose ends are CR LF.
pub fn status_text(variables: &[(&str, String)]) -> Vec<u8> {
    let mut text = "\r\nMSSP-REPLY-START\r\n".to_owned();
    for (name, value) in variables {
        let value = value.replace(char::is_control, "");
        text += &format!("{name}\t{value}\r\n");
    }
    text += "MSSP-REPLY-END\r\n";
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_told_in_two_forms() {
        let variables = [("NAME", "lobby\x01\n".to_owned()), ("PLAYERS", "2".to_owned())];
        let expected = b"\xff\xfa\x46\x01NAME\x02lobby\x01PLAYERS\x022\xff\xf0";
        assert_eq!(status(&variables), expected);
        let expected = b"\r\nMSSP-REPLY-START\r\nNAME\tlobby\r\nPLAYERS\t2\r\nMSSP-REPLY-END\r\n";
        assert_eq!(status_text(&variables), expected);
    }
}
