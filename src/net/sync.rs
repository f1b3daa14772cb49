//! The locks of this part, in one place: a test puts others there.

pub(super) use std::sync::{Mutex, PoisonError};
