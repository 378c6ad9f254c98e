//! `stateroom doctor`, with scripts in place of the programs of a toolchain.
use std::{
    fs::{self, File, Permissions},
    os::unix::fs::PermissionsExt,
    process::Command,
};

use serde_json::Value;
use snapbox::{IntoData, str};

use crate::common::{directory, stateroom, write, write_program};

/// A machine with these programs only, and a directory to run the command in.
struct Machine(tempfile::TempDir);

impl Machine {
    fn new() -> Machine {
        let machine = Machine(directory(&[("here/.keep", ""), ("sysroot/.keep", "")]));
        machine.program("cargo", "echo cargo 1.95.0");
        machine.program("rustup", "echo 'rustup 1.29.0 (28d1352db 2026-03-05)'");
        machine.rustc("1.95.0", "wasm32-wasip1");
        machine
    }

    fn program(&self, name: &str, script: &str) {
        write_program(&self.0.path().join("bin").join(name), script);
    }

    /// Adds a compiler of a version, with a target.
    fn rustc(&self, version: &str, target: &str) {
        let sysroot = self.0.path().join("sysroot");
        self.program(
            "rustc",
            &format!(
                "case \"$*\" in\n--version) echo 'rustc {version} (x)' ;;\n*{target}*) echo '{}' ;;\n*) exit 1 ;;\nesac",
                sysroot.display()
            ),
        );
    }

    fn doctor(&self) -> Command {
        let mut command = stateroom();
        command.args(["doctor"]).current_dir(self.0.path().join("here")).env("PATH", self.0.path().join("bin"));
        // Any free one.
        command.env_remove("RUSTC").env("STATEROOM_PORT", "0");
        command.env("STATEROOM_CACHE_DIR", self.0.path().join("cache"));
        command
    }

    fn finds(&self, code: i32, stdout: impl IntoData, stderr: impl IntoData) {
        let command = snapbox::cmd::Command::from_std(self.doctor());
        command.assert().code(code).stdout_eq(stdout).stderr_eq(stderr);
    }
}

