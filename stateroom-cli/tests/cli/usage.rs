//! The command line: exit code, stdout and stderr.
use snapbox::{IntoData, file, str};

use crate::common::{directory, stateroom_in};

/// Checks the output of a successful command.
fn succeeds(line: &str, stdout: impl IntoData) {
    stateroom_in(directory(&[]).path(), line).assert().code(0).stdout_eq(stdout).stderr_eq("");
}

/// Checks the usage error of an invalid command line.
fn rejected(line: &str, stderr: impl IntoData) {
    stateroom_in(directory(&[]).path(), line).assert().code(2).stdout_eq("").stderr_eq(stderr);
}

/// Checks the error of a command that fails, in a directory with these files.
fn fails(files: &[(&str, &str)], line: &str, stderr: impl IntoData) {
    stateroom_in(directory(files).path(), line).assert().code(1).stdout_eq("").stderr_eq(stderr);
}

#[test]
fn version() {
    succeeds("--version", concat!("stateroom ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn help() {
    succeeds("--help", file!["snapshots/help.txt"]);
}

#[test]
fn short_help_of_dev() {
    succeeds("dev -h", file!["snapshots/dev.txt"]);
}

#[test]
fn contradictory_profiles() {
    rejected(
        "dev --debug --profile small",
        str![[r#"
error: `--profile` cannot be used with `--debug` or `--release`
  hint: use one of them

"#]],
    );
    // A flag takes precedence over a variable.
    let log = stateroom_in(directory(&[]).path(), "dev 0 --debug").env("STATEROOM_PROFILE", "small").assert().code(1);
    assert!(String::from_utf8_lossy(&log.get_output().stderr).starts_with("error: no Cargo.toml in"));
}

#[test]
fn help_of_build() {
    succeeds("build --help", file!["snapshots/build.txt"]);
}

#[test]
fn help_of_serve() {
    succeeds("serve --help", file!["snapshots/serve.txt"]);
}

#[test]
fn help_of_bench() {
    succeeds("bench --help", file!["snapshots/bench.txt"]);
}

#[test]
fn an_unknown_url_scheme() {
    rejected(
        "bench ftp://127.0.0.1/",
        str![[r#"
error: `ftp://127.0.0.1/` does not begin with `ws`, `wss`, `http` or `https`: use a URL such as `http://127.0.0.1:8080`

"#]],
    );
}

#[test]
fn help_of_new() {
    succeeds("new --help", file!["snapshots/new.txt"]);
}

#[test]
fn help_of_inspect() {
    succeeds("inspect --help", file!["snapshots/inspect.txt"]);
}

#[test]
fn short_help_of_config() {
    succeeds("config -h", file!["snapshots/config.txt"]);
}

#[test]
fn help_of_doctor() {
    succeeds("doctor --help", file!["snapshots/doctor.txt"]);
}

#[test]
fn help_of_completions() {
    succeeds("completions --help", file!["snapshots/completions.txt"]);
}

#[test]
fn help_of_man() {
    succeeds("man --help", file!["snapshots/man.txt"]);
}

#[test]
fn no_command() {
    rejected("", file!["snapshots/help.txt"]);
}

#[test]
fn a_misspelled_command() {
    rejected(
        "serv dist",
        str![[r#"
error: unrecognized subcommand 'serv'

  tip: some similar subcommands exist: 'dev', 'serve'

Usage: stateroom [OPTIONS] <COMMAND>

For more information, try '--help'.

"#]],
    );
}

#[test]
fn a_short_command_with_swapped_letters() {
    rejected(
        "nwe my-app",
        str![[r#"
error: unrecognized subcommand 'nwe'

  tip: a similar subcommand exists: 'new'

Usage: stateroom [OPTIONS] <COMMAND>

For more information, try '--help'.

"#]],
    );
}

#[test]
fn a_misspelled_flag() {
    rejected(
        "serve dist --heartbeat-intervall 3",
        str![[r#"
error: unexpected argument '--heartbeat-intervall' found

  tip: a similar argument exists: '--heartbeat-interval'

Usage: stateroom serve --heartbeat-interval <DURATION> <MODULE>

For more information, try '--help'.

"#]],
    );
}

#[test]
fn an_unknown_flag_is_not_suggested_as_an_argument_of_cargo() {
    rejected(
        "build --feature x",
        str![[r#"
error: unexpected argument '--feature' found

  tip: a similar argument exists: '--features'

Usage: stateroom build --features <NAMES> [-- <CARGO-ARGS>...]

For more information, try '--help'.

"#]],
    );
    rejected(
        "dev --zzz",
        str![[r#"
error: unexpected argument '--zzz' found

Usage: stateroom dev [OPTIONS] [PORT] [-- <CARGO-ARGS>...]

For more information, try '--help'.

"#]],
    );
}

#[test]
fn a_misspelled_value() {
    rejected(
        "build --color alwys",
        str![[r#"
error: invalid value 'alwys' for '--color <WHEN>'
  [possible values: auto, always, never]

  tip: a similar value exists: 'always'

For more information, try '--help'.

"#]],
    );
}

#[test]
fn the_color_flag_overrides_no_color_which_overrides_clicolor_force() {
    let here = directory(&[]);
    let is_colored = |line: &str, variables: &[(&str, &str)]| {
        let mut command = stateroom_in(here.path(), line).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
        for (variable, value) in variables {
            command = command.env(variable, value);
        }
        let output = command.assert().get_output().clone();
        [output.stdout, output.stderr].concat().contains(&0x1b)
    };
    // Output of clap on either stream, errors of both kinds, a log line, a report.
    let unknown = ("STATEROOM_COLOUR", "1");
    for (line, more) in [
        ("build --help", None),
        ("serv dist", None),
        ("serve x.wasm", None),
        ("serve x.wasm -i 10 -t 10", None),
        ("config --changed", Some(unknown)),
        ("doctor", None),
    ] {
        let variables = |variables: &[(&'static str, &'static str)]| [variables, more.as_slice()].concat();
        assert!(!is_colored(line, &variables(&[])), "{line}");
        assert!(is_colored(line, &variables(&[("CLICOLOR_FORCE", "1")])), "{line}");
        assert!(!is_colored(line, &variables(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")])), "{line}");
        let with = |when: &str| format!("{line} --color {when}");
        assert!(is_colored(&with("always"), &variables(&[("NO_COLOR", "1")])), "{line}");
        assert!(!is_colored(&with("never"), &variables(&[("CLICOLOR_FORCE", "1")])), "{line}");
    }
}

#[test]
fn missing_module_argument() {
    rejected(
        "serve",
        str![[r#"
error: the following required arguments were not provided:
  <MODULE>

Usage: stateroom serve <MODULE>

For more information, try '--help'.

"#]],
    );
}

#[test]
fn an_invalid_strategy() {
    rejected(
        "serve x.wasm -r short2",
        str![[r#"
error: invalid value 'short2' for '--rooms <STRATEGY>': invalid room strategy `short2`: use [..]

For more information, try '--help'.

"#]],
    );
}

#[test]
fn an_invalid_policy() {
    rejected(
        "dev -s sometimes",
        str![[r#"
error: invalid value 'sometimes' for '--shutdown-policy <POLICY>': `sometimes` is not a shutdown policy: use `never`, `immediate`, or a duration such as `300` or `5m`

For more information, try '--help'.

"#]],
    );
}

#[test]
fn an_invalid_port() {
    for (line, what) in [("dev abc", "[PORT]"), ("dev -p abc", "--port <PORT>")] {
        let message = format!(
            "error: invalid value 'abc' for '{what}': `abc` is not a port: use a number from 0 to 65535\n\n\
             For more information, try '--help'.\n"
        );
        rejected(line, message);
    }
}

#[test]
fn an_invalid_address() {
    rejected(
        "dev --ip my-host",
        str![[r#"
error: invalid value 'my-host' for '--ip <IP>': `my-host` is not an IP address: use for example `127.0.0.1` or `::1`, or `localhost` for both

For more information, try '--help'.

"#]],
    );
}

#[test]
fn an_invalid_duration() {
    rejected(
        "dev --cpu-budget -1",
        str![[r#"
error: invalid value '-1' for '--cpu-budget <DURATION>': `-1` is not a duration: use a number of seconds, or a unit as in `30s`, `500ms` or `5m`

For more information, try '--help'.

"#]],
    );
}

#[test]
fn a_limit_of_zero() {
    rejected(
        "dev --max-rooms 0",
        str![[r#"
error: invalid value '0' for '--max-rooms <NUMBER>': must be greater than 0

For more information, try '--help'.

"#]],
    );
}

#[test]
fn an_invalid_size() {
    rejected(
        "dev --memory-bytes 1X",
        str![[r#"
error: invalid value '1X' for '--memory-bytes <SIZE>': `1X` is not a size: use a number of bytes, or a unit as in `64KiB`, `16MiB` or `1GB`

For more information, try '--help'.

"#]],
    );
}

#[test]
fn a_timeout_equal_to_the_interval() {
    rejected(
        "serve x.wasm -i 10 -t 10",
        str![[r#"
error: the heartbeat timeout (10s, from `--heartbeat-timeout`) must exceed the heartbeat interval (10s, from `--heartbeat-interval`)
  hint: raise `--heartbeat-timeout`, lower `--heartbeat-interval`, or disable pings with `--heartbeat-interval 0`

"#]],
    );
}

#[test]
fn an_invalid_variable() {
    let here = directory(&[]);
    let command = stateroom_in(here.path(), "dev").env("STATEROOM_PORT", "eighty");
    command.assert().code(2).stdout_eq("").stderr_eq(str![[r#"
error: invalid value 'eighty' for '--port <PORT>': `eighty` is not a port: use a number from 0 to 65535

  tip: the value comes from the environment variable STATEROOM_PORT

For more information, try '--help'.

"#]]);
}

#[test]
fn a_missing_directory() {
    for line in ["dev -C nowhere", "-C nowhere dev"] {
        fails(
            &[],
            line,
            str![[r#"
error: failed to change to the directory `nowhere`
  caused by: No such file or directory (os error 2)

"#]],
        );
    }
}

#[test]
fn a_missing_module() {
    fails(
        &[],
        "serve x.wasm",
        str![[r#"
error: no such file or directory: `x.wasm`

"#]],
    );
}

#[test]
fn a_missing_dist() {
    fails(
        &[],
        "serve dist",
        str![[r#"
error: no such file or directory: `dist`
  hint: create it with `stateroom build`

"#]],
    );
}

#[test]
fn unknown_variables() {
    let here = directory(&[]);
    let command = stateroom_in(here.path(), "serve x.wasm").env("STATEROOM_PROT", "1");
    command.assert().code(1).stdout_eq("").stderr_eq(str![[r#"
[..]  WARN unknown environment variable STATEROOM_PROT: did you mean STATEROOM_PORT?
error: no such file or directory: `x.wasm`

"#]]);
    let command = stateroom_in(here.path(), "serve x.wasm").env("STATEROOM_COLOUR", "1");
    command.assert().code(1).stdout_eq("").stderr_eq(str![[r#"
[..]  WARN unknown environment variable STATEROOM_COLOUR: see `stateroom serve --help`
error: no such file or directory: `x.wasm`

"#]]);
}

#[test]
fn an_invalid_log_filter() {
    let here = directory(&[]);
    let command = stateroom_in(here.path(), "serve x.wasm").env("RUST_LOG", "stateroom=loud");
    command.assert().code(1).stdout_eq("").stderr_eq(str![[r#"
[..]  WARN ignoring RUST_LOG: `stateroom=loud` is invalid: error parsing level filter: expected one of "off", "error", "warn", "info", "debug", "trace", or a number 0-5
error: no such file or directory: `x.wasm`

"#]]);
}

#[test]
fn not_a_module() {
    fails(
        &[("x.wasm", "no module")],
        "-q serve x.wasm",
        str![[r#"
error: x.wasm: [..]not a WebAssembly module[..]
...

"#]],
    );
}

#[test]
fn another_kind_of_module() {
    fails(
        &[("x.wat", "(module (memory (export \"memory\") 1))")],
        "-q serve x.wat",
        str![[r#"
error: x.wat: [..]not a Stateroom service[..]
  hint: put `#[stateroom_wasm]` of the crate `stateroom-wasm` on the type of the service

"#]],
    );
}

#[test]
fn a_directory_without_a_module() {
    fails(
        &[("dist/static/index.html", "")],
        "serve dist",
        str![[r#"
error: no server.wasm in `dist`
  hint: use a directory created by `stateroom build`, or a .wasm file

"#]],
    );
}

#[test]
fn an_invalid_manifest() {
    fails(
        &[("Cargo.toml", "[package\n")],
        "build",
        str![[r#"
error: cargo failed to read the crate
  caused by: error: unclosed table, expected `]`
     --> Cargo.toml:1:9
      |
    1 | [package
      |         ^

"#]],
    );
}

#[test]
fn no_manifest() {
    fails(
        &[],
        "build",
        str![[r#"
error: no Cargo.toml in `[..]` or any parent directory
  hint: change to the directory of a service crate, or use `-C DIR`

"#]],
    );
}

#[test]
fn what_others_choose_cannot_control_the_terminal() {
    let evil = "\u{1b}]0;owned\u{7}\u{202e}\u{9b}2J";
    let wat = format!("(module (import \"{evil}\" \"{evil}\" (func)) (memory (export \"memory\") 1))");
    let files = crate::common::directory(&[
        ("a.wat", &wat),
        ("toml/stateroom.toml", "\"\\u001b]0;owned\\u0007\\u202e\\u009b2J\" = 1\n"),
        ("raw/stateroom.toml", "port = '\u{202e}'\n"),
    ]);
    for (directory, arguments) in [
        ("", vec!["inspect", "a.wat"]),
        ("", vec!["serve", "a.wat", "--port", "0"]),
        ("", vec!["serve", evil]),
        ("", vec![evil]),
        ("", vec!["serve", "--port", evil]),
        ("", vec!["serve", "a.wat", "--origins", evil]),
        ("", vec!["--color", "always", "serve", "--port", evil]),
        ("", vec!["--color", "always", "inspect", "a.wat"]),
        ("", vec!["-C", evil, "config"]),
        ("toml", vec!["config"]),
        ("raw", vec!["config"]),
        ("toml", vec!["doctor"]),
        ("toml", vec!["serve", "../a.wat"]),
    ] {
        let mut command = crate::common::stateroom();
        let output = command.current_dir(files.path().join(directory)).args(&arguments).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{arguments:?}");
        for special in ["\u{1b}]", "\u{7}", "\u{202e}", "\u{9b}"] {
            assert!(!text.contains(special), "{arguments:?}: {text:?}");
        }
    }
}
