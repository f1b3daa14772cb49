//! Who somebody is.

use crate::crowd::{Crowd, show};
use crate::fault::{Fault, PLAIN};
use crate::server::Server;
use crate::verdict::{Judged, check, lied, not_applicable};

pub fn faults() -> Vec<Fault> {
    vec![
        Fault::new("A client connects after another has left", &[14], PLAIN, inherited_name),
        Fault::new("A client takes the name of another, or one like it", &[14], PLAIN, look_alikes),
    ]
}

/// It doesn't have the name of the one before it.
fn inherited_name(server: &Server) -> Judged {
    let mut crowd = Crowd::new(server);
    let [ann, bob] = crowd.guests()?;
    let prefix = crowd.prefix(bob, ann)?;
    check(!prefix.is_empty(), || not_applicable("no names"))?;
    let descriptors = server.descriptors()?;
    crowd.reset(bob);
    crowd.is_back_to(descriptors - 1)?;
    let newcomer = crowd.join()?;
    let next = crowd.prefix(newcomer, ann)?;
    check(next != prefix, || lied(format!("it is {} too", show(&prefix))))?;
    if server.is_roomcast {
        crowd.say(newcomer, "/nick zoe");
        let chosen = crowd.prefix(newcomer, ann)?;
        check(chosen == b"<zoe> ", || lied(show(&chosen)))?;
        crowd.reset(newcomer);
        let after = crowd.join()?;
        let prefix = crowd.prefix(after, ann)?;
        check(prefix != chosen, || lied("it is zoe too"))?;
    }
    Ok(String::new())
}

fn look_alikes(server: &Server) -> Judged {
    check(server.is_roomcast, || not_applicable("no names to choose"))?;
    let mut crowd = Crowd::new(server);
    let [ann, bob, carol] = crowd.guests()?;
    crowd.say(ann, "/nick cop1");
    let taken = crowd.prefix(ann, carol)?;
    check(taken == b"<cop1> ", || lied(show(&taken)))?;
    let own = crowd.prefix(bob, carol)?;
    // Other case, Cyrillic, a letter for a digit, full width, one unseen.
    for name in ["cop1", "COP1", "сор1", "copl", "copI", "ｃｏｐ１", "cop1\u{200b}", "cop1\u{301}"]
    {
        crowd.say(bob, format!("/nick {name}"));
        let prefix = crowd.prefix(bob, carol)?;
        // A mark is seen: that is another name.
        let is_allowed = prefix == own || name.ends_with('\u{301}');
        check(is_allowed, || lied(format!("{name} is {}", show(&prefix))))?;
    }
    Ok(String::new())
}
