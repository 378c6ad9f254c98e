//! `stateroom.toml`: what is wrong with it, and what counts more and less than it.
use crate::common::{directory, stateroom_in};
use snapbox::{IntoData, str};

fn assert_refused(text: &str, message: impl IntoData) {
    let files = directory(&[("stateroom.toml", text)]);
    stateroom_in(files.path(), "build").assert().code(1).stdout_eq("").stderr_eq(message);
}

#[test]
fn a_key_that_nobody_knows() {
    assert_refused(
        "static_fils = \"static\"\n",
        str![[r#"
error: `stateroom.toml` makes no sense
  caused by: TOML parse error at line 1, column 1
      |
    1 | static_fils = "static"
      | ^^^^^^^^^^^
    unknown field `static_fils`, expected one of `static_files`, `service_id`, `client`, `service`, `ip`, `port`, `heartbeat_interval`, `heartbeat_timeout`, `room_strategy`, `shutdown_policy`, `limits`

"#]],
    );
}

#[test]
fn a_limit_that_nobody_knows() {
    assert_refused(
        "[limits]\n\nmax_rooms = 3\n",
        str![[r#"
error: `stateroom.toml` makes no sense
  caused by: TOML parse error at line 3, column 1
      |
    3 | max_rooms = 3
      | ^^^^^^^^^
    unknown field `max_rooms`, expected one of `message_bytes`, `outbound_bytes`, `outbound_messages`, `mailbox_bytes`, `mailbox_events`, `rooms`, `remembered_rooms`, `room_id_bytes`, `token_bytes`, `tokens`, `request_head_time`, `close_time`, `shutdown_time`, `memory_bytes`, `table_elements`, `wasm_stack_bytes`, `cpu_budget`, `time_budget`, `effect_bytes`, `effects`, `log_bytes_per_second`, `log_lines_per_second`, `random_bytes`, `instances`, `slow_lane`

"#]],
    );
}

#[test]
fn a_strategy_that_is_none() {
    assert_refused(
        "static_files = \"static\"\nroom_strategy = \"shorts\"\n",
        str![[r#"
error: `stateroom.toml` makes no sense
  caused by: TOML parse error at line 2, column 17
      |
    2 | room_strategy = "shorts"
      |                 ^^^^^^^^
    `shorts` is no room strategy: write `implicit`, `api`, `uuid`, `short`, or `short3` to `short12`

"#]],
    );
}

#[test]
fn a_value_of_the_wrong_kind() {
    assert_refused(
        "[limits]\ncpu_budget = true\n",
        str![[r#"
error: `stateroom.toml` makes no sense
  caused by: TOML parse error at line 2, column 14
      |
    2 | cpu_budget = true
      |              ^^^^
    invalid type: boolean `true`, expected a number or a text

"#]],
    );
}

#[test]
fn a_client_without_a_package() {
    assert_refused(
        "[client]\noptimization_level = \"z\"\n",
        str![[r#"
error: `stateroom.toml` makes no sense
  caused by: TOML parse error at line 1, column 1
      |
    1 | [client]
      | ^^^^^^^^
    missing field `package`

"#]],
    );
}

#[test]
fn no_toml() {
    assert_refused(
        "port: 80\n",
        str![[r#"
error: `stateroom.toml` makes no sense
  caused by: TOML parse error at line 1, column 7
      |
    1 | port: 80
      |       ^
    key with no value, expected `=`

"#]],
    );
}

#[test]
fn static_files_that_are_not_there() {
    let files = directory(&[("stateroom.toml", "static_files = \"nowhere\"\n"), ("x.wat", "(module)")]);
    stateroom_in(files.path(), "serve x.wat").assert().code(1).stdout_eq("").stderr_eq(str![[r#"
error: `static_files` in stateroom.toml is not a directory: `nowhere`

"#]]);
}

/// The timeout that counts is told where it is too short.
#[test]
fn a_flag_counts_more_than_a_variable_more_than_the_file_more_than_the_default() {
    let timeout = |file: &str, variable: Option<&str>, flag: &str| {
        let files = directory(&[("stateroom.toml", file)]);
        let mut command = stateroom_in(files.path(), &format!("serve x.wasm -i 200 {flag}"));
        if let Some(variable) = variable {
            command = command.env("STATEROOM_HEARTBEAT_TIMEOUT", variable);
        }
        let output = command.assert().code(2);
        let text = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
        text.split_once("timeout (").unwrap().1.split(' ').next().unwrap().to_owned()
    };
    let file = "heartbeat_timeout = 3\n";
    assert_eq!(timeout(file, Some("2"), "-t 1"), "1");
    assert_eq!(timeout(file, Some("2"), ""), "2");
    assert_eq!(timeout(file, None, ""), "3");
    assert_eq!(timeout("", None, ""), "120");
}
