//! The sandbox of the serving process: what it takes away, and that nothing of what a server does needs it.
use std::{fs, net::SocketAddr, os::unix::fs::symlink, process::Command};

use crate::common::{Serving, directory, failure, stateroom, write};

const ECHO: &str = include_str!("../../../stateroom-wasm-host/tests/guests/echo.wat");

/// Returns whether the kernel has Landlock.
fn has_landlock() -> bool {
    let report = stateroom().args(["doctor", "--json"]).output().unwrap().stdout;
    let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
    let check = report
        .get("checks")
        .unwrap()
        .as_array()
        .unwrap()
        .iter()
        .find(|check| check.get("name").unwrap() == "sandbox")
        .unwrap();
    check.get("status").unwrap() == "ok"
}

async fn start(command: &mut Command) -> (Serving, SocketAddr, String) {
    command.args(["--ip", "127.0.0.1", "--port", "0", "--admin", "127.0.0.1:0"]);
    let command = std::mem::replace(command, Command::new(""));
    let (server, (sandbox, admin)) = Serving::run_with(command, async |server: &mut Serving| {
        let sandbox = server.line("sandboxed: ").await;
        let line = server.line("admin API: http://").await;
        (sandbox, line.split("http://").nth(1).unwrap().split('/').next().unwrap().parse().unwrap())
    })
    .await;
    (server, admin, sandbox)
}

async fn reload(server: &Serving, admin: SocketAddr) -> String {
    let request = "POST /reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    server.answer_at(admin, request).await
}

#[tokio::test]
async fn a_server_sees_only_the_files_that_it_serves() {
    if !has_landlock() {
        return;
    }
    let (files, outside) = (directory(&[("service/a.wat", ECHO)]), directory(&[("a.wat", ECHO)]));
    let module = files.path().join("service/a.wat");
    for (flags, expected) in [(&["--no-cache"][..], "422"), (&["--no-cache", "--no-sandbox"], "204")] {
        let mut command = stateroom();
        command.arg("serve").arg(&module).args(flags);
        let (server, admin) = if expected == "422" {
            let (server, admin, line) = start(&mut command).await;
            assert!(
                line.contains("reads only the directories of what it serves, runs no programs, opens no outgoing TCP"),
                "{line}"
            );
            (server, admin)
        } else {
            command.args(["--ip", "127.0.0.1", "--port", "0", "--admin", "127.0.0.1:0"]);
            Serving::run_with(command, async |server: &mut Serving| {
                let line = server.line("admin API: http://").await;
                line.split("http://").nth(1).unwrap().split('/').next().unwrap().parse().unwrap()
            })
            .await
        };
        // Compiles in a process of its own.
        let answer = reload(&server, admin).await;
        assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
        fs::remove_file(&module).unwrap();
        symlink(outside.path().join("a.wat"), &module).unwrap();
        let answer = reload(&server, admin).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected}")), "{answer}");
        assert!(expected == "204" || answer.contains("--no-sandbox"), "{answer}");
        fs::remove_file(&module).unwrap();
        write(&module, ECHO);
        // The threads that serve, not only the first one, have given up their rights.
        let is_restricted = |status: &str| status.lines().any(|line| line == "NoNewPrivs:\t1");
        let tasks = fs::read_dir(format!("/proc/{}/task", server.id())).unwrap();
        for task in tasks.flatten() {
            let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
            assert!(status.is_empty() || is_restricted(&status) == (expected == "422"), "{status}");
        }
    }
}

#[tokio::test]
async fn everything_that_is_served_can_be_replaced() {
    let issue = || rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let made = issue();
    let files = directory(&[
        ("releases/1/dist/server.wasm", ""),
        ("releases/1/dist/static/index.html", "page 1"),
        ("releases/2/dist/server.wasm", ""),
        ("releases/2/dist/static/index.html", "page 2"),
        ("keys/secret", "0123456789abcdef0123456789abcdef"),
        ("tls/cert.pem", &made.cert.pem()),
        ("tls/key.pem", &made.signing_key.serialize_pem()),
    ]);
    let path = |name: &str| files.path().join(name);
    for release in ["1", "2"] {
        // With a section of its own, so that they differ.
        let mut wasm = wat::parse_str(ECHO).unwrap();
        wasm.extend([0, 3, 1, b'x', release.as_bytes()[0]]);
        fs::write(path(&format!("releases/{release}/dist/server.wasm")), wasm).unwrap();
    }
    symlink("releases/1", path("current")).unwrap();
    let mut command = stateroom();
    command.arg("serve").arg(path("current/dist")).arg("--jwt-secret-file").arg(path("keys/secret"));
    command.arg("--tls-cert").arg(path("tls/cert.pem")).arg("--tls-key").arg(path("tls/key.pem"));
    let (server, admin, _) = start(&mut command).await;

    // A link to the current release, a directory that is renamed, and files.
    symlink("releases/2", path("next")).unwrap();
    fs::rename(path("next"), path("current")).unwrap();
    write(&path("new-keys/secret"), "fedcba9876543210fedcba9876543210");
    fs::rename(path("keys"), path("old-keys")).unwrap();
    fs::rename(path("new-keys"), path("keys")).unwrap();
    let renewed = issue();
    write(&path("tls/new.pem"), &renewed.cert.pem());
    fs::rename(path("tls/new.pem"), path("tls/cert.pem")).unwrap();
    write(&path("tls/key.pem"), &renewed.signing_key.serialize_pem());
    let answer = reload(&server, admin).await;
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");

    // A whole release in place, as `stateroom build` replaces `dist`.
    fs::rename(path("releases/2/dist"), path("releases/2/old")).unwrap();
    write(&path("releases/2/dist/static/index.html"), "page 3");
    fs::copy(path("releases/1/dist/server.wasm"), path("releases/2/dist/server.wasm")).unwrap();
    let answer = reload(&server, admin).await;
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    let metrics = server.get_at(admin, "/metrics").await;
    assert!(metrics.contains("\nstateroom_rooms 0\n"), "{metrics}");
    server.signal("TERM");
    assert_eq!(server.end().await.code(), Some(0));
}

