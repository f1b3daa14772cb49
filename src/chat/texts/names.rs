//! Names: taken ones, bad ones, registered ones and their secrets.

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};
use unicode_security::skeleton;

use super::phrases::{about, some, tries};
use crate::chat::names::nick::{NAME_BYTES_MAX, NAME_CHARS_MAX, NameError};
use crate::chat::names::proof::SECRET_BYTES_MAX;
use crate::chat::notice::Notice;
use crate::wire::{Facts, NoticeEvent as Event};

pub fn you_are(old: &str, new: &str) -> Notice {
    Notice::new(format!("you are now {new}"), rename(old, new))
}

pub fn renamed(old: &str, new: &str) -> Notice {
    Notice::new(format!("{old} is now {new}"), rename(old, new))
}

fn rename(old: &str, new: &str) -> Facts {
    Facts { target: some(new), ..about(Event::Rename, &[old]) }
}

pub fn name_taken(name: &str) -> String {
    format!("the name {name} is taken")
}

/// What is wrong with the name `look`: it looks like `taken`, which is.
pub fn look_taken(taken: &str, look: &str) -> String {
    format!("the name {taken} is taken, and {look} looks like it")
}

/// What is wrong with the name of a person or a room (`what`); `example` is right.
pub fn bad_name(what: &str, example: &str, error: NameError) -> String {
    match error {
        NameError::Missing => format!("the name is missing (like {example})"),
        NameError::Words if what == "name" => {
            "a name is one word; a secret follows a ! (like /nick ann!secret)".into()
        }
        NameError::Words => format!("the name of a room is one word (like {example})"),
        NameError::TooLong => {
            format!("a name has at most {NAME_CHARS_MAX} characters and {NAME_BYTES_MAX} bytes")
        }
        NameError::Character(c) => {
            let c = shown(c);
            format!(
                "a name can't contain {c}: it is made of letters, digits, _ . - (like {example})"
            )
        }
        NameError::MixedScripts(c) => {
            let c = shown(c);
            format!(
                "a name can't mix scripts: {c} is from a different script than the characters before it"
            )
        }
        NameError::BeginsWithMark => {
            "a name can't begin with a mark: put a letter before it".into()
        }
        NameError::TooManyMarks => {
            "a name can't have that many marks on one letter, or the same one twice".into()
        }
        NameError::Direction => {
            "a right-to-left name must begin with a letter and end with a letter or digit".into()
        }
        NameError::Secret => {
            format!(
                "a secret has 1 to {SECRET_BYTES_MAX} bytes and no space (like /nick ann!secret)"
            )
        }
        NameError::MixedDigits => "a right-to-left name must have digits of one kind".into(),
    }
}

/// A character for a client's eyes: with its number unless every keyboard has
/// it, and the number alone if there is nothing to see.
fn shown(c: char) -> String {
    use GeneralCategoryGroup::{Letter, Number, Punctuation, Symbol};
    let is_visible = matches!(c.general_category_group(), Letter | Number | Punctuation | Symbol)
        && skeleton(c.encode_utf8(&mut [0; 4])).next().is_some();
    let number = u32::from(c);
    match is_visible {
        true if c.is_ascii() => c.into(),
        true => format!("{c} (U+{number:04X})"),
        false => format!("U+{number:04X}"),
    }
}

pub const NOTHING_REGISTERED: &str =
    "names can't be registered here: the server keeps nothing (it would with --data DIR)";
pub const NOT_REGISTERED_TOGETHER: &str = "names can't be registered here: several servers share the rooms; /nick NAME!SECRET adds a proof";
pub const REGISTER_GUEST: &str =
    "guests' names can't be registered: choose another one first (like /nick ann)";
pub const SECRETS_BUSY: &str = "too many secrets are being checked: try again in a moment";
pub const SECRETS_FAIL: &str = "the secret can't be checked now: try again later";
pub const LOG_IN_FIRST: &str = "log in first, or give the secret: /unregister NAME SECRET";
pub const LOGGED_IN_ELSEWHERE: &str = "goodbye: you have logged in on another connection";
const LOOKS_SECRET: &str =
    "not sent, because it looks like a secret: a command begins with a slash (like /login SECRET)";
pub const SECRET_IS_NEW: &str = "goodbye: the secret of your name has been changed: log in again";

pub fn looks_secret() -> Notice {
    Notice::of(Event::Unsent, LOOKS_SECRET)
}

pub fn registered(name: &str) -> String {
    format!("{name} is registered to you; next time, type /login {name} SECRET")
}

pub fn secret_changed(name: &str) -> String {
    format!("the secret of {name} has been changed")
}

pub fn is_registered(name: &str) -> String {
    format!("{name} is registered: /login SECRET, or choose another name")
}

/// What is wrong with the name `look`: it looks like `name`, which has an owner.
pub fn look_registered(name: &str, look: &str) -> String {
    format!("{name} is registered, and {look} looks like it: /login SECRET, or choose another name")
}

pub fn reserved(name: &str) -> String {
    format!("{name} is reserved for operators: choose another name")
}

pub fn not_registered(name: &str) -> String {
    format!("{name} isn't registered; /register SECRET registers the name that you have")
}

pub fn logged_in(name: &str) -> String {
    format!("you are logged in as {name}")
}

pub fn unregistered(name: &str) -> String {
    format!("{name} is no longer registered")
}

pub fn bad_secret(bytes_min: usize, bytes_max: usize) -> String {
    format!("a secret has {bytes_min} to {bytes_max} bytes, no space, and isn't the name")
}

pub fn wrong_secret(left: u32) -> String {
    format!("wrong secret, {} left before you have to wait", tries(left.min(255) as u8))
}

pub fn wrong_secret_wait(seconds: u32) -> String {
    format!("wrong secret; the next try is possible in {seconds} s")
}

pub fn secret_wait(seconds: u32) -> String {
    format!("too many wrong secrets: try again in {seconds} s")
}

pub fn names_full(names_max: usize) -> String {
    format!("the limit of {names_max} registered names is reached; operators can /unregister some")
}

pub fn too_many_registrations(names: u32) -> String {
    format!("{names} registrations a day from one address is the limit: try again tomorrow")
}

pub fn name_is_yours(name: &str) -> String {
    format!("your name is already {name}")
}

pub fn name_of_guest(name: &str) -> String {
    format!("{name} looks like a guest's name; only the server gives those")
}

pub fn name_lost(old: &str, new: &str) -> Notice {
    let text = format!("{old} is already taken on another server: you are now {new}");
    Notice::new(text, rename(old, new))
}
