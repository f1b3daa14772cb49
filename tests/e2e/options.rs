//! The options of the program.

use std::fs;
use std::process::Command;

use roomcast::net::Threads;

use crate::harness::{Host, Program, command, lacks, run};
use crate::support::process::ROOMCAST;

/// Each bad command line, and what its answer must name.
const BAD: &[(&[&str], &str)] = &[
    (&["--listen"], "--listen <ADDR>"),
    (&["--listen", ""], "expected PORT, HOST:PORT, [IPV6]:PORT, telnet:HOST:PORT or unix:PATH"),
    (&["--listen", "/tmp/room"], "a path needs unix: before it"),
    (&["--listen", "[::1"], "the ] is missing"),
    (&["--listen", "127.0.0.1:"], "the port is not a number from 0 to 65535"),
    (&["--listen", "127.0.0.1:65536"], "the port is not a number from 0 to 65535"),
    (&["--listen", "127.0.0.1:http"], "the port is not a number from 0 to 65535"),
    (&["--listen", "unix:"], "the path is missing"),
    (&["--socket-mode", "0888"], "expected permissions in octal, from 0 to 0777, like 0660"),
    (&["--socket-mode", "1777"], "expected permissions in octal, from 0 to 0777, like 0660"),
    (&["--prefix"], "--prefix <WHAT>"),
    (&["--prefix", "name"], "[possible values: nick, addr, none]"),
    (&["--echo=yes"], "--echo"),
    (&["--raw", "--prefix", "nick"], "cannot be used with"),
    (&["--raw", "--on-lag", "skip"], "--on-lag skip can't go with --raw"),
    (&["--max-clients", "0"], "expected a whole number, 1 or more"),
    (&["--max-clients=-1"], "expected a whole number, 1 or more"),
    (&["--max-clients", "-1"], "expected a whole number, 1 or more"),
    (&["--max-clients", "many"], "expected a whole number, 1 or more"),
    (&["--max-clients", "1.5"], "expected a whole number, 1 or more"),
    (&["--max-per-address", "many"], "--max-per-address <CLIENTS>"),
    (&["--new-per-minute", "1000001"], "expected a whole number from 0 to 1000000"),
    (&["--allow", "lan"], "expected an address like 192.0.2.7 or a network like 192.0.2.0/24"),
    (&["--deny", "192.0.2.0/33"], "expected an address like 192.0.2.7 or a network like"),
    (&["--max-line", "0"], "expected a whole number from 1 to 1048576"),
    (&["--max-line", "1048577"], "expected a whole number from 1 to 1048576"),
    (&["--max-line", "2M"], "expected a whole number from 1 to 1048576 bytes, or a size like"),
    (&["--backlog", "0"], "expected a whole number from 65536 to 1073741824"),
    (&["--backlog", "65535"], "expected a whole number from 65536 to 1073741824"),
    (&["--backlog", "1073741825"], "expected a whole number from 65536 to 1073741824"),
    (&["--backlog", "65536", "--max-line", "4097"], "at least 65552 is needed"),
    (&["--max-line", "1000000"], "--backlog 4194304 is too small for --max-line 1000000"),
    (&["--stall-timeout=-1"], "expected a whole number from 0"),
    (&["--stall-timeout", "90x"], "or a time like 90s or 5m"),
    (&["--stall-timeout", "3155760001"], "expected a whole number from 0 to 3155760000"),
    (&["--stall-timeout", "99999999999999999999"], "expected a whole number from 0"),
    (&["--rate", "1000001"], "expected a whole number from 0 to 1000000"),
    (&["--rate", "100/0"], "expected a whole number from 1 to 1000000"),
    (&["--rate", "0/10"], "0 is no limit, so nothing can follow it"),
    (&["--burst", "0"], "expected a whole number from 1 to 1000000"),
    (&["--line-timeout", "-5"], "expected a whole number from 0"),
    (&["--idle-timeout", "3155760001"], "expected a whole number from 0 to 3155760000"),
    (&["--dead-timeout", "2"], "expected a whole number from 3 to 3155760000"),
    (&["--dead-timeout", "60"], "--dead-timeout 60 is shorter than --stall-timeout 90"),
    (&["--on-lag", "wait"], "[possible values: skip, close]"),
    (&["--presence-interval", "86401"], "expected a whole number from 0 to 86400"),
    (&["--history", "1000001"], "expected a whole number from 0 to 1000000"),
    (&["--rooms", "0"], "expected a whole number from 1 to 10000"),
    (&["--rooms", "10001"], "expected a whole number from 1 to 10000"),
    (&["--room", "two words"], "expected a name of 1 to 24 letters"),
    (&["--room", ""], "expected a name of 1 to 24 letters"),
    (&["--motd"], "--motd <FILE>"),
    (&["--key-file"], "--key-file <FILE>"),
    (&["--password-file"], "--password-file <FILE>"),
    (&["--operator-file"], "--operator-file <FILE>"),
    (&["--bans"], "--bans <FILE>"),
    (&["--raw", "--password-file", "secret"], "cannot be used with"),
    (&["--raw", "--operator-file", "secret"], "cannot be used with"),
    (&["--key-file", ""], "--key-file <FILE>"),
    (&["--raw", "--key-file", "key"], "cannot be used with"),
    (&["--raw", "--motd", "motd"], "cannot be used with"),
    (&["--raw", "--bans", "bans"], "cannot be used with"),
    (&["--raw", "--history", "50"], "cannot be used with"),
    (&["--raw", "--room", "lobby"], "cannot be used with"),
    (&["--raw", "--rooms", "64"], "cannot be used with"),
    (&["--raw", "--presence-interval", "5"], "cannot be used with"),
    (&["--raw", "--whois-address"], "cannot be used with"),
    (&["--rate", "0", "--burst", "10"], "--burst has no effect with --rate 0"),
    (&["--server-name", "one"], "--server-name has no effect without --cluster"),
    (&["--degrade", "local"], "--degrade has no effect without --cluster"),
    (&["--socket-mode", "0660"], "--socket-mode has no effect without a unix socket"),
    (&["--port", "8008"], "unexpected argument '--port'"),
    (&["8008"], "unrecognized subcommand '8008'"),
];

