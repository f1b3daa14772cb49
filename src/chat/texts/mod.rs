//! Every text that a client can see, a file for each subject, so that they can be read through
//! in one go.
//!
//! A notice begins with [`crate::wire::NOTICE`], and nothing else that a client is sent
//! does (see `compose`). What tells programs something says that beside its text, as `Facts`.

mod cluster;
mod commands;
mod history;
mod limits;
mod names;
mod operators;
mod people;
mod phrases;
mod rooms;
mod settings;
mod store;
mod visits;

pub(super) use self::cluster::*;
pub(super) use self::commands::*;
pub(super) use self::history::*;
pub(super) use self::limits::*;
pub(super) use self::names::*;
pub(super) use self::operators::*;
pub(super) use self::people::*;
pub(super) use self::rooms::*;
pub(super) use self::settings::*;
pub(super) use self::store::*;
pub(super) use self::visits::*;
