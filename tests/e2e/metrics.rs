//! What a monitoring system is told.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

use crate::harness::{Host, Machine, Namespace, Network, Program, lacks};
use crate::source::{document, root};
use crate::web::answer;

/// The text of an answer to a request for this path.
fn get(program: &Program, path: &str) -> String {
    let (status, text) = answer(program, &format!("GET {path} HTTP/1.1\nHost: localhost"));
    assert_eq!(status, "200 OK");
    text
}

/// The value of a sample.
fn value(metrics: &str, sample: &str) -> f64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    let line = line.unwrap_or_else(|| panic!("{sample} isn't in {metrics}"));
    line.parse().unwrap_or_else(|_| panic!("{sample} is {line}"))
}

#[test]
fn metrics_say_what_has_happened() {
    let program = Program::web(&[]);
    let mut ann = program.guest(&mut []);
    ann.say("hello");
    ann.say("/seq");
    ann.line();
    let metrics = get(&program, "/metrics");
    assert_eq!(value(&metrics, "roomcast_lines_total"), 1.0);
    assert_eq!(value(&metrics, "roomcast_clients_total"), 2.0);
    assert_eq!(value(&metrics, "roomcast_clients{kind=\"netcat\"}"), 1.0);
    assert_eq!(value(&metrics, "roomcast_clients{kind=\"request\"}"), 1.0);
    assert_eq!(value(&metrics, "roomcast_log_lines"), 2.0);
    let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let received = "hello\n/seq\n".len() + request.len();
    assert_eq!(value(&metrics, "roomcast_received_bytes_total"), received as f64);
    let turns = value(&metrics, "roomcast_turn_seconds_count");
    assert!(turns > 0.0);
    assert_eq!(value(&metrics, "roomcast_turn_seconds_bucket{le=\"+Inf\"}"), turns);
    drop(ann);
    let has_left = |metrics: &str| value(metrics, "roomcast_closed_total{reason=\"quit\"}") >= 2.0;
    while !has_left(&get(&program, "/metrics")) {}
    assert_eq!(get(&program, "/healthz"), "ok\n");
}

/// Promise 49: what a browser has opened and doesn't use is no client of netcat.
#[test]
fn a_spare_connection_is_of_its_own_kind() {
    let program = Program::web(&[]);
    let page = "GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: Mozilla/5.0\r\n\r\n";
    let mut browser = program.connect();
    browser.send(page);
    browser.expect("HTTP/1.1 200 OK");
    let _spare = program.connect();
    let count =
        |metrics: &str, kind: &str| value(metrics, &format!("roomcast_clients{{kind=\"{kind}\"}}"));
    let shown = loop {
        let metrics = get(&program, "/metrics");
        if count(&metrics, "spare") == 1.0 {
            break metrics;
        }
    };
    assert_eq!(count(&shown, "netcat"), 0.0);
}

/// Each metric is in docs/operating.md, and nothing else is.
#[test]
fn each_metric_is_documented() {
    let metrics = get(&Program::web(&[]), "/metrics");
    let names = metrics.lines().filter_map(|line| line.strip_prefix("# TYPE roomcast_"));
    let names: BTreeSet<_> = names.filter_map(|line| line.split(' ').next()).collect();
    let page = document("docs/operating.md");
    let (_, part) = page.split_once("## Monitoring").expect("a part on metrics");
    let rows = part.lines().filter(|line| line.starts_with("| `"));
    let cells = rows.filter_map(|row| row.split('|').nth(1));
    let documented: BTreeSet<_> =
        cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).take(names.len()).collect();
    assert_eq!(names, documented);
}

#[test]
fn promtool_finds_nothing_wrong() {
    if lacks(&["promtool"]) {
        return;
    }
    let metrics = get(&Program::web(&[]), "/metrics");
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it is there");
    let mut stdin = promtool.stdin.take().expect("it is piped");
    stdin.write_all(metrics.as_bytes()).expect("it reads");
    drop(stdin);
    let output = promtool.wait_with_output().expect("it ends");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success() && said.is_empty(), "{}", said.escape_ascii());
}

/// The names of metrics in a text, without what a histogram adds to them.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let names = words.filter(|word| word.starts_with("roomcast_"));
    names.map(|name| name.trim_end_matches("_bucket").to_owned()).collect()
}

/// The metrics that a server has.
fn existing() -> BTreeSet<String> {
    let metrics = get(&Program::web(&[]), "/metrics");
    let names = metrics.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    names.filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn the_alerts_are_rules_about_metrics_that_exist() {
    if lacks(&["promtool"]) {
        return;
    }
    let file = root().join("pkg/prometheus/roomcast-alerts.yml");
    let output = Command::new("promtool").args(["check", "rules"]).arg(&file).output();
    let output = output.expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let names = named(&document("pkg/prometheus/roomcast-alerts.yml"));
    assert!(names.len() > 5 && names.is_subset(&existing()), "{names:?}");
}

#[test]
fn the_dashboard_shows_metrics_that_exist() {
    let text = document("pkg/grafana/roomcast.json");
    let dashboard: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let ids: BTreeSet<_> = panels.iter().filter_map(|panel| panel["id"].as_u64()).collect();
    assert_eq!(ids.len(), panels.len());
    for panel in panels {
        let targets = panel["targets"].as_array().expect("queries");
        assert!(targets.iter().all(|it| it["expr"].as_str().is_some_and(|it| !it.is_empty())));
    }
    let names = named(&text);
    assert!(names.len() > 10 && names.is_subset(&existing()), "{names:?}");
}

#[test]
fn metrics_are_for_this_machine_and_for_networks_that_are_named() {
    if !Namespace::is_possible() {
        return;
    }
    let mut network = Network::new();
    let [near, far] = [network.machine(), network.machine()];
    let program = network.serve_web(&["--metrics", "10.0.1.0/24", "--metrics", "fd00:1::/64"]);
    let status = |machine: &Machine, source| {
        let mut client = machine.connect_from(source, &program);
        client.send("GET /metrics HTTP/1.1\r\nHost: 10.0.1.1\r\n\r\n");
        let answer = client.read_to_any_end();
        String::from_utf8_lossy(&answer[..12]).into_owned()
    };
    assert_eq!(status(&near, near.ipv4(2)), "HTTP/1.1 200");
    assert_eq!(status(&near, near.ipv6(2)), "HTTP/1.1 200");
    assert_eq!(status(&far, far.ipv4(2)), "HTTP/1.1 403");
    assert_eq!(status(&far, far.ipv6(2)), "HTTP/1.1 403");
}
