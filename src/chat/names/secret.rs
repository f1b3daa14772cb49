//! Secrets of registered names: what has to be worked out about one, which takes too long for
//! the loop.

use std::fmt;

use crate::chat::names::nick::Nick;

/// The shortest secret in bytes: shorter ones are guessed.
pub(in crate::chat) const SECRET_BYTES_MIN: usize = 8;

/// The longest secret in bytes.
pub(in crate::chat) const SECRET_BYTES_MAX: usize = 64;

/// A secret that a user typed. It isn't shown, and nothing keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct OwnerSecret(Box<str>);

/// What is to be worked out; `Chat::handle_verdict` takes what comes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretJob {
    /// Comes back with the verdict.
    pub ticket: u64,
    /// What somebody typed.
    pub secret: OwnerSecret,
    /// The hash that it is to have; `None`: a hash is to be made of it.
    pub hash: Option<Box<str>>,
}

/// What a client wants to do with a secret.
#[derive(Debug)]
pub(in crate::chat) enum Deed {
    /// To own the name that it has, or to have another secret for it.
    Register(Nick),
    /// To have a registered name.
    LogIn(Nick),
    /// To own a name no more.
    Unregister(Nick),
}

impl Deed {
    /// The name of the command that asks for it.
    pub fn command(&self) -> &'static str {
        match self {
            Deed::Register(_) => "register",
            Deed::LogIn(_) => "login",
            Deed::Unregister(_) => "unregister",
        }
    }
}

/// What has come of it.
#[derive(Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The hash that was made, in the PHC string format.
    Hashed(Box<str>),
    /// It has that hash.
    Right,
    /// It has another one.
    Wrong,
    /// There was no place for one more.
    Busy,
    /// It can't be worked out.
    Failed,
}

impl OwnerSecret {
    /// 8 to 64 bytes without a space.
    pub(in crate::chat) fn new(text: &str) -> Option<OwnerSecret> {
        let fits = (SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&text.len());
        (fits && !text.contains(char::is_whitespace)).then(|| OwnerSecret(text.into()))
    }

    /// Any text.
    #[cfg(test)]
    pub(crate) fn for_test(text: &str) -> OwnerSecret {
        OwnerSecret(text.into())
    }

    /// What was typed.
    pub fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Secrets don't belong into logs.
impl fmt::Debug for OwnerSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnerSecret(..)")
    }
}

/// Nor do hashes.
impl fmt::Debug for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Hashed(_) => "Hashed(..)",
            Verdict::Right => "Right",
            Verdict::Wrong => "Wrong",
            Verdict::Busy => "Busy",
            Verdict::Failed => "Failed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_8_to_64_bytes_without_spaces_and_is_not_shown() {
        for good in ["12345678", "k\u{e4}sebrot", &"x".repeat(64)] {
            let secret = OwnerSecret::new(good).expect("a secret");
            assert_eq!(secret.bytes(), good.as_bytes());
            assert_eq!(format!("{secret:?}"), "OwnerSecret(..)");
        }
        for bad in ["", "1234567", "1234 5678", "12345\u{3000}678", &"x".repeat(65)] {
            assert!(OwnerSecret::new(bad).is_none(), "{bad}");
        }
        assert_eq!(format!("{:?}", Verdict::Hashed("hash".into())), "Hashed(..)");
    }
}