/// Promise 32.
#[test]
fn a_bad_command_line_is_told_clearly_and_exits_with_2() {
    for (arguments, clue) in BAD {
        let output = run(arguments);
        let errors = String::from_utf8(output.stderr).expect("it is UTF-8");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {errors}");
        assert_eq!(output.stdout, b"", "{arguments:?}");
        let (first, more) = errors.split_once('\n').expect("a line");
        assert!(first.starts_with("error: "), "{arguments:?}: {errors}");
        assert!(errors.contains(clue), "{arguments:?}: {errors}");
        assert!(!errors.contains("panicked"), "{arguments:?}: {errors}");
        // Then only how it would be right.
        let is_hint = |line: &&str| {
            let line = line.trim_start();
            line.starts_with('[')
                || line.starts_with("tip: ")
                || line.starts_with("Usage: ")
                || line.starts_with("roomcast ")
                || line.starts_with("For more information")
        };
        let other: Vec<_> =
            more.lines().filter(|line| !line.is_empty()).filter(|line| !is_hint(line)).collect();
        assert!(other.is_empty(), "{arguments:?}: {other:?}");
    }
}

/// Promise 32.
#[test]
fn the_least_and_the_greatest_of_each_option_work() {
    let good: &[&[&str]] = &[
        &["--max-clients", "2"],
        &["--max-per-address", "0", "--new-per-minute", "0"],
        &["--max-per-address", "1", "--new-per-minute", "1"],
        &["--new-per-minute", "1000000"],
        &["--allow", "127.0.0.1", "--deny", "0.0.0.0/0"],
        &["--deny", "192.0.2.0/24", "--deny", "::/0"],
        &["--max-line", "1048576", "--backlog", "16777216"],
        &["--backlog", "65536"],
        &["--backlog", "1073741824"],
        &["--stall-timeout", "0"],
        &["--stall-timeout", "3155760000"],
        &["--rate", "0"],
        &["--rate", "1/1"],
        &["--rate", "1000000/1000000"],
        &["--line-timeout", "0", "--idle-timeout", "3155760000"],
        &["--line-timeout", "3155760000"],
        &["--dead-timeout", "3", "--stall-timeout", "0"],
        &["--dead-timeout", "3155760000"],
        &["--on-lag", "skip"],
        &["--on-lag", "close"],
    ];
    for options in good {
        let program = Program::start(options);
        let [mut ann, mut bob] = program.guests();
        ann.say("hello");
        bob.hears("<guest1> hello");
    }
}