#[test]
fn a_complete_setup() {
    Machine::new().finds(
        0,
        str![[r#"
ok       cargo                   1.95.0
ok       rustc                   1.95.0
ok       rustup                  1.29.0
ok       wasm32-wasip1           installed
warning  wasm32-unknown-unknown  not installed: the first build installs it
                                 fix: rustup target add wasm32-unknown-unknown
ok       project                 [..]/here has none: there is no Cargo.toml
ok       settings                the environment and stateroom.toml are valid
ok       build                   cargo build --lib --target wasm32-wasip1 --profile release
ok       wasm-bindgen            not needed: this crate has no client
ok       durable                 unknown: `stateroom build` has built no module here
ok       port                    0.0.0.0:0 is free
...
ok       cache                   [..]/cache, 0 B

"#]],
        "",
    );
}

#[test]
fn no_rustup_and_an_old_compiler() {
    let machine = Machine::new();
    std::fs::remove_file(machine.0.path().join("bin/rustup")).unwrap();
    machine.rustc("1.80.0", "wasm32-unknown-unknown");
    machine.finds(
        1,
        str![[r#"
ok       cargo                   1.95.0
problem  rustc                   1.80.0 is too old: services require 1.85.0
                                 fix: rustup update
warning  rustup                  not found: missing targets are not installed automatically
                                 fix: curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh
problem  wasm32-wasip1           not installed, and rustup is missing
                                 fix: curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh
ok       wasm32-unknown-unknown  installed
...
"#]],
        "error: 2 checks failed\n",
    );
}

#[test]
fn invalid_settings_and_a_client_with_another_wasm_bindgen() {
    let machine = Machine::new();
    let here = machine.0.path().join("here");
    write(&here.join("stateroom.toml"), "prot = 80\n");
    machine.finds(
        1,
        str![[r#"
...
problem  settings                invalid `stateroom.toml`: TOML parse error at line 1, column 1; unknown key `prot`: did you mean `port`?
                                 fix: stateroom config
...
"#]],
        "error: 1 check failed\n",
    );

    write(&here.join("stateroom.toml"), "[client]\npackage = \"c\"\n");
    write(&here.join("Cargo.toml"), "");
    write(&here.join("Cargo.lock"), "[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.1\"\n");
    let warning = str![[r#"
...
warning  wasm-bindgen            0.2.1, the client's version, is not installed: the first build installs it, which takes a few minutes
                                 fix: cargo install wasm-bindgen-cli --version 0.2.1 --locked
...
"#]];
    machine.finds(0, warning, "");

    machine.program("wasm-bindgen", "echo wasm-bindgen 0.2.1");
    let fine = str![[r#"
...
ok       wasm-bindgen            0.2.1, the client's version, is installed
...
"#]];
    machine.finds(0, fine, "");
}

/// A module whose rooms cannot be kept.
const WITH_TABLE: &str = "(module (table 1 funcref) (func $clear (table.set (i32.const 0) (ref.null func))))";

#[test]
fn a_module_whose_rooms_cannot_be_kept() {
    let machine = Machine::new();
    let here = machine.0.path().join("here");
    write(&here.join("dist/server.wasm"), WITH_TABLE);
    let found = str![[r#"
...
ok       durable                 rooms of dist/server.wasm may be durable: no, `table.set` in func[0] (clear): an image contains no tables or segments
...
"#]];
    machine.finds(0, found, "");

    write(&here.join("stateroom.toml"), "[service]\ndurable = true\n");
    let found = str![[r#"
...
problem  durable                 rooms of dist/server.wasm may be durable: no, `table.set` in func[0] (clear): an image contains no tables or segments
                                 fix: change the code that this is compiled from, or use `stateroom serve --ephemeral`
...
"#]];
    machine.finds(1, found, "error: 1 check failed\n");

    write(&here.join("dist/server.wasm"), "(module)");
    let found = str![[r#"
...
ok       durable                 rooms of dist/server.wasm may be durable: yes
...
"#]];
    machine.finds(0, found, "");
}

/// Returns the status and the text of a check of the directory `rooms`.
fn check_of_data(machine: &Machine, name: &str) -> (String, String) {
    let output = machine.doctor().args(["--data", "rooms", "--json"]).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let checks = report.get("checks").and_then(Value::as_array).unwrap();
    let text = |check: &Value, key: &str| check.get(key).and_then(Value::as_str).unwrap().to_owned();
    let check = checks.iter().find(|check| text(check, "name") == name).unwrap_or_else(|| panic!("no check `{name}`"));
    (text(check, "status"), text(check, "found"))
}

#[test]
fn a_directory_of_durable_rooms_is_checked_and_left_as_it_is() {
    let machine = Machine::new();
    let rooms = machine.0.path().join("here/rooms");
    let found = |name: &str| check_of_data(&machine, name);
    let is = |name: &str, expected: &str, part: &str| {
        let (status, found) = found(name);
        assert!(status == expected && found.contains(part), "{name}: {status}, {found}");
    };
    is("data", "ok", "/here/rooms does not exist: `stateroom serve --data` creates it");
    let (_, sync) = found("data sync");
    assert!(sync.starts_with("median of 20 fdatasyncs: ") && sync.contains(" ms"), "{sync}");
    assert!(found("data space").1.contains(" free"));
    assert!(!cfg!(target_os = "linux") || !found("data filesystem").1.is_empty());
    is("data store", "ok", "none yet");
    assert!(!rooms.exists());

    fs::create_dir(&rooms).unwrap();
    fs::set_permissions(&rooms, Permissions::from_mode(0o750)).unwrap();
    is("data", "warning", "/here/rooms has mode 0750: others than its owner can use it");
    fs::set_permissions(&rooms, Permissions::from_mode(0o700)).unwrap();
    is("data", "ok", "/here/rooms, mode 0700");
    assert_eq!(fs::read_dir(&rooms).unwrap().count(), 0);
    write(&rooms.join("notes.txt"), "");
    is("data", "warning", "/here/rooms contains `notes.txt`, which is not of a store");

    let lock = File::create(rooms.join("LOCK")).unwrap();
    fs::write(rooms.join("LOCK"), "4711\n").unwrap();
    lock.lock().unwrap();
    is("data store", "ok", "a store, which process 4711 has open");
    drop(lock);
    write(&rooms.join("STORE"), "half");
    is("data store", "problem", "STORE: the file is too short");

    fs::remove_dir_all(&rooms).unwrap();
    write(&rooms, "");
    is("data", "problem", "/here/rooms is not a directory");
    assert_eq!(fs::read_to_string(&rooms).unwrap(), "");
}

#[test]
fn json_keys_are_stable() {
    let machine = Machine::new();
    machine.program("cargo", "echo 'error: no toolchain' >&2; exit 1");
    let output = machine.doctor().arg("--json").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["problems"], 1);
    assert!(report["warnings"].is_u64());
    let cargo = &report["checks"][0];
    assert_eq!((&cargo["name"], &cargo["status"]), (&"cargo".into(), &"problem".into()));
    assert_eq!(cargo["found"], "failed to run: error: no toolchain");
    assert_eq!(cargo["fix"], "rustup toolchain install");
}
