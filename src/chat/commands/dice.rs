//! `/roll 2d6`: dice that nobody can foresee or fake. What they show is a notice to the room.

use crate::chat::commands::Outcome;
use crate::chat::ids::ClientId;
use crate::chat::state::Chat;
use crate::chat::texts;
use crate::wire::Kind;

/// Dice in one roll.
const DICE_MAX: u16 = 20;

/// Sides of a die.
const SIDES_MAX: u16 = 1000;

/// What is added to the dice or taken away.
const BONUS_MAX: i32 = 1000;

/// Dice as they are typed: `3d6+2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Dice {
    count: u16,
    sides: u16,
    bonus: i32,
}

impl Dice {
    /// `2d6`, `d20`, `3d6+2`, `3d6-2`; nothing is `d6`.
    fn parse(text: &str) -> Option<Dice> {
        if text.is_empty() {
            return Some(Dice { count: 1, sides: 6, bonus: 0 });
        }
        let (count, rest) = text.split_once(['d', 'D'])?;
        let (sides, bonus) = match rest.find(['+', '-']) {
            Some(sign) => rest.split_at(sign),
            None => (rest, ""),
        };
        let count = if count.is_empty() { 1 } else { number(count)? };
        let sides = number(sides)?;
        let size = if bonus.is_empty() { 0 } else { number(bonus[1..].trim_start())?.into() };
        let bonus = if bonus.starts_with('-') { -size } else { size };
        let is_possible = (1..=DICE_MAX).contains(&count)
            && (2..=SIDES_MAX).contains(&sides)
            && size <= BONUS_MAX;
        is_possible.then_some(Dice { count, sides, bonus })
    }

    /// What the dice show, by numbers of which each is as likely as any other.
    fn throw(self, numbers: impl Iterator<Item = u32>) -> Vec<u16> {
        let sides = u32::from(self.sides);
        // Above this, the first faces would be likelier than the last ones.
        let fair_max = u32::MAX - (u32::MAX % sides + 1) % sides;
        let fair = numbers.filter(|&number| number <= fair_max);
        // Below 1000.
        fair.map(|number| (number % sides) as u16 + 1).take(self.count.into()).collect()
    }

    /// The dice as they are told of: `2d6+1`.
    fn text(self) -> String {
        let count = if self.count == 1 { String::new() } else { self.count.to_string() };
        let bonus = if self.bonus == 0 { String::new() } else { format!("{:+}", self.bonus) };
        format!("{count}d{}{bonus}", self.sides)
    }
}

/// Digits alone: `parse` takes a sign too.
fn number(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// `/roll [DICE]`
pub(in crate::chat) fn roll(chat: &mut Chat, id: ClientId, rest: &str) -> Outcome {
    let dice = Dice::parse(rest).ok_or_else(|| texts::bad_dice(DICE_MAX, SIDES_MAX))?;
    if !chat.begin_line(id) {
        return Ok(());
    }
    chat.rolls += 1;
    // A server that starts again counts anew, but at another time.
    let running = chat.clock.running().as_nanos() as u64;
    let seed = [chat.rolls, chat.clock.wall().into(), running];
    let faces = dice.throw(chat.config.proof_key.numbers(seed));
    let session = &chat.sessions[id];
    let text = texts::rolled(session.nick.as_str(), &dice.text(), &faces, dice.bonus);
    chat.append_notice(session.room, Kind::Notice, &text);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::ProofKey;

    #[test]
    fn dice_are_typed_as_in_games() {
        let dice = |count, sides, bonus| Some(Dice { count, sides, bonus });
        for (text, expected, shown) in [
            ("", dice(1, 6, 0), "d6"),
            ("d20", dice(1, 20, 0), "d20"),
            ("2d6", dice(2, 6, 0), "2d6"),
            ("3D6+2", dice(3, 6, 2), "3d6+2"),
            ("20d1000-1000", dice(20, 1000, -1000), "20d1000-1000"),
        ] {
            assert_eq!(Dice::parse(text), expected, "{text}");
            assert_eq!(expected.expect("dice").text(), shown);
        }
        for text in [
            "6", "d", "d1", "0d6", "21d6", "d1001", "d6+", "d6+1001", "+1d6", "d+6", "2d6d6",
            "d6+-1", "99999d6", "a", "d\u{665}", "2 d6",
        ] {
            assert_eq!(Dice::parse(text), None, "{text}");
        }
    }

    #[test]
    fn each_face_is_as_likely_as_any_other() {
        let dice = Dice { count: 1, sides: 6, bonus: 0 };
        assert_eq!(dice.throw([u32::MAX, u32::MAX - 3, 5].into_iter()), [6]);
        assert_eq!(dice.throw([u32::MAX - 4].into_iter()), [6]);
        let key = ProofKey::new([7; 32]);
        let mut counts = [0; 6];
        for roll in 0..6000 {
            for face in dice.throw(key.numbers([roll, 0, 0])) {
                counts[usize::from(face) - 1] += 1;
            }
        }
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
    }

    #[test]
    fn nobody_foresees_a_roll_without_the_key() {
        let dice = Dice { count: 20, sides: 1000, bonus: 0 };
        let roll = |key, seed| dice.throw(ProofKey::new([key; 32]).numbers(seed));
        assert_eq!(roll(1, [1, 2, 3]), roll(1, [1, 2, 3]));
        let others = [roll(2, [1, 2, 3]), roll(1, [2, 2, 3]), roll(1, [1, 2, 4])];
        assert!(!others.contains(&roll(1, [1, 2, 3])));
    }
}
