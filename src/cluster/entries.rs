//! Entries of streams as the engine gives them, without a copy.

use redis::Value;

use crate::wire::NUMBERS_MAX;

/// An entry: its id and its fields.
#[derive(Clone, Copy)]
pub(super) struct Raw<'a> {
    pub id: &'a str,
    fields: &'a [Value],
}

impl<'a> Raw<'a> {
    /// The number in its id.
    pub fn number(&self) -> Option<u64> {
        self.id.split_once('-')?.0.parse().ok().filter(|number| *number < NUMBERS_MAX)
    }

    /// A field; `None` if there is none of this name, or no text in it.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        // There are few, so to look through them costs less than to sort them.
        let field = self.fields.chunks_exact(2).find(|field| text(&field[0]) == Some(name))?;
        text(&field[1])
    }

    /// A field that is a number.
    pub fn count(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }
}

/// The entries of a stream, as XRANGE gives them.
pub(super) fn entries(stream: &Value) -> impl Iterator<Item = Raw<'_>> {
    array(stream).iter().filter_map(|entry| match array(entry) {
        [id, fields] => Some(Raw { id: text(id)?, fields: array(fields) }),
        _ => None,
    })
}

/// The keys of streams and their entries, as XREAD gives them: those that have some, in the
/// order in which they were asked for.
pub(super) fn streams(answer: &Value) -> impl Iterator<Item = (&str, &Value)> {
    array(answer).iter().filter_map(|stream| match array(stream) {
        [key, entries] => Some((text(key)?, entries)),
        _ => None,
    })
}

fn array(value: &Value) -> &[Value] {
    match value {
        Value::Array(values) => values,
        _ => &[],
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::BulkString(bytes) => str::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    #[test]
    fn what_is_no_entry_is_left_out() {
        let fields = Value::Array(["n", "7", "x", "hello", "odd"].map(bulk).to_vec());
        let entry = Value::Array(vec![bulk("17-0"), fields]);
        let broken = Value::Array(vec![bulk("18-0")]);
        let stream = Value::Array(vec![broken, Value::Nil, entry]);
        let answer = Value::Array(vec![Value::Array(vec![bulk("log"), stream]), Value::Int(1)]);
        let (key, stream) = streams(&answer).next().expect("there is one");
        let found: Vec<_> = entries(stream).collect();
        assert_eq!((key, found.len(), found[0].number()), ("log", 1, Some(17)));
        assert_eq!(found[0].count("n"), Some(7));
        assert_eq!((found[0].text("x"), found[0].text("odd")), (Some("hello"), None));
        assert_eq!(found[0].count("x"), None);
        assert_eq!(streams(&Value::Nil).count(), 0);
    }
}