/// Promise 32.
#[test]
fn as_many_clients_as_descriptors_allow_may_be_wanted() {
    let limit = ["sh", "-c", "ulimit -n 256; exec \"$0\" \"$@\""];
    Program::started_by(&limit, &["--max-clients", "192"]).guests::<1>();
    let mut command = Command::new("sh");
    command.args(&limit[1..]).args([ROOMCAST, "--listen", "127.0.0.1:0", "--max-clients", "193"]);
    let output = command.output().expect("a shell");
    let errors = String::from_utf8(output.stderr).expect("it is UTF-8");
    assert_eq!(output.status.code(), Some(1), "{errors}");
    let expected = "roomcast: --max-clients 193 is more than the limit on descriptors allows: at \
                    most 192 fit; raise it with ulimit -n\n";
    assert_eq!(errors, expected);
}

/// Promise 32: As above, for options of which the other tests give some themselves.
#[test]
fn the_least_and_the_greatest_of_each_option_about_the_room_work() {
    let good: &[&[&str]] = &[
        &["--presence-interval", "0"],
        &["--presence-interval", "86400"],
        &["--history", "0"],
        &["--history", "1000000"],
        &["--rooms", "1"],
        &["--rooms", "10000"],
        &["--room", "a"],
        &["--room", "новая_комната-24.буквы"],
    ];
    for options in good {
        let program = Program::plain(options);
        let (mut ann, mut bob) = (program.connect(), program.connect());
        bob.read_greeting();
        ann.read_greeting();
        ann.say("hello");
        let line = std::iter::repeat_with(|| bob.line()).find(|line| line.starts_with('<'));
        assert!(line.is_some_and(|line| line.ends_with("> hello")), "{options:?}");
    }
}

#[test]
fn a_key_file_that_is_no_good_is_told_in_one_line_and_exits_with_1() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name).to_str().expect("UTF-8").to_owned();
    let key = "0123456789abcdef".repeat(4);
    for (name, content) in [
        ("empty", String::new()),
        ("short", key[1..].to_owned()),
        ("long", format!("{key}0")),
        ("two-lines", format!("{key}\n{key}\n")),
        ("letters", key.replace('f', "g")),
    ] {
        std::fs::write(path(name), content).expect("it can be written");
    }
    let no_key = "it must hold 64 hexadecimal digits and nothing else";
    for (name, clue) in [
        ("empty", no_key),
        ("short", no_key),
        ("long", no_key),
        ("two-lines", no_key),
        ("letters", no_key),
        (".", "it is a directory"),
        ("nowhere/key", "/key for --key-file: "),
    ] {
        let output = run(&["--listen", "127.0.0.1:0", "--key-file", &path(name)]);
        let errors = String::from_utf8(output.stderr).expect("it is UTF-8");
        assert_eq!(output.status.code(), Some(1), "{name}: {errors}");
        assert_eq!(output.stdout, b"", "{name}");
        let complaint = errors.lines().find(|line| line.starts_with("roomcast: "));
        let complaint = complaint.unwrap_or_else(|| panic!("{name}: {errors}"));
        assert!(complaint.contains(clue) && complaint.contains(&path(name)), "{complaint}");
        assert!(!errors.contains("0123456789"), "{errors}");
        // Besides, that others can read it.
        let others = errors.lines().filter(|line| *line != complaint);
        assert!(others.into_iter().all(|line| line.contains("chmod go=")), "{errors}");
    }
}

#[test]
fn max_line_1_leaves_room_for_one_byte() {
    let program = Program::start(&["--max-line", "1"]);
    let [mut ann, mut bob] = program.guests();
    ann.send("a\r\nbb\nc\n");
    ann.takes_crlf();
    bob.hears("<guest1> a");
    ann.hears("*** that line was not sent: it is longer than 1 bytes");
    bob.hears("<guest1> c");
}

