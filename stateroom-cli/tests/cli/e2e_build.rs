//! `stateroom build`: package selection, errors and the directory `dist`.
use std::{fs, path::Path};

use crate::common::{Serving, build_in, directory, failure, stateroom, success, target, write, write_service};
#[cfg(unix)]
use crate::common::{path_with, write_program};

#[cfg(unix)]
const ECHO: &str = include_str!("../../../stateroom-wasm-host/tests/guests/echo.wat");
const CDYLIB: &str =
    "[package]\nname = 'plain'\nversion = '0.1.0'\nedition = '2024'\n\n[lib]\ncrate-type = ['cdylib']\n";

/// Creates a workspace with a service and a library that is also a `cdylib`.
fn workspace() -> tempfile::TempDir {
    let directory = directory(&[
        ("Cargo.toml", "[workspace]\nresolver = '3'\nmembers = ['service', 'helper']\n"),
        (
            "helper/Cargo.toml",
            "[package]\nname = 'helper'\nversion = '0.1.0'\nedition = '2024'\n\n[lib]\ncrate-type = ['cdylib', 'rlib']\n",
        ),
        ("helper/src/lib.rs", "/// Helps.\npub fn help() -> &'static str { \"helped\" }\n"),
    ]);
    let on_message = "let _ = message; context.send_message(client, helper::help());";
    write_service(&directory.path().join("service"), "service", "helper.path = '../helper'", on_message);
    directory
}

#[tokio::test]
async fn the_service_of_a_workspace_is_built_rather_than_its_dependency() {
    let workspace = workspace();
    let log = failure(&build_in(workspace.path()));
    assert!(log.contains("`helper`") && log.contains("`service`") && log.contains("[service]"), "{log}");
    assert!(log.contains("\n    -C helper\n") && log.contains("\n    -C service\n"), "{log}");

    write(&workspace.path().join("stateroom.toml"), "room_strategy = 'implicit'\n[service]\npackage = 'service'\n");
    success(&build_in(workspace.path()));
    assert_answers(&workspace.path().join("dist"), "helped").await;

    // In the directory of a member, that member is meant.
    success(&build_in(&workspace.path().join("service")));
    assert_answers(&workspace.path().join("service/dist"), "helped").await;
}

async fn assert_answers(dist: &Path, answer: &str) {
    let server = Serving::start(dist, &[]).await;
    let mut client = server.join("a").await;
    client.send("x").await;
    assert_eq!(client.text().await, answer);
}

#[test]
fn the_error_of_an_unknown_package_lists_all_packages() {
    let workspace = workspace();
    write(&workspace.path().join("stateroom.toml"), "[service]\npackage = 'servize'\n");
    let log = failure(&build_in(workspace.path()));
    assert!(log.contains("no package `servize`") && log.contains("`service`, `helper`"), "{log}");
}

#[test]
fn the_package_of_the_client_is_checked_before_the_service_is_built() {
    let files = directory(&[
        ("Cargo.toml", "[workspace]\nresolver = '3'\nmembers = ['*']\n"),
        ("service/Cargo.toml", &CDYLIB.replace("plain", "unbuilt")),
        ("service/src/lib.rs", "fn broken( {}"),
        ("page/Cargo.toml", "[package]\nname = 'page'\nedition = '2024'\n"),
        ("page/src/lib.rs", ""),
    ]);
    for (client, problem) in [("paje", "no package `paje`"), ("page", "`page` is not a `cdylib`")] {
        write(&files.path().join("stateroom.toml"), &format!("[client]\npackage = '{client}'\n"));
        let log = failure(&build_in(files.path()));
        assert!(log.contains(problem) && !log.contains("building `"), "{log}");
    }
}

#[test]
fn the_error_of_a_crate_without_cdylib_shows_the_missing_lines() {
    let files = directory(&[("Cargo.toml", "[package]\nname = 'plain'\nedition = '2024'\n"), ("src/lib.rs", "")]);
    let log = failure(&build_in(files.path()));
    assert!(log.contains("`plain` is not a `cdylib`") && log.contains("crate-type = [\"cdylib\", \"rlib\"]"), "{log}");
    assert!(log.contains(&files.path().join("Cargo.toml").display().to_string()), "{log}");
}

#[test]
fn the_error_of_a_module_without_the_attribute_names_it() {
    // With a name of its own: cargo may reuse the artifacts of another crate named `plain`.
    let files = directory(&[("Cargo.toml", &CDYLIB.replace("plain", "bare")), ("src/lib.rs", "")]);
    let log = failure(&build_in(files.path()));
    assert!(log.contains("bare.wasm") && log.contains("`#[stateroom_wasm]`"), "{log}");
    assert!(!files.path().join("dist").exists());
}

#[test]
fn the_output_of_cargo_is_shown() {
    let files = directory(&[("Cargo.toml", CDYLIB), ("src/lib.rs", "fn broken( {}")]);
    let log = failure(&build_in(files.path()));
    assert!(log.contains("src/lib.rs:1:") && log.contains("error: failed to build `plain` for wasm32-wasip1"), "{log}");
}

#[test]
fn the_quiet_flag_is_passed_to_cargo() {
    let files = directory(&[("Cargo.toml", CDYLIB), ("src/lib.rs", "fn broken( {}")]);
    for (flags, told) in [(&[][..], true), (&["-q"], false)] {
        let mut command = stateroom();
        command.args(["build", "-C"]).arg(files.path()).args(flags).env("CARGO_TARGET_DIR", target());
        let log = failure(&command.output().unwrap());
        assert!(log.contains("src/lib.rs:1:") && log.contains("Compiling plain") == told, "{log}");
    }
}

