//! `stateroom config`: what settings are, and where they come from.
use serde_json::{Value, json};
use snapbox::str;

use crate::common::{directory, stateroom_in};

const FILE: &str = "ip = \"127.0.0.1\"\npreset = \"public\"\nstatic_files = \"pages\"\n\n[limits]\nrooms = 3\n";

#[test]
fn each_setting_has_what_has_said_it() {
    let here = directory(&[("stateroom.toml", FILE)]);
    let command = stateroom_in(here.path(), "config --changed -t 200 --ip ::1").env("STATEROOM_PORT", "81");
    command.assert().code(0).stderr_eq("").stdout_eq(str![[r#"
ip                          ::1     --ip
port                        81      STATEROOM_PORT
heartbeat_timeout           200     --heartbeat-timeout
preset                      public  stateroom.toml
limits.message_bytes        64KiB   preset public
limits.message_time         30      preset public
limits.messages_per_second  100     preset public
limits.bytes_per_second     256KiB  preset public
limits.room_connections     1000    preset public
limits.address_connections  100     preset public
limits.rooms                3       stateroom.toml
static_files                pages   stateroom.toml

"#]]);
}

/// Also where both say the same, which one cannot see from the value.
#[test]
fn a_flag_counts_more_than_a_variable() {
    let here = directory(&[]);
    let command = stateroom_in(here.path(), "config --changed -p 81").env("STATEROOM_PORT", "81");
    command.assert().code(0).stderr_eq("").stdout_eq("port  81  --port\n");
}

#[test]
fn without_a_word_they_are_all_there_and_as_the_verb_has_them() {
    let here = directory(&[]);
    for (line, ip) in [("config", "0.0.0.0"), ("config --dev", "127.0.0.1")] {
        let output = stateroom_in(here.path(), line).assert().code(0).stderr_eq("");
        let text = String::from_utf8(output.get_output().stdout.clone()).unwrap();
        let first: Vec<_> = text.lines().next().unwrap().split_whitespace().collect();
        assert_eq!(first, ["ip", ip, "default"]);
        for key in ["admission.jwt_key_file", "limits.slow_lane", "client.package"] {
            assert!(text.lines().any(|line| line.starts_with(key)), "{key} is missing");
        }
    }
}

#[test]
fn the_names_in_the_json_stay() {
    let here = directory(&[("stateroom.toml", FILE)]);
    let output = stateroom_in(here.path(), "config --json -p 81").assert().code(0).stderr_eq("");
    let report: Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    assert_eq!(report["verb"], "serve");
    let settings = &report["settings"];
    for (key, expected) in [
        ("port", json!({ "value": 81, "default": 8080, "from": "flag", "name": "--port" })),
        ("ip", json!({ "value": "127.0.0.1", "default": "0.0.0.0", "from": "file", "name": "stateroom.toml" })),
        ("limits.message_time", json!({ "value": 30, "default": 120, "from": "preset", "name": "public" })),
        ("limits.instances", json!({ "value": null, "default": null, "from": "default" })),
    ] {
        assert_eq!(settings[key], expected, "{key}");
    }
}

#[test]
fn settings_that_contradict_each_other_are_listed_all_the_same() {
    let here = directory(&[]);
    let command = stateroom_in(here.path(), "config --changed -i 10 -t 10");
    command
        .assert()
        .code(2)
        .stdout_eq("heartbeat_interval  10  --heartbeat-interval\nheartbeat_timeout   10  --heartbeat-timeout\n");
}

#[test]
fn of_secrets_their_files_are_told() {
    let here = directory(&[("secret", "hush")]);
    let output = stateroom_in(here.path(), "config --changed --jwt-secret-file secret").assert().code(0).stderr_eq("");
    output.stdout_eq("admission.jwt_secret_file  secret  --jwt-secret-file\n");
}