#[test]
fn help_names_each_option_with_its_unit_and_default() {
    let output = run(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    let help = String::from_utf8(output.stdout).expect("it is UTF-8");
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for clue in [
        "--listen <ADDR>",
        "ADDR is PORT (every interface), HOST:PORT, [IPV6]:PORT, unix:PATH, or telnet:HOST:PORT",
        "Default: port 8008 of every interface.",
        "--prefix <WHAT>",
        "[default: nick] [possible values: nick, addr, none]",
        "--echo",
        "--raw",
        "--max-clients <CLIENTS>",
        "--max-line <BYTES>",
        "[default: 4096]",
        "--backlog <BYTES>",
        "[default: 4194304]",
        "--stall-timeout <SECONDS>",
        "[default: 90]",
        "--on-lag <WHAT>",
        "Default: skip, with --raw close. [possible values: skip, close]",
        "--key-file <FILE>",
        "Default: the file key in --data, else a new key at each start.",
    ] {
        assert!(help.contains(clue), "{clue:?} isn't in: {help}");
    }
    let least = Threads::new(2).clients_min;
    let clue = format!("at least CLIENTS clients ({least} if that is not given)");
    assert!(help.contains(&clue), "{clue:?} isn't in: {help}");
}

/// -h says each option in a sentence, --help all of it; both in the same groups.
#[test]
fn the_short_help_has_all_options_in_their_groups() {
    let help = |option| String::from_utf8(run(&[option]).stdout).expect("it is UTF-8");
    let (short, long) = (help("-h"), help("--help"));
    let names = |help: &str| -> Vec<String> {
        let words = help.lines().filter_map(|line| {
            // What is further to the right is text.
            let column = line.find(|c| c != ' ').filter(|column| *column <= 6)?;
            let word = line[column..].trim_start_matches("-l, ").split(' ').next()?;
            let is_heading = column == 0 && line.ends_with(':');
            (word.starts_with("--") || is_heading).then(|| word.to_owned())
        });
        words.filter(|name| name != "--help").collect()
    };
    assert_eq!(names(&short), names(&long));
    assert!(names(&short).len() > 30, "{short}");
    assert!(short.lines().count() < 150 && short.len() < long.len(), "{short}");
    for group in ["Network:", "Several servers:", "Room:", "Web:", "Limits:", "Access:", "Files:"] {
        assert!(long.contains(&format!("\n{group}\n")), "{group}");
    }
}

/// What packages have is made of the same definition as the help, and can be read.
/// The file for a service has all variables, with values that are right.
#[test]
fn the_file_of_defaults_has_all_variables() {
    let file = String::from_utf8(run(&["--generate", "defaults"]).stdout).expect("UTF-8");
    let lines = file.lines().filter_map(|line| line.strip_prefix("#ROOMCAST_"));
    let given = ["ROOMCAST_PRESENCE_INTERVAL=", "ROOMCAST_NO_WEB="];
    let mut variables: Vec<_> = lines.map(|line| format!("ROOMCAST_{line}")).collect();
    assert!(variables.len() > 40, "{variables:?}");
    assert!(variables.contains(&"ROOMCAST_TLS=false".to_owned()), "{variables:?}");
    assert!(variables.contains(&"ROOMCAST_RATE=100/1000".to_owned()), "{variables:?}");
    // The harness gives these as options.
    variables.retain(|variable| !given.iter().any(|name| variable.starts_with(name)));
    let mut words = vec!["env"];
    words.extend(variables.iter().map(String::as_str));
    let program = Program::started_by(&words, &[]);
    let [mut ann] = program.guests();
    ann.ping();
}

#[test]
fn manual_pages_and_completions_have_all_options() {
    if lacks(&["man", "bash"]) {
        return;
    }
    let made = |what: &str| String::from_utf8(run(&["--generate", what]).stdout).expect("UTF-8");
    let help = String::from_utf8(run(&["--help"]).stdout).expect("UTF-8");
    let lines = help.lines().map(str::trim_start);
    let options = lines.filter_map(|line| line.trim_start_matches("-l, ").strip_prefix("--"));
    let options: Vec<_> = options
        .filter_map(|line| line.split([' ', '[']).next())
        .filter(|it| !it.is_empty())
        .collect();
    assert!(options.len() > 30, "{options:?}");
    let directory = tempfile::tempdir().expect("a directory");
    for what in ["man", "man-find", "man-log", "man-check", "man-reload"] {
        let path = directory.path().join(what);
        fs::write(&path, made(what)).expect("a file");
        let output = Command::new("man")
            .args(["--warnings", "-l"])
            .arg(&path)
            .env("MANWIDTH", "200")
            .env("LC_ALL", "C.UTF-8")
            .output()
            .expect("it runs");
        let warnings = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && warnings.is_empty(), "{what}: {warnings}");
        let shown = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(!shown.contains("EXTRA"), "{shown}");
        let name = what.replacen("man", "roomcast", 1);
        assert!(shown.contains(&format!("NAME\n       {name} - ")), "{shown}");
        let synopsis = shown.split("DESCRIPTION").next().expect("it begins with that");
        let synopsis = synopsis.split_whitespace().collect::<Vec<_>>().join(" ");
        for value in match what {
            "man" => &["[-l|--listen ADDR]", "[--tls]", "[--threads COUNT[/CLIENTS]]"][..],
            "man-log" => &["[--data DIR]", "[--json]"],
            _ => &[],
        } {
            assert!(synopsis.contains(value), "{value} isn't in: {synopsis}");
        }
        if what == "man" {
            for option in &options {
                assert!(shown.contains(&format!("--{option}")), "--{option} isn't in: {shown}");
            }
        }
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = made(shell);
        for option in &options {
            assert!(script.contains(option), "{shell}: --{option}");
        }
        if shell == "bash" {
            let path = directory.path().join(shell);
            fs::write(&path, script).expect("a file");
            let check = Command::new("bash").arg("-n").arg(&path).status().expect("it runs");
            assert!(check.success());
        }
    }
}

