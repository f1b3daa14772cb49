//! What several test programs share. Each uses a part of it.
#![allow(dead_code)]

// In reading order.
pub mod process;
pub mod tool;
pub mod namespace;

use std::io::{self, PipeReader, PipeWriter, Write};

use rustix::fs::{OFlags, fcntl_setfl};

/// A pipe that takes nothing more until its reader reads.
pub fn full_pipe() -> io::Result<(PipeReader, PipeWriter)> {
    let (reader, mut writer) = io::pipe()?;
    fcntl_setfl(&writer, OFlags::NONBLOCK)?;
    while writer.write(&[b'.'; 4096]).is_ok() {}
    fcntl_setfl(&writer, OFlags::empty())?;
    Ok((reader, writer))
}
