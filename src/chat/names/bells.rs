//! Clients that want a bell when their name is said.

use ecow::EcoString;
use hashbrown::HashMap;

use crate::chat::ids::ClientId;
use crate::chat::names::nick::Nick;
use crate::wire::words;

/// Words of one line that are looked up.
const WORDS_MAX: usize = 100;

/// The clients that want a bell, by their names in lower case: so a line costs
/// one lookup a word, however many they are.
#[derive(Debug, Default)]
pub(in crate::chat) struct Bells(HashMap<EcoString, ClientId>);

impl Bells {
    pub fn insert(&mut self, nick: &Nick, id: ClientId) {
        self.0.insert(key(nick), id);
    }

    pub fn remove(&mut self, nick: &Nick) {
        self.0.remove(&key(nick));
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether this client has a bell under this name.
    pub fn has(&self, nick: &Nick, id: ClientId) -> bool {
        !self.is_empty() && self.0.get(&key(nick)) == Some(&id)
    }

    /// Those whose names stand in `text` as words, each once.
    pub fn named_in(&self, text: &str) -> Vec<ClientId> {
        let text = text.to_lowercase();
        let find = |[word, bare]: [&str; 2]| self.0.get(word).or_else(|| self.0.get(bare)).copied();
        let mut named: Vec<_> = words(&text).take(WORDS_MAX).filter_map(find).collect();
        named.sort_unstable();
        named.dedup();
        named
    }
}

fn key(nick: &Nick) -> EcoString {
    nick.name().to_lowercase().into()
}

#[cfg(test)]
mod tests {
    use slotmap::SlotMap;

    use super::*;

    fn check(name: &str, texts: &[&str], is_said: bool) {
        let id = SlotMap::with_key().insert(());
        let mut bells = Bells::default();
        bells.insert(&Nick::parse(name).expect("a name"), id);
        for text in texts {
            let expected = if is_said { vec![id] } else { vec![] };
            assert_eq!(bells.named_in(text), expected, "{name} in {text:?}");
        }
    }

    #[test]
    fn a_name_is_said_where_it_is_a_word() {
        check(
            "ann",
            &["ann", "ann: hi", "hi, ANN!", "(ann)", "anna ann", "it was ann.", "@ann"],
            true,
        );
        check("ann", &["", "anna", "joann", "ann_", "ann-2", "a nn", "ann@example.org"], false);
        check("Анна", &["привет, анна", "АННА"], true);
        check("a.b", &["hi a.b", "a.b."], true);
        check("a.b", &["a", "b", "xa.b"], false);
        check("şi", &["şi", "“Şi”"], true);
    }

    #[test]
    fn many_words_are_no_more_work_than_some() {
        check("ann", &[&("x ".repeat(WORDS_MAX) + "ann")], false);
        check("ann", &[&("x ".repeat(WORDS_MAX - 1) + "ann ann")], true);
    }
}