#[test]
fn an_option_may_be_an_environment_variable() {
    let variables = [
        "env",
        "ROOMCAST_ECHO=yes",
        "ROOMCAST_MAX_LINE=5",
        "ROOMCAST_RATE=1000/50",
        "ROOMCAST_MOTD=",
    ];
    // The command line comes first.
    let program = Program::started_by(&variables, &["--max-line", "3"]);
    let [mut ann] = program.guests();
    ann.say("hello");
    ann.hears("*** that line was not sent: it is longer than 3 bytes");
    ann.say("hi");
    ann.hears("<guest1> hi");
}

#[test]
fn a_variable_that_stands_for_no_option_is_told_of() {
    let program = Program::started_by(&["env", "ROOMCAST_MAXCLIENTS=5"], &[]);
    program.logs(
        "variables that stand for no option: ROOMCAST_MAXCLIENTS (did you mean \
         ROOMCAST_MAX_CLIENTS?)",
    );
}

/// What a variable turns off was not asked for, and conflicts with nothing.
#[test]
fn a_flag_that_a_variable_turns_off_is_not_given() {
    let variables = ["env", "ROOMCAST_RAW=no", "ROOMCAST_ECHO=0"];
    let program = Program::started_by(&variables, &["--prefix", "nick"]);
    let [mut ann, mut bob] = program.guests();
    ann.say("hello");
    bob.hears("<guest1> hello");
    bob.say("hi");
    ann.hears("<guest2> hi");
}

#[test]
fn commas_separate_the_values_of_a_variable_and_no_others() {
    let deny = ["env", "ROOMCAST_DENY=192.0.2.0/24,127.0.0.0/8"];
    let program = Program::started_by(&deny, &[]);
    let mut refused = program.connect();
    refused.hears("*** refused: your address is not allowed here");
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("a,b");
    let _program = Program::listening(&[&format!("unix:{}", path.display())], &[]);
    assert!(path.exists());
}

#[test]
fn a_bad_environment_variable_is_told_like_a_bad_option() {
    for (name, value, clue) in [
        ("ROOMCAST_MAX_CLIENTS", "many", "invalid value 'many' for '--max-clients <CLIENTS>'"),
        ("ROOMCAST_RAW", "perhaps", "invalid value 'perhaps' for '--raw'"),
        ("ROOMCAST_LISTEN", "127.0.0.1:0,/tmp/room", "a path needs unix: before it"),
    ] {
        let output = command(&[]).env(name, value).output().expect("the binary was built");
        let errors = String::from_utf8(output.stderr).expect("it is UTF-8");
        assert_eq!(output.status.code(), Some(2), "{name}: {errors}");
        assert!(errors.contains(clue), "{name}: {errors}");
    }
}

/// They may stand in a script.
#[test]
fn old_spellings_of_options_work() {
    Program::start(&["--rate", "100", "--burst", "5"]).guests::<2>();
    Program::plain(&["--fold", "0"]).guests::<2>();
}

#[test]
fn version_is_that_of_the_package() {
    let output = run(&["--version"]);
    assert_eq!(output.status.code(), Some(0));
    let version = concat!("roomcast ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(String::from_utf8_lossy(&output.stdout), version);
}

#[test]
fn an_empty_rust_log_counts_as_unset() {
    let program = Program::with_log_filters("", &[]);
    let log = program.logs("place for");
    assert!(log.contains("INFO"), "{log}");
}
