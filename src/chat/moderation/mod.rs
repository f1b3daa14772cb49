//! What operators keep an eye on: who is muted for a time or has to wait before the next line,
//! what users have reported, and what operators did.

// In reading order.
pub(super) mod mutes;
pub(super) mod reports;
pub(super) mod actions;
pub(super) mod pauses;
pub(super) mod absent_rules;

use self::absent_rules::AbsentRules;
use self::actions::Actions;
use self::mutes::Mutes;
use self::pauses::Pauses;
use self::reports::Reports;

/// The parts of it, which know nothing of clients.
#[derive(Debug, Default)]
pub(super) struct Moderation {
    pub mutes: Mutes,
    pub reports: Reports,
    pub actions: Actions,
    pub pauses: Pauses,
    pub absent_rules: AbsentRules,
}
