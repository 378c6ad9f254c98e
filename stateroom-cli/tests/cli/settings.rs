//! `stateroom.toml`: its errors and its precedence.
use crate::common::{directory, stateroom_in};
use snapbox::{IntoData, str};

fn assert_refused(text: &str, message: impl IntoData) {
    let files = directory(&[("stateroom.toml", text)]);
    stateroom_in(files.path(), "build").assert().code(1).stdout_eq("").stderr_eq(message);
}

#[test]
fn an_unknown_key() {
    assert_refused(
        "static_fils = \"static\"\n",
        str![[r#"
error: invalid `stateroom.toml`
  caused by: TOML parse error at line 1, column 1
      |
    1 | static_fils = "static"
      | ^^^^^^^^^^^
    unknown key `static_fils`: did you mean `static_files`?

"#]],
    );
}

#[test]
fn an_unknown_limit() {
    assert_refused(
        "[limits]\n\nmax_rooms = 3\n",
        str![[r#"
error: invalid `stateroom.toml`
  caused by: TOML parse error at line 3, column 1
      |
    3 | max_rooms = 3
      | ^^^^^^^^^
    unknown key `max_rooms`: did you mean `rooms`?

"#]],
    );
}

#[test]
fn a_limit_in_the_wrong_place() {
    assert_refused(
        "cpu_budget = 3\n",
        str![[r#"
error: invalid `stateroom.toml`
  caused by: TOML parse error at line 1, column 1
      |
    1 | cpu_budget = 3
      | ^^^^^^^^^^
    unknown key `cpu_budget`: it belongs under `[limits]`

"#]],
    );
}

#[test]
fn a_limit_of_zero() {
    assert_refused(
        "[limits]\nrooms = 0\n",
        str![[r#"
error: invalid `stateroom.toml`
  caused by: TOML parse error at line 2, column 9
      |
    2 | rooms = 0
      |         ^
    must be greater than 0

"#]],
    );
}

#[test]
fn a_string_instead_of_a_table() {
    assert_refused(
        "service = \"x\"\n",
        str![[r#"
error: invalid `stateroom.toml`
  caused by: TOML parse error at line 1, column 11
      |
    1 | service = "x"
      |           ^^^
    invalid type: string "x", expected a table: write `[service]` and `package = "..."` below it

"#]],
    );
}

#[test]
fn an_invalid_port() {
    assert_refused(
        "port = 99999\n",
        str![[r#"
error: invalid `stateroom.toml`
  caused by: TOML parse error at line 1, column 8
      |
    1 | port = 99999
      |        ^^^^^
    `99999` is not a port: use a number from 0 to 65535

"#]],
    );
}

#[test]
fn an_invalid_address() {
    assert_refused(
        "ip = \"my-host\"\n",
        str![[r#"
error: invalid `stateroom.toml`
  caused by: TOML parse error at line 1, column 6
      |
    1 | ip = "my-host"
      |      ^^^^^^^^^
    `my-host` is not an IP address: use for example `127.0.0.1` or `::1`, or `localhost` for both

"#]],
    );
}

#[test]
fn a_timeout_below_the_interval() {
    let files = directory(&[("stateroom.toml", "heartbeat_timeout = 30\n")]);
    for line in ["build", "dev", "serve x.wasm"] {
        stateroom_in(files.path(), line).assert().code(1).stdout_eq("").stderr_eq(str![[r#"
error: the heartbeat timeout (30s, from `heartbeat_timeout` in `stateroom.toml`) must exceed the heartbeat interval (30s, the default)
  hint: raise `heartbeat_timeout`, lower `heartbeat_interval`, or disable pings with `heartbeat_interval = 0`

"#]]);
    }
}

#[test]
fn a_cpu_budget_above_the_time_budget() {
    let files = directory(&[("stateroom.toml", "[limits]\ntime_budget = 1\n")]);
    stateroom_in(files.path(), "serve x.wasm").assert().code(1).stdout_eq("").stderr_eq(str![[r#"
[..]  WARN the CPU budget (2s) exceeds the time budget (1s), which ends events first
error: no such file or directory: `x.wasm`

"#]]);
}

#[test]
fn a_policy_may_be_any_duration() {
    let files = directory(&[("stateroom.toml", "shutdown_policy = 300\n")]);
    for line in ["serve x.wasm", "serve x.wasm -s 300", "serve x.wasm -s 5m --drain-time 2s"] {
        stateroom_in(files.path(), line).assert().code(1).stderr_eq("error: no such file or directory: `x.wasm`\n");
    }
}

#[test]
fn an_invalid_strategy() {
    assert_refused(
        "static_files = \"static\"\nroom_strategy = \"shorts\"\n",
        str![[r#"
error: invalid `stateroom.toml`
  caused by: TOML parse error at line 2, column 17
      |
    2 | room_strategy = "shorts"
      |                 ^^^^^^^^
    invalid room strategy `shorts`: use `implicit`, `api`, `uuid`, `short`, or `short3` to `short12`

"#]],
    );
}

#[test]
fn a_value_of_the_wrong_kind() {
    assert_refused(
        "[limits]\ncpu_budget = true\n",
        str![[r#"
error: invalid `stateroom.toml`
  caused by: TOML parse error at line 2, column 14
      |
    2 | cpu_budget = true
      |              ^^^^
    invalid type: boolean `true`, expected a number or a string

"#]],
    );
}

#[test]
fn a_client_without_a_package() {
    assert_refused(
        "[client]\noptimization_level = \"z\"\n",
        str![[r#"
error: invalid `stateroom.toml`
  caused by: TOML parse error at line 1, column 1
      |
    1 | [client]
      | ^^^^^^^^
    missing field `package`

"#]],
    );
}

#[test]
fn invalid_toml() {
    assert_refused(
        "port: 80\n",
        str![[r#"
error: invalid `stateroom.toml`
  caused by: TOML parse error at line 1, column 7
      |
    1 | port: 80
      |       ^
    key with no value, expected `=`

"#]],
    );
}

#[test]
fn missing_static_files() {
    let files = directory(&[("stateroom.toml", "static_files = \"nowhere\"\n"), ("x.wat", "(module)")]);
    stateroom_in(files.path(), "serve x.wat").assert().code(1).stdout_eq("").stderr_eq(str![[r#"
error: `static_files` in stateroom.toml is not a directory: `nowhere`
  hint: create it, or build the page first if a tool such as Vite writes it

"#]]);
}

/// The error of a short timeout names its value and source.
#[test]
fn flags_override_variables_which_override_the_file_which_overrides_the_defaults() {
    let timeout = |file: &str, variable: Option<&str>, flag: &str| {
        let files = directory(&[("stateroom.toml", file)]);
        let mut command = stateroom_in(files.path(), &format!("serve x.wasm -i 200 {flag}"));
        if let Some(variable) = variable {
            command = command.env("STATEROOM_HEARTBEAT_TIMEOUT", variable);
        }
        let output = command.assert().code(2);
        let text = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
        text.split_once("timeout (").unwrap().1.split(')').next().unwrap().to_owned()
    };
    let file = "heartbeat_timeout = 3\n";
    assert_eq!(timeout(file, Some("2"), "-t 1"), "1s, from `--heartbeat-timeout`");
    assert_eq!(timeout(file, Some("2"), ""), "2s, from STATEROOM_HEARTBEAT_TIMEOUT");
    assert_eq!(timeout(file, None, ""), "3s, from `heartbeat_timeout` in `stateroom.toml`");
    assert_eq!(timeout("", None, ""), "2m, the default");
}
