//! One connection to the engine: Redis 6.2 or later, or Valkey.
//!
//! After any error the connection is given up: replies that come late would be taken for
//! others.

use std::time::Duration;

use redis::{Client, Connection, ConnectionInfo, ErrorKind, RedisError, RedisResult, Script};

/// Connecting, and each answer that isn't waited for on purpose.
pub(super) const ANSWER_TIME: Duration = Duration::from_millis(1500);

/// A connection, and the scripts that are run on it.
pub(super) struct Engine {
    pub connection: Connection,
    /// Names this start of the engine; empty if it doesn't say.
    pub instance: Box<str>,
    pub append: Script,
    pub open: Script,
    pub people: Script,
}

impl Engine {
    /// Connects, and sees that it is alive.
    pub fn connect(info: &ConnectionInfo) -> RedisResult<Engine> {
        let client = Client::open(info.clone())?;
        let connection = client.get_connection_with_timeout(ANSWER_TIME)?;
        connection.set_read_timeout(Some(ANSWER_TIME))?;
        connection.set_write_timeout(Some(ANSWER_TIME))?;
        let mut engine = Engine {
            connection,
            instance: Box::default(),
            append: Script::new(include_str!("append.lua")),
            open: Script::new(include_str!("open.lua")),
            people: Script::new(include_str!("people.lua")),
        };
        engine.ping()?;
        engine.instance = engine.info("server", "run_id")?.unwrap_or_default().into();
        Ok(engine)
    }

    pub fn ping(&mut self) -> RedisResult<()> {
        redis::cmd("PING").exec(&mut self.connection)
    }

    /// What the engine does when its memory is full; `noeviction` is right. `None` if it doesn't
    /// say.
    pub fn eviction(&mut self) -> RedisResult<Option<String>> {
        self.info("memory", "maxmemory_policy")
    }

    /// What the engine says of itself. `None` if it doesn't say that.
    fn info(&mut self, section: &str, name: &str) -> RedisResult<Option<String>> {
        let mut info = redis::cmd("INFO");
        let text: String = match info.arg(section).query(&mut self.connection) {
            Ok(text) => text,
            // Its user may not ask that.
            Err(error) if error.code() == Some("NOPERM") => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut fields = text.lines().filter_map(|line| line.split_once(':'));
        let value =
            fields.find(|(field, _)| *field == name).map(|(_, value)| value.trim().to_owned());
        Ok(value)
    }
}

/// A name for a counting of lines or for one start of a server.
pub(super) fn random_name() -> String {
    // Without those that look alike (Crockford's base 32).
    const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let mut bytes = [0; 6];
    // Without random numbers names may be used twice; a server with TLS or proofs doesn't start
    // then.
    let _ = getrandom::fill(&mut bytes);
    bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect()
}

/// That what the engine has isn't what it should be.
pub(super) fn unexpected(what: &'static str) -> RedisError {
    RedisError::from((ErrorKind::UnexpectedReturnType, what))
}

/// What went wrong, without anything secret.
pub(super) fn explain(error: &RedisError) -> String {
    if error.is_timeout() {
        return "it doesn't answer".to_owned();
    }
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.to_owned()
}