#[test]
fn a_workspace_without_a_cdylib_has_no_service() {
    let files = directory(&[
        ("Cargo.toml", "[workspace]\nresolver = '3'\nmembers = ['one']\n"),
        ("one/Cargo.toml", "[package]\nname = 'one'\nedition = '2024'\n"),
        ("one/src/lib.rs", ""),
    ]);
    let log = failure(&build_in(files.path()));
    assert!(log.contains("has no service") && log.contains("`-C DIR`") && log.contains("crate-type"), "{log}");
}

#[test]
fn dist_is_replaced_unless_it_has_other_files() {
    let files = directory(&[
        ("stateroom.toml", "static_files = 'static'\nroom_strategy = 'uuid'\n[limits]\nmessage_bytes = '1KiB'\n"),
        ("static/page/index.html", "<html>"),
        ("dist/server.wasm", "an old one"),
        ("dist/static/old.html", "an old one"),
    ]);
    let here = files.path();
    write_service(here, "dist-of-its-own", "", "context.send_message(client, message);");
    success(&build_in(here));
    assert_eq!(fs::read_to_string(here.join("dist/static/page/index.html")).unwrap(), "<html>");
    assert!(!here.join("dist/static/old.html").exists());
    let settings = fs::read_to_string(here.join("dist/stateroom.toml")).unwrap();
    for line in ["room_strategy = \"uuid\"", "shutdown_policy = \"300sec\"", "[limits]", "message_bytes = \"1KiB\""] {
        assert!(settings.lines().any(|found| found == line), "{settings}");
    }
    let left: Vec<_> = fs::read_dir(here).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with(".dist")), "{left:?}");

    write(&here.join("dist/thesis.txt"), "of years");
    let log = failure(&build_in(here));
    assert!(log.contains("`dist` contains `thesis.txt`") && !log.contains("building `"), "before the build: {log}");
    assert_eq!(fs::read_to_string(here.join("dist/thesis.txt")).unwrap(), "of years");
}

/// Creates scripts in place of the programs of the toolchain.
#[cfg(unix)]
#[test]
fn a_missing_target_is_installed_by_rustup() {
    let files = directory(&[("Cargo.toml", CDYLIB), ("src/lib.rs", "")]);
    let bin = files.path().join("bin");
    write_program(&bin.join("rustup"), "echo rustup was asked: \"$@\" >&2\nexit 1");
    write_program(
        &bin.join("rustc-without"),
        "case \"$*\" in *target-libdir*) echo /nowhere;; *) exec rustc \"$@\";; esac",
    );
    let mut command = stateroom();
    command
        .args(["build", "-C"])
        .arg(files.path())
        .env("PATH", path_with(&bin))
        .env("RUSTC", bin.join("rustc-without"));
    let log = failure(&command.output().unwrap());
    assert!(log.contains("rustup was asked: target add wasm32-wasip1"), "{log}");
    assert!(log.contains("installing the target wasm32-wasip1: `rustup target add wasm32-wasip1`"), "{log}");
    assert!(log.contains("hint: run `rustup target add wasm32-wasip1` with a network connection"), "{log}");

    // Without rustup, with cargo and the compiler of another source.
    let cargo =
        String::from_utf8(std::process::Command::new("rustup").args(["which", "cargo"]).output().unwrap().stdout)
            .unwrap();
    let rustc = cargo.trim().replace("/bin/cargo", "/bin/rustc");
    write_program(
        &bin.join("rustc-without"),
        &format!("case \"$*\" in *target-libdir*) echo /nowhere;; *) exec {rustc} \"$@\";; esac"),
    );
    fs::remove_file(bin.join("rustup")).unwrap();
    write_program(&bin.join("cargo"), &format!("exec {} \"$@\"", cargo.trim()));
    command.env("PATH", &bin);
    let log = failure(&command.output().unwrap());
    assert!(log.contains("the target wasm32-wasip1 is not installed, and neither is rustup"), "{log}");
}

/// With a compiler whose modules have one instruction more.
#[cfg(unix)]
#[test]
fn a_durable_service_whose_rooms_cannot_be_kept_is_warned_about() {
    let files = directory(&[("Cargo.toml", CDYLIB), ("src/lib.rs", ""), ("stateroom.toml", "")]);
    let function = "(table 1 funcref) (func $clear (table.set (i32.const 0) (ref.null func))) (func $set_timer";
    let module = files.path().join("bin/module.wat");
    write(&module, &ECHO.replacen("(func $set_timer", function, 1));
    let output = files.path().join("target");
    fs::create_dir(&output).unwrap();
    let rustc = files.path().join("bin/rustc");
    let replace = format!("find '{}' -name plain.wasm -exec cp '{}' {{}} ';'", output.display(), module.display());
    write_program(&rustc, &format!("\"$@\" && {replace}"));
    let build = || {
        let mut command = stateroom();
        command.args(["build", "-q", "-C"]).arg(files.path()).env("CARGO_TARGET_DIR", &output);
        success(&command.env("RUSTC_WRAPPER", &rustc).output().unwrap())
    };
    assert_eq!(build(), "");
    write(&files.path().join("stateroom.toml"), "[service]\ndurable = true\n");
    let log = build();
    assert!(log.contains("cannot be kept: `table.set` in func[") && log.contains("(clear)"), "{log}");
    assert!(files.path().join("dist/server.wasm").exists());
}
