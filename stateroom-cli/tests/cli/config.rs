//! `stateroom config`: values of settings and their origins.
use serde_json::{Value, json};
use snapbox::str;

use crate::common::{directory, stateroom_in};

const FILE: &str = "ip = \"127.0.0.1\"\npreset = \"public\"\nstatic_files = \"pages\"\n\n[limits]\nrooms = 3\n";

#[test]
fn settings_have_an_origin() {
    let here = directory(&[("stateroom.toml", FILE)]);
    let command = stateroom_in(here.path(), "config --changed -t 200 --ip ::1").env("STATEROOM_PORT", "81");
    command.assert().code(0).stderr_eq("").stdout_eq(str![[r#"
ip                               ::1     --ip
port                             81      STATEROOM_PORT
heartbeat_timeout                3m 20s  --heartbeat-timeout
preset                           public  stateroom.toml
limits.message_bytes             64KiB   preset public
limits.message_time              30s     preset public
limits.messages_per_second       100     preset public
limits.bytes_per_second          256KiB  preset public
limits.room_connections          1000    preset public
limits.address_connections       100     preset public
limits.address_rooms             100     preset public
limits.address_rooms_per_minute  120     preset public
limits.rooms                     3       stateroom.toml
static_files                     pages   stateroom.toml

"#]]);
}

/// Even if both have the same value.
#[test]
fn a_flag_overrides_a_variable() {
    let here = directory(&[]);
    let command = stateroom_in(here.path(), "config --changed -p 81").env("STATEROOM_PORT", "81");
    command.assert().code(0).stderr_eq("").stdout_eq("port  81  --port\n");
}

#[test]
fn all_settings_are_listed_with_the_defaults_of_the_command() {
    let here = directory(&[]);
    for (line, ip) in [("config", "0.0.0.0"), ("config --dev", "localhost")] {
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
fn json_keys_are_stable() {
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
fn contradictory_settings_are_listed_too() {
    let here = directory(&[]);
    let command = stateroom_in(here.path(), "config --changed -i 10 -t 10");
    command
        .assert()
        .code(2)
        .stdout_eq("heartbeat_interval  10s  --heartbeat-interval\nheartbeat_timeout   10s  --heartbeat-timeout\n");
}

#[test]
fn secrets_are_listed_by_their_path() {
    let here = directory(&[("secret", "hush")]);
    let output = stateroom_in(here.path(), "config --changed --jwt-secret-file secret").assert().code(0).stderr_eq("");
    output.stdout_eq("admission.jwt_secret_file  secret  --jwt-secret-file\n");
}
