//! The command line as people see it: exit code, stdout and stderr.
use snapbox::{IntoData, file, str};

use crate::common::{directory, stateroom_in};

/// What a command line that asks to be told something says.
fn told(line: &str, stdout: impl IntoData) {
    stateroom_in(directory(&[]).path(), line).assert().code(0).stdout_eq(stdout).stderr_eq("");
}

/// What a command line comes to that makes no sense.
fn misused(line: &str, stderr: impl IntoData) {
    stateroom_in(directory(&[]).path(), line).assert().code(2).stdout_eq("").stderr_eq(stderr);
}

/// What a command comes to that fails, in a directory with these files.
fn failed(files: &[(&str, &str)], line: &str, stderr: impl IntoData) {
    stateroom_in(directory(files).path(), line).assert().code(1).stdout_eq("").stderr_eq(stderr);
}

#[test]
fn version() {
    told("--version", concat!("stateroom ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn help() {
    told("--help", file!["snapshots/help.txt"]);
}

#[test]
fn short_help_of_dev() {
    told("dev -h", file!["snapshots/dev.txt"]);
}

#[test]
fn help_of_build() {
    told("build --help", file!["snapshots/build.txt"]);
}

#[test]
fn help_of_serve() {
    told("serve --help", file!["snapshots/serve.txt"]);
}

#[test]
fn help_of_bench() {
    told("bench --help", file!["snapshots/bench.txt"]);
}

#[test]
fn bench_rejects_an_unknown_scheme() {
    misused(
        "bench ftp://127.0.0.1/",
        str![[r#"
error: `ftp://127.0.0.1/` does not begin with `ws`, `wss`, `http` or `https`: use a URL such as `http://127.0.0.1:8080`

"#]],
    );
}

#[test]
fn help_of_new() {
    told("new --help", file!["snapshots/new.txt"]);
}

#[test]
fn help_of_inspect() {
    told("inspect --help", file!["snapshots/inspect.txt"]);
}

#[test]
fn short_help_of_config() {
    told("config -h", file!["snapshots/config.txt"]);
}

#[test]
fn help_of_doctor() {
    told("doctor --help", file!["snapshots/doctor.txt"]);
}

#[test]
fn help_of_completions() {
    told("completions --help", file!["snapshots/completions.txt"]);
}

#[test]
fn help_of_man() {
    told("man --help", file!["snapshots/man.txt"]);
}

#[test]
fn no_verb() {
    misused("", file!["snapshots/help.txt"]);
}

#[test]
fn a_verb_with_a_typo() {
    misused(
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
fn a_short_verb_with_letters_that_changed_places() {
    misused(
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
fn a_flag_with_a_typo() {
    misused(
        "serve dist --heartbeat-intervall 3",
        str![[r#"
error: unexpected argument '--heartbeat-intervall' found

  tip: a similar argument exists: '--heartbeat-interval'

Usage: stateroom serve --heartbeat-interval <SECONDS> <MODULE>

For more information, try '--help'.

"#]],
    );
}

#[test]
fn a_value_with_a_typo() {
    misused(
        "build --color alwys",
        str![[r#"
error: invalid value 'alwys' for '--color <WHEN>'
  [possible values: auto, always, never]

  tip: a similar value exists: 'always'

For more information, try '--help'.

"#]],
    );
}

/// The flag counts more than `NO_COLOR`, which counts more than `CLICOLOR_FORCE`; none of the tests has a terminal.
#[test]
fn colours_are_as_it_is_said() {
    let here = directory(&[]);
    let is_coloured = |line: &str, variables: &[(&str, &str)]| {
        let mut command = stateroom_in(here.path(), line).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
        for (variable, value) in variables {
            command = command.env(variable, value);
        }
        let output = command.assert().get_output().clone();
        [output.stdout, output.stderr].concat().contains(&0x1b)
    };
    // What clap says, on either stream; an error of ours, of both kinds; a line of the log; a report.
    let color = ("STATEROOM_COLOUR", "1");
    for (line, more) in [
        ("build --help", None),
        ("serv dist", None),
        ("serve x.wasm", None),
        ("serve x.wasm -i 10 -t 10", None),
        ("config --changed", Some(color)),
        ("doctor", None),
    ] {
        let variables = |variables: &[(&'static str, &'static str)]| [variables, more.as_slice()].concat();
        assert!(!is_coloured(line, &variables(&[])), "{line}");
        assert!(is_coloured(line, &variables(&[("CLICOLOR_FORCE", "1")])), "{line}");
        assert!(!is_coloured(line, &variables(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")])), "{line}");
        let with = |when: &str| format!("{line} --color {when}");
        assert!(is_coloured(&with("always"), &variables(&[("NO_COLOR", "1")])), "{line}");
        assert!(!is_coloured(&with("never"), &variables(&[("CLICOLOR_FORCE", "1")])), "{line}");
    }
}

#[test]
fn no_module() {
    misused(
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
fn a_strategy_that_is_none() {
    misused(
        "serve x.wasm -r short2",
        str![[r#"
error: invalid value 'short2' for '--rooms <STRATEGY>': invalid room strategy `short2`: use `implicit`, `api`, `uuid`, `short`, or `short3` to `short12`

For more information, try '--help'.

"#]],
    );
}

#[test]
fn a_policy_that_is_none() {
    misused(
        "dev -s 300s",
        str![[r#"
error: invalid value '300s' for '--shutdown-policy <POLICY>': invalid shutdown policy `300s`: use `never`, `immediate`, or a number of seconds such as `300sec`

For more information, try '--help'.

"#]],
    );
}

#[test]
fn a_port_that_is_none() {
    for (line, what) in [("dev abc", "[PORT]"), ("dev -p abc", "--port <PORT>")] {
        let message = format!(
            "error: invalid value 'abc' for '{what}': `abc` is no port: write a number from 0 to 65535\n\n\
             For more information, try '--help'.\n"
        );
        misused(line, message);
    }
}

#[test]
fn an_address_that_is_none() {
    misused(
        "dev --ip localhost",
        str![[r#"
error: invalid value 'localhost' for '--ip <IP>': `localhost` is no IP address: write such as `127.0.0.1` or `::1`

For more information, try '--help'.

"#]],
    );
}

#[test]
fn a_time_that_is_none() {
    misused(
        "dev --cpu-budget -1",
        str![[r#"
error: invalid value '-1' for '--cpu-budget <SECONDS>': `-1` is no number of seconds: write it as `30` or `0.5`

For more information, try '--help'.

"#]],
    );
}

#[test]
fn a_limit_under_which_nothing_can_be_served() {
    misused(
        "dev --max-rooms 0",
        str![[r#"
error: invalid value '0' for '--max-rooms <NUMBER>': it has to be more than 0: nothing can be served otherwise

For more information, try '--help'.

"#]],
    );
}

#[test]
fn an_amount_of_memory_that_is_none() {
    misused(
        "dev --memory-bytes 1GB",
        str![[r#"
error: invalid value '1GB' for '--memory-bytes <BYTES>': `1GB` is no number of bytes: write it as `65536`, `64KiB` or `16MiB`

For more information, try '--help'.

"#]],
    );
}

#[test]
fn a_timeout_not_above_the_interval() {
    misused(
        "serve x.wasm -i 10 -t 10",
        str![[r#"
error: the heartbeat timeout (10 s, from `--heartbeat-timeout`) is not above the heartbeat interval (10 s, from `--heartbeat-interval`)
  hint: raise `--heartbeat-timeout`, lower `--heartbeat-interval`, or turn pings off with `--heartbeat-interval 0`

"#]],
    );
}

#[test]
fn a_wrong_variable() {
    let here = directory(&[]);
    let command = stateroom_in(here.path(), "dev").env("STATEROOM_PORT", "eighty");
    command.assert().code(2).stdout_eq("").stderr_eq(str![[r#"
error: invalid value 'eighty' for '--port <PORT>': `eighty` is no port: write a number from 0 to 65535

  tip: the value is that of the variable STATEROOM_PORT

For more information, try '--help'.

"#]]);
}

#[test]
fn a_directory_that_is_not_there() {
    for line in ["dev -C nowhere", "-C nowhere dev"] {
        failed(
            &[],
            line,
            str![[r#"
error: cannot work in `nowhere`
  caused by: No such file or directory (os error 2)

"#]],
        );
    }
}

#[test]
fn a_module_that_is_not_there() {
    failed(
        &[],
        "serve x.wasm",
        str![[r#"
error: there is no file or directory `x.wasm`

"#]],
    );
}

#[test]
fn a_dist_that_is_not_there() {
    failed(
        &[],
        "serve dist",
        str![[r#"
error: there is no file or directory `dist`
  hint: `stateroom build` makes `dist`

"#]],
    );
}

#[test]
fn variables_that_look_like_settings_are_warned_of() {
    let here = directory(&[]);
    let command = stateroom_in(here.path(), "serve x.wasm").env("STATEROOM_PROT", "1");
    command.assert().code(1).stdout_eq("").stderr_eq(str![[r#"
[..]  WARN there is no variable STATEROOM_PROT: did you mean STATEROOM_PORT?
error: there is no file or directory `x.wasm`

"#]]);
    let command = stateroom_in(here.path(), "serve x.wasm").env("STATEROOM_COLOUR", "1");
    command.assert().code(1).stdout_eq("").stderr_eq(str![[r#"
[..]  WARN there is no variable STATEROOM_COLOUR: `stateroom serve --help` lists them
error: there is no file or directory `x.wasm`

"#]]);
}

#[test]
fn a_filter_that_cannot_be_understood_is_warned_of() {
    let here = directory(&[]);
    let command = stateroom_in(here.path(), "serve x.wasm").env("RUST_LOG", "stateroom=loud");
    command.assert().code(1).stdout_eq("").stderr_eq(str![[r#"
[..]  WARN RUST_LOG counts for nothing, since `stateroom=loud` cannot be understood: error parsing level filter: expected one of "off", "error", "warn", "info", "debug", "trace", or a number 0-5
error: there is no file or directory `x.wasm`

"#]]);
}

#[test]
fn a_module_that_is_none() {
    failed(
        &[("x.wasm", "no module")],
        "-q serve x.wasm",
        str![[r#"
error: x.wasm: not a WebAssembly module[..]
...

"#]],
    );
}

#[test]
fn a_module_of_something_else() {
    failed(
        &[("x.wat", "(module (memory (export \"memory\") 1))")],
        "-q serve x.wat",
        str![[r#"
error: x.wat: not a Stateroom service[..]
  hint: put `#[stateroom_wasm]`, of the crate `stateroom-wasm`, on the type of the service

"#]],
    );
}

#[test]
fn a_directory_without_a_module() {
    failed(
        &[("dist/static/index.html", "")],
        "serve dist",
        str![[r#"
error: there is no server.wasm in `dist`
  hint: serve the directory that `stateroom build` makes, or a .wasm file

"#]],
    );
}

#[test]
fn a_manifest_that_cargo_cannot_read() {
    failed(
        &[("Cargo.toml", "[package\n")],
        "build",
        str![[r#"
error: cargo cannot read the crate here
  caused by: error: unclosed table, expected `]`
     --> Cargo.toml:1:9
      |
    1 | [package
      |         ^

"#]],
    );
}

#[test]
fn no_crate() {
    failed(
        &[],
        "build",
        str![[r#"
error: there is no Cargo.toml in `[..]` nor above it
  hint: go to the directory of a service crate, or name it: `-C DIR`

"#]],
    );
}
