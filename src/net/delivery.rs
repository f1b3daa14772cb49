//! One write to one client, by whichever thread.

use std::io::{self, IoSlice};

use super::connection::{Sent, Writer};
use super::tls::Side;
use crate::chat::{ClientId, Offer};

/// What is to be written to a client, and what came of it.
pub(super) struct Delivery<'a> {
    pub id: ClientId,
    pub offer: Offer,
    /// Where in all slices of the flush its own are.
    pub slices: (usize, usize),
    pub writer: Writer<'a>,
    /// If it speaks TLS.
    pub side: Option<Side>,
    pub result: io::Result<Sent>,
}

impl Delivery<'_> {
    /// Writes once.
    pub fn write(&mut self, all: &[IoSlice]) {
        let slices = &all[self.slices.0..self.slices.1];
        if slices.is_empty() {
            // What it was to be sent went while others were prepared; it is queued again.
            return;
        }
        self.result = match &mut self.side {
            Some(side) => side.send(&mut self.writer, slices),
            None => self.writer.send(slices).map(|bytes| Sent { bytes, has_progress: false }),
        };
    }
}
