//! Which source file imports from which, read from their `use` lines.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::source::{Source, sources};

/// A path as code writes it, by its segments: `["crate", "chat", "Chat"]`.
type Names = Vec<String>;

/// The source files of the library and the program, and what each imports.
pub struct Imports {
    modules: BTreeMap<Names, Module>,
}

/// One file, which is one module.
struct Module {
    path: PathBuf,
    /// What its `use` lines name, from the crate's root on.
    uses: Vec<Import>,
}

/// One name that a `use` line brings in.
struct Import {
    names: Names,
    is_public: bool,
}

impl Imports {
    /// Reads every file in `src`.
    pub fn read() -> Imports {
        let module = |source: Source| {
            let names = module_names(&source.path);
            let uses = uses(&source.code, &names);
            (names, Module { path: source.path, uses })
        };
        Imports { modules: sources("src").into_iter().map(module).collect() }
    }

    /// From which files each file imports something.
    pub fn arrows(&self) -> BTreeMap<PathBuf, BTreeSet<PathBuf>> {
        let targets = |module: &Module| {
            let targets = module.uses.iter().filter_map(|import| self.find(&import.names, 0));
            targets.filter(|path| *path != module.path).collect()
        };
        self.modules.values().map(|module| (module.path.clone(), targets(module))).collect()
    }

    /// The file that defines what `names` names; through re-exports, of which
    /// `passed` have been followed.
    fn find(&self, names: &[String], passed: usize) -> Option<PathBuf> {
        assert!(passed < 10, "re-exports that lead nowhere: {names:?}");
        let depth = (1..=names.len()).rev().find(|&at| self.modules.contains_key(&names[..at]))?;
        let module = &self.modules[&names[..depth]];
        let Some(item) = names.get(depth) else { return Some(module.path.clone()) };
        let exported =
            module.uses.iter().find(|import| import.is_public && import.names.last() == Some(item));
        match exported {
            Some(import) => self.find(&import.names, passed + 1),
            None => Some(module.path.clone()),
        }
    }
}

/// `src/chat/log.rs` is `crate::chat::log`; the program's files are modules of
/// their own crate.
fn module_names(path: &Path) -> Names {
    let path = path.strip_prefix("src").expect("it is in src").with_extension("");
    let mut names: Names = path.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    if matches!(names.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        names.pop();
    }
    let is_main = path.ends_with("main");
    names.insert(0, if is_main { "main" } else { "crate" }.into());
    names
}

/// What the `use` lines of a module name. Tests may import what they like.
fn uses(code: &str, module: &[String]) -> Vec<Import> {
    let code = code.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let mut uses = Vec::new();
    for statement in code.split(';') {
        let line = statement.trim_start_matches('}').trim();
        let Some((before, tree)) = line.rsplit_once("use ") else { continue };
        let before = before.rsplit('\n').next().unwrap_or_default().trim();
        let is_use = before.is_empty() || before.starts_with("pub");
        if is_use {
            let is_public = before.starts_with("pub");
            for names in expand(tree) {
                uses.extend(absolute(names, module).map(|names| Import { names, is_public }));
            }
        }
    }
    uses
}

/// `a::{b, c as d}` is `a::b` and `a::c`.
fn expand(tree: &str) -> Vec<Names> {
    let tree = tree.trim();
    let Some((front, rest)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        return vec![path.split("::").map(|name| name.trim().to_owned()).collect()];
    };
    let inner = rest.trim_end().strip_suffix('}').expect("a brace that ends");
    let mut paths = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (at, c) in inner.char_indices().chain([(inner.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let part = inner[start..at].trim();
                start = at + 1;
                if !part.is_empty() {
                    paths.extend(expand(&format!("{front}{part}")));
                }
            }
            _ => {}
        }
    }
    paths
}

/// A path from the crate's root on; `None` for another crate's.
fn absolute(names: Names, module: &[String]) -> Option<Names> {
    let mut base = match names[0].as_str() {
        "crate" => module[..1].to_vec(),
        "roomcast" => vec!["crate".into()],
        "self" | "super" => module.to_vec(),
        _ => return None,
    };
    for name in names.into_iter().skip_while(|name| name == "crate" || name == "roomcast") {
        match name.as_str() {
            "self" => {}
            "super" => _ = base.pop(),
            _ => base.push(name),
        }
    }
    Some(base)
}

/// Files that import each other, in circles, each circle once; empty if there is
/// none.
pub fn circles(arrows: &BTreeMap<PathBuf, BTreeSet<PathBuf>>) -> Vec<Vec<PathBuf>> {
    let reach = |from: &PathBuf| {
        let mut seen = BTreeSet::new();
        let mut next = vec![from];
        while let Some(path) = next.pop() {
            let targets = arrows.get(path).into_iter().flatten();
            next.extend(targets.filter(|target| seen.insert((*target).clone())));
        }
        seen
    };
    let reached: BTreeMap<_, _> = arrows.keys().map(|path| (path, reach(path))).collect();
    let mut circles: Vec<Vec<PathBuf>> = Vec::new();
    for path in arrows.keys().filter(|path| reached[path].contains(*path)) {
        let others = arrows.keys().filter(|other| reached[path].contains(*other));
        let circle: Vec<_> =
            others.filter(|other| reached[other].contains(path)).cloned().collect();
        if !circles.contains(&circle) {
            circles.push(circle);
        }
    }
    circles
}
