//! Where clients connect to.

use socket2::SockAddr;

use super::client::{Client, notices};

/// A running server.
pub trait Host {
    /// Where it listens; the first one if there are more.
    fn address(&self) -> &SockAddr;

    /// A client that has read nothing yet.
    #[track_caller]
    fn connect(&self) -> Client {
        Client::connect(self.address())
    }

    /// A newcomer. It has read its greeting, and all the others that it joined.
    #[track_caller]
    fn guest(&self, others: &mut [&mut Client]) -> Client {
        let mut newcomer = self.connect();
        newcomer.read_greeting();
        notices(others, &format!("{} joined", newcomer.nick()));
        newcomer
    }

    /// The first clients of a room: guest1, guest2, ...
    #[track_caller]
    fn guests<const COUNT: usize>(&self) -> [Client; COUNT] {
        let mut guests: Vec<Client> = Vec::new();
        for _ in 0..COUNT {
            let newcomer = self.guest(&mut guests.iter_mut().collect::<Vec<_>>());
            guests.push(newcomer);
        }
        guests.try_into().expect("as many as were made")
    }
}
