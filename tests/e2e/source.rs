//! Rust source, read for what is in it.

use std::fs;
use std::path::{Path, PathBuf};

/// One file of source, taken apart.
pub struct Source {
    /// Its path in the project.
    pub path: PathBuf,
    /// The code, without comments and with empty strings.
    pub code: String,
    /// What is in the strings, as it is written.
    pub strings: Vec<String>,
}

/// The project's directory.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A document of the project.
pub fn document(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The fenced blocks of a kind, in their order.
pub fn blocks(document: &str, kind: &str) -> Vec<String> {
    let start = format!("```{kind}\n");
    let block = |text: &str| text.split("```").next().expect("a first part").to_owned();
    document.split(&start).skip(1).map(block).collect()
}

/// The source files in a directory of the project and below.
pub fn sources(directory: &str) -> Vec<Source> {
    let mut sources = Vec::new();
    let mut directories = vec![root().join(directory)];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).expect("the directory exists") {
            let path = entry.expect("a file").path();
            if path.is_dir() {
                // What cargo makes isn't the project's.
                directories.extend((!path.ends_with("target")).then_some(path));
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.push(Source::read(&path));
            }
        }
    }
    assert!(!sources.is_empty());
    sources
}

impl Source {
    fn read(path: &Path) -> Source {
        let text = fs::read_to_string(path).expect("source is UTF-8");
        let path = path.strip_prefix(root()).expect("it is in the project").to_owned();
        let mut source = Source { path, code: String::new(), strings: Vec::new() };
        let mut rest = &text[..];
        while let Some(c) = rest.chars().next() {
            rest = match c {
                '/' if rest.starts_with("//") => rest.find('\n').map_or("", |end| &rest[end..]),
                '"' => source.take_string(&rest[1..]),
                '\'' if let Some(rest) = after_character(rest) => rest,
                _ => {
                    source.code.push(c);
                    &rest[c.len_utf8()..]
                }
            };
        }
        source
    }

    /// Takes a string whose first quote has been passed; gives what is after it.
    fn take_string<'a>(&mut self, rest: &'a str) -> &'a str {
        let mut is_escaped = false;
        let end = rest.find(|c| match (is_escaped, c) {
            (false, '"') => true,
            _ => {
                is_escaped = !is_escaped && c == '\\';
                false
            }
        });
        let end = end.expect("a string ends");
        self.code.push_str("\"\"");
        self.strings.push(rest[..end].to_owned());
        &rest[end + 1..]
    }

    /// Whether `word` is in the code, with nothing around it that belongs to a
    /// longer name.
    pub fn has_word(&self, word: &str) -> bool {
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        self.code.match_indices(word).any(|(at, _)| {
            let before = self.code[..at].chars().next_back();
            let after = self.code[at + word.len()..].chars().next();
            let goes_on_before = word.starts_with(is_name) && before.is_some_and(is_name);
            let goes_on_after = word.ends_with(is_name) && after.is_some_and(is_name);
            !goes_on_before && !goes_on_after
        })
    }
}

/// What is after the character that `rest` begins with, or `None` if it is a
/// lifetime.
fn after_character(rest: &str) -> Option<&str> {
    let inner = &rest[1..];
    let length = match inner.strip_prefix('\\') {
        Some(escape) => 2 + escape[1..].find('\'')?,
        None => inner.chars().next()?.len_utf8(),
    };
    inner[length..].strip_prefix('\'')
}
