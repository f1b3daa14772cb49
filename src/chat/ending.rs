//! Why and how a client's visit ends.

/// Every reason why a client's visit can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// It said `/quit`, or closed its sending side.
    Quit,
    /// Its connection broke.
    Reset,
    /// It took no byte for the stall limit.
    Stalled,
    /// It fell out of the log, and the server was told to close then.
    Lagged,
    /// It sent a line past the limit where it can't be told (raw mode).
    LineTooLong,
    /// The server shuts down.
    Shutdown,
}

impl Ending {
    /// What others are told; a plain quit needs no reason.
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Ending::Quit => None,
            Ending::Reset => Some("connection reset"),
            Ending::Stalled => Some("stopped reading"),
            Ending::Lagged => Some("too slow"),
            Ending::LineTooLong => Some("line too long"),
            Ending::Shutdown => Some("shutdown"),
        }
    }
}

/// What is to be done with a connection whose visit has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// All that the client was owed is with the kernel: say goodbye properly,
    /// so that it arrives.
    Polite,
    /// Nothing more will reach the client: drop the connection at once.
    Abrupt,
}
