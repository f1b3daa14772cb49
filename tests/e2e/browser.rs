//! The page in a real browser: tests/browser has what is done there. It is Chromium,
//! driven by playwright-core; `npm ci --prefix tests/browser` installs that.

use std::process::Command;

use crate::harness::{is_there, lacks};
use crate::source::{document, root};
use crate::support::process::ROOMCAST;

/// Does what a function of scenarios.mjs says.
fn browse(scenario: &str) {
    let directory = root().join("tests/browser");
    let has_driver = directory.join("node_modules/playwright-core").is_dir();
    if lacks(&["node", "chromium", "nc", "telnet", "script", "redis-server"])
        || !is_there(has_driver, "playwright-core (npm ci --prefix tests/browser)")
    {
        return;
    }
    let output = Command::new("node")
        .args(["run.mjs", scenario])
        .current_dir(directory)
        .env("ROOMCAST", ROOMCAST)
        .env("PASSWORD_FILE", root().join("tests/e2e/example.password"))
        .output()
        .expect("node is there");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{scenario}: {said}");
}

/// A test for each function of scenarios.mjs, by the same name.
macro_rules! scenarios {
    ($($scenario:ident)*) => {
        $(
            #[test]
            fn $scenario() {
                browse(stringify!($scenario));
            }
        )*

        #[test]
        fn each_scenario_is_a_test() {
            let source = document("tests/browser/scenarios.mjs");
            let written: Vec<_> = source
                .lines()
                .filter_map(|line| line.strip_prefix("export async function ")?.split('(').next())
                .collect();
            assert_eq!(written, [$(stringify!($scenario)),*]);
        }
    };
}

scenarios! {
    people_talk_across_programs
    a_page_comes_back_without_a_hole_or_a_double
    a_dead_connection_is_found
    a_page_survives_a_restart
    a_page_goes_on_where_it_was_with_a_store
    a_password_is_asked_for
    a_link_that_is_down_gives_no_password_away
    what_is_not_said_waits_no_more
    a_refused_name_is_not_taken_later
    another_site_reaches_nothing
    spare_connections_are_nobody
    the_keyboard_is_enough
    what_is_unread_is_marked
    over_https_the_page_speaks_wss_and_notifies
    earlier_lines_are_shown_on_demand
    cleared_lines_go
    a_phone_shows_all
}
