//! Notices: a text for people, and the same as facts for programs.
//!
//! `texts/` makes both in one place. A text without facts is a notice too.

use std::ops::Deref;

use crate::wire::{Facts, NoticeEvent};

/// What the server says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Notice {
    pub text: String,
    pub facts: Option<Box<Facts>>,
}

/// The same for one who only passes it on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told<'a> {
    pub text: &'a str,
    pub facts: Option<&'a Facts>,
}

impl Notice {
    /// A notice that tells programs this.
    pub fn new(text: impl Into<String>, facts: Facts) -> Notice {
        Notice { text: text.into(), facts: Some(Box::new(facts)) }
    }

    /// A notice that tells programs what has happened, and no more.
    pub fn of(event: NoticeEvent, text: impl Into<String>) -> Notice {
        Notice::new(text, Facts::new(event))
    }
}

impl Deref for Notice {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl From<String> for Notice {
    fn from(text: String) -> Notice {
        Notice { text, facts: None }
    }
}

impl From<&str> for Notice {
    fn from(text: &str) -> Notice {
        text.to_owned().into()
    }
}

impl<'a> From<&'a str> for Told<'a> {
    fn from(text: &'a str) -> Told<'a> {
        Told { text, facts: None }
    }
}

impl<'a> From<&'a String> for Told<'a> {
    fn from(text: &'a String) -> Told<'a> {
        text.as_str().into()
    }
}

impl<'a> From<&'a Box<str>> for Told<'a> {
    fn from(text: &'a Box<str>) -> Told<'a> {
        (**text).into()
    }
}

impl<'a> From<&'a Notice> for Told<'a> {
    fn from(notice: &'a Notice) -> Told<'a> {
        Told { text: &notice.text, facts: notice.facts.as_deref() }
    }
}

impl Told<'_> {
    /// What it tells programs, as it is kept with a line; empty if that is nothing.
    pub fn facts_for_line(&self) -> Box<str> {
        self.facts.map(Facts::encode_for_line).unwrap_or_default()
    }
}