#[test]
fn the_module_may_come_from_a_pipe_of_the_shell() {
    let files = directory(&[("a.wat", ECHO), ("secret", "0123456789abcdef0123456789abcdef")]);
    // The server ends with `head`, which has seen that it listens.
    let script = "exec 3< <(\"$STATEROOM\" serve <(cat a.wat) --jwt-secret-file <(cat secret) --ip 127.0.0.1 --port 0 2>&1); \
                  server=$!; grep -m1 listening <&3; kill $server";
    let mut command = Command::new("bash");
    command.args(["-c", script]).current_dir(files.path()).env("STATEROOM", env!("CARGO_BIN_EXE_stateroom"));
    let output = command.output().unwrap();
    let listening = String::from_utf8_lossy(&output.stdout);
    assert!(listening.contains("listening on http"), "{listening} {}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn the_module_of_a_directory_may_be_a_link_to_elsewhere() {
    if !has_landlock() {
        return;
    }
    let files = directory(&[("modules/1.wasm", ""), ("app/dist/static/index.html", "page")]);
    let path = |name: &str| files.path().join(name);
    fs::write(path("modules/1.wasm"), wat::parse_str(ECHO).unwrap()).unwrap();
    symlink("../../modules/1.wasm", path("app/dist/server.wasm")).unwrap();
    let mut command = stateroom();
    command.arg("serve").arg(path("app/dist"));
    let (server, admin, _) = start(&mut command).await;
    fs::copy(path("modules/1.wasm"), path("modules/2.wasm")).unwrap();
    symlink("../../modules/2.wasm", path("app/dist/next")).unwrap();
    fs::rename(path("app/dist/next"), path("app/dist/server.wasm")).unwrap();
    let answer = reload(&server, admin).await;
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
}

#[test]
fn a_home_directory_that_can_be_read_is_warned_of() {
    if !has_landlock() {
        return;
    }
    let files = directory(&[("a.wat", ECHO), ("app/a.wat", ECHO)]);
    for (module, is_warned) in [("a.wat", true), ("app/a.wat", false)] {
        let mut command = stateroom();
        // An address of documentation, which no machine has: the server ends after it has loaded the module.
        command.args(["serve", module, "--ip", "192.0.2.1"]).current_dir(files.path()).env("HOME", files.path());
        let log = failure(&command.output().unwrap());
        let warning = format!("could read all of `{}`", fs::canonicalize(files.path()).unwrap().display());
        assert_eq!(log.contains(&warning), is_warned, "{log}");
    }
}

#[tokio::test]
async fn links_and_directories_around_a_file_can_be_replaced() {
    if !has_landlock() {
        return;
    }
    let files = directory(&[("v1/a.wat", ECHO), ("v2/a.wat", ECHO), ("app/dist/a.wat", ECHO), ("app/new/a.wat", ECHO)]);
    let path = |name: &str| files.path().join(name);
    symlink("v1", path("current")).unwrap();
    fs::create_dir(path("links")).unwrap();
    symlink("../current/a.wat", path("links/a.wat")).unwrap();
    for module in ["links/a.wat", "app/dist/a.wat"] {
        let mut command = stateroom();
        command.arg("serve").arg(path(module));
        let (server, admin, _) = start(&mut command).await;
        if module == "links/a.wat" {
            symlink("v2", path("next")).unwrap();
            fs::rename(path("next"), path("current")).unwrap();
        } else {
            fs::rename(path("app/dist"), path("app/old")).unwrap();
            fs::rename(path("app/new"), path("app/dist")).unwrap();
        }
        let answer = reload(&server, admin).await;
        assert!(answer.starts_with("HTTP/1.1 204"), "{module}: {answer}");
    }
}
