//! A storm: everybody comes at full speed, then everybody leaves at full speed, and one client asks
//! all the while how long it has to wait.

use std::error::Error;
use std::time::Duration;

use crate::canary::Canary;
use crate::clock;
use crate::connection::Pockets;
use crate::figures::StormFigures;
use crate::gathering::Gathering;
use crate::load::Load;
use crate::measure::Measure;
use crate::process::Process;
use crate::server::{News, Server};
use crate::support::process::longest_turn;

/// They are there before it starts, and stay: the two who say probes.
const RESIDENTS: usize = 2;
const LEAVE_TIMEOUT: Duration = Duration::from_secs(60);
/// Closed at a time, before the residents read again.
const LEAVES_A_TURN: usize = 64;
/// How often the server's descriptors are counted, which is how it shows that it has seen a client go.
const LEAVE_CHECK_PERIOD: Duration = Duration::from_millis(10);

pub fn measure(
    how: &Measure,
    load: &Load,
    server: &Server,
) -> Result<StormFigures, Box<dyn Error>> {
    let process = server.start(load.clients, News::Usual, &how.scratch, how.cores)?;
    let mut gathering = Gathering::new(server, vec![process.address])?;
    gathering.fill(RESIDENTS, |_| Pockets::Large)?;
    gathering.settle()?;
    let descriptors = process.descriptors()?;
    gathering.roll.canary = Some(Canary::default());
    let storm_clients = (load.clients - RESIDENTS) as f64;

    let (start_ns, cpu_ns, newlines) =
        (clock::now_ns(), process.cpu_ns()?, gathering.crowd.newlines());
    gathering.fill(load.clients, |_| Pockets::Large)?;
    let joining_ns = clock::now_ns() - start_ns;
    gathering.settle()?;
    let join_cpu_ns = process.cpu_ns()?.saturating_sub(cpu_ns);
    let newlines = gathering.crowd.newlines() - newlines;

    let (start_ns, cpu_ns) = (clock::now_ns(), process.cpu_ns()?);
    empty(&mut gathering, &process, descriptors)?;
    let leaving_ns = clock::now_ns() - start_ns;
    let leave_cpu_ns = process.cpu_ns()?.saturating_sub(cpu_ns);

    let turn_max_ns = longest_turn(&process.end()?).map(|turn| turn.as_nanos() as f64);
    let mut canary = gathering.roll.canary.take().unwrap_or_default();
    canary.finish();
    let waits = canary.waits;
    Ok(StormFigures {
        joins_a_second: storm_clients * 1e9 / joining_ns as f64,
        cpu_ns_a_join: join_cpu_ns as f64 / storm_clients,
        leaves_a_second: storm_clients * 1e9 / leaving_ns as f64,
        cpu_ns_a_leave: leave_cpu_ns as f64 / storm_clients,
        lines_a_client_a_join: newlines as f64 / storm_clients / storm_clients,
        wait_p50_ns: waits.quantile_ns(0.5),
        wait_p99_ns: waits.quantile_ns(0.99),
        wait_max_ns: waits.quantile_ns(1.0),
        turn_max_ns,
    })
}

/// All but the residents leave; returns when the server has let go of them.
fn empty(
    gathering: &mut Gathering,
    process: &Process,
    descriptors: usize,
) -> Result<(), Box<dyn Error>> {
    let deadline_ns = clock::now_ns() + clock::to_ns(LEAVE_TIMEOUT);
    while gathering.crowd.len() > RESIDENTS {
        gathering.crowd.shrink(gathering.crowd.len().saturating_sub(LEAVES_A_TURN).max(RESIDENTS));
        gathering.turn(Duration::ZERO)?;
    }
    while process.descriptors()? > descriptors {
        if clock::until(deadline_ns).is_zero() {
            return Err(
                format!("not everybody was gone after {} s", LEAVE_TIMEOUT.as_secs()).into()
            );
        }
        gathering.turn(LEAVE_CHECK_PERIOD)?;
    }
    Ok(())
}
