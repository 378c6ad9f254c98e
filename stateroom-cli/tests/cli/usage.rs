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
error: invalid value 'short2' for '--rooms <STRATEGY>': `short2` is no room strategy: write `implicit`, `api`, `uuid`, `short`, or `short3` to `short12`

For more information, try '--help'.

"#]],
    );
}

#[test]
fn a_policy_that_is_none() {
    misused(
        "dev -s 300",
        str![[r#"
error: invalid value '300' for '--shutdown-policy <POLICY>': `300` is no shutdown policy: write `never`, `immediate`, or a number of seconds such as `300sec`

For more information, try '--help'.

"#]],
    );
}

#[test]
fn an_amount_of_memory_that_is_none() {
    misused(
        "dev --memory-bytes 1GB",
        str![[r#"
error: invalid value '1GB' for '--memory-bytes <BYTES>': `1GB` is no number of bytes: write such as `65536`, `64KiB` or `16MiB`

For more information, try '--help'.

"#]],
    );
}

#[test]
fn a_timeout_not_above_the_interval() {
    misused(
        "serve x.wasm -i 10 -t 10",
        str![[r#"
error: the heartbeat timeout (10 s) is not above the heartbeat interval (10 s)
  hint: raise `--heartbeat-timeout`, lower `--heartbeat-interval`, or turn pings off with `--heartbeat-interval 0`

"#]],
    );
}

#[test]
fn a_wrong_variable() {
    let here = directory(&[]);
    let command = stateroom_in(here.path(), "dev").env("STATEROOM_PORT", "eighty");
    command.assert().code(2).stdout_eq("").stderr_eq(str![[r#"
error: invalid value 'eighty' for '--port <PORT>': invalid digit found in string

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
error: there is no file `x.wasm`

"#]],
    );
}

#[test]
fn a_module_that_is_none() {
    failed(
        &[("x.wasm", "no module")],
        "-q serve x.wasm",
        str![[r#"
error: x.wasm: is not a WebAssembly module[..]
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
error: x.wat: is not a Stateroom service[..]
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
