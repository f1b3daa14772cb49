//! A network of one's own: what Linux calls a network namespace.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::panic::resume_unwind;
use std::process::{Command, Stdio, id};
use std::thread;

use rustix::process::geteuid;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::tool::{is_there, lacks};

/// Interfaces and addresses that nobody else has. It has no name, only this
/// descriptor: so it goes with it, also when the tests are killed.
pub struct Namespace {
    handle: File,
}

impl Namespace {
    /// Whether there can be one; if not, says that a test is skipped.
    pub fn is_possible() -> bool {
        !lacks(&["unshare", "ip"])
            && is_there(geteuid().is_root() && Self::is_allowed(), "network namespaces, as root")
    }

    fn is_allowed() -> bool {
        let mut command = Command::new("unshare");
        command.args(["--net", "ip", "link", "add", "type", "veth"]);
        command.output().is_ok_and(|output| output.status.success())
    }

    pub fn new() -> Namespace {
        let mut command = Command::new("unshare");
        command.args(["--net", "cat"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("unshare is there");
        // It answers, so it is in its namespace.
        child.stdin.as_mut().expect("it is piped").write_all(b"?").expect("it reads");
        child.stdout.as_mut().expect("it is piped").read_exact(&mut [0]).expect("it answers");
        let handle = File::open(format!("/proc/{}/ns/net", child.id())).expect("it runs");
        drop(child.stdin.take());
        child.wait().expect("it is a child");
        let namespace = Namespace { handle };
        namespace.ip("link set lo up");
        namespace
    }

    /// Does something on a thread that is in it. Sockets and programs that are
    /// made there stay in it.
    pub fn enter<T: Send>(&self, act: impl FnOnce() -> T + Send) -> T {
        let result = thread::scope(|scope| {
            let inside = || {
                let kind = Some(LinkNameSpaceType::Network);
                move_into_link_name_space(self.handle.as_fd(), kind).expect("root may");
                act()
            };
            scope.spawn(inside).join()
        });
        result.unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// Runs `ip` with these arguments.
    pub fn ip(&self, arguments: &str) {
        let output = self.enter(|| Command::new("ip").args(arguments.split(' ')).output());
        let output = output.expect("ip is there");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "ip {arguments}: {errors}");
    }

    /// Where other programs find it.
    pub fn path(&self) -> String {
        format!("/proc/{}/fd/{}", id(), self.handle.as_raw_fd())
    }
}
