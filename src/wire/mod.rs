//! Bytes to lines and lines to bytes.
//!
//! What arrives from a client goes through its [`Client`] (another protocol told
//! apart, telnet commands out, lines cut or keys edited) and [`Text`] (nothing in
//! it that could hurt a terminal). What leaves is a [`Message`] in an
//! [`Encoding`].
//!
//! This part knows no clients, rooms, time or sockets, and depends on nothing
//! else in the crate.

// In reading order.
mod charset;
mod terminal;
mod telnet;
mod questions;
mod options;
mod mssp;
mod decoder;
mod text;
mod message;
mod rules;
mod facts;
mod stored;
mod shared;
mod mention;
mod view;
mod encoding;
mod editor;
mod wrap;
mod protocol;
mod http;
mod body;
mod websocket;
mod client;

pub use charset::Charset;
pub use client::{Client, Input, Stage};
pub use decoder::{Decoder, Event, Framing, LineEnd, LineStart, Typed};
pub use editor::{Edited, Editor, PASTE_BYTES_MAX};
pub use encoding::{Encoding, Ending, FRAME_BYTES_MAX, JSON_BYTES_MAX, Layout, NOTICE};
pub use facts::{Facts, NoticeEvent};
pub use http::{BadRequest, Length, Method, Request, Upgrade, secured_url};
pub use mention::{is_said, words};
pub use message::{Answered, Kind, Message, Time, date_and_time, rfc3339};
pub use mssp::{MSSP_REQUEST, status, status_text};
pub use options::Options;
pub use protocol::{FIRST_BYTES, First, Protocol};
pub use rules::Rules;
pub use shared::{
    Arrival, Change, Dispatch, Errand, GUEST_NUMBERS, NUMBERS_MAX, Outcome, PeopleNews, Person,
    PersonId, SharedBan, SharedLine, SharedMute, SharedReport, Submission, Task, parse_range,
};
pub use stored::{
    Answer, Batch, From, KeptName, News, Page, Past, Query, RoomKey, StoreState, StoredLine, Tail,
    Wish, is_sender,
};
pub use telnet::{CharsetName, Command, MSSP};
pub use terminal::Terminal;
pub use text::{Text, close_directions};
pub use view::{Clock, View};
pub use websocket::{CloseCode, Frame, accept_key, ping, pong};
