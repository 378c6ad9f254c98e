//! Modules that take the compiler much time or memory, and modules that fail in every room.
use std::{fs, net::SocketAddr, path::Path};

use tokio::{io::AsyncWriteExt, net::TcpStream, task::yield_now, time::timeout};

use crate::common::{Serving, TIMEOUT, directory, failure, stateroom};

const ECHO: &str = include_str!("../../../stateroom-wasm-host/tests/guests/echo.wat");

/// Returns a number in LEB128, as modules encode them.
fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let byte = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(byte);
            return bytes;
        }
        bytes.push(byte | 0x80);
    }
}

/// Returns a module with these functions, without parameters.
fn module(functions: usize, body: &[u8]) -> Vec<u8> {
    let section = |id: u8, content: &[u8]| [&[id][..], &leb(content.len()), content].concat();
    let types = section(1, b"\x01\x60\x00\x00");
    let declared = section(3, &[leb(functions), vec![0; functions]].concat());
    let code = [leb(functions), [leb(body.len()), body.to_vec()].concat().repeat(functions)].concat();
    [b"\0asm\x01\0\0\0".to_vec(), types, declared, section(10, &code)].concat()
}

/// Returns a module of many empty functions, which take the compiler much memory.
fn many_functions() -> Vec<u8> {
    module(200_000, b"\0\x0b")
}

/// Returns a module of one function, which takes the compiler minutes: a loop with 2,000 variables that all depend on each other.
fn slow_function() -> Vec<u8> {
    let mut random = 1_usize;
    let mut variable = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        leb((random >> 33) % 2_000)
    };
    let mut body = [&b"\x01"[..], &leb(2_000), b"\x7f\x03\x40"].concat();
    for step in 0..200_000 {
        let (a, b, c) = (variable(), variable(), variable());
        body.extend([&b"\x20"[..], &a, b"\x20", &b, b"\x6a\x21", &c].concat());
        if step % 8 == 0 {
            body.extend([&b"\x20"[..], &a, b"\x04\x40\x20", &b, b"\x21", &c, b"\x0b"].concat());
        }
    }
    body.extend(b"\x41\x00\x0d\x00\x0b\x0b");
    module(1, &body)
}

/// Returns the log of `serve`, which rejects the module.
fn rejected(module: &[u8], limits: &[&str]) -> String {
    let files = directory(&[]);
    fs::write(files.path().join("a.wasm"), module).unwrap();
    let mut command = stateroom();
    command.current_dir(files.path()).args(["serve", "a.wasm", "--no-cache", "--port", "0"]).args(limits);
    failure(&command.output().unwrap())
}

#[test]
fn compiling_is_limited_in_memory() {
    let log = rejected(&many_functions(), &["--compile-memory-bytes", "100MiB"]);
    assert!(log.contains("error: a.wasm: compiling it takes more than 100 MiB of memory"), "{log}");
    assert!(log.contains("`--compile-memory-bytes`"), "{log}");
}

#[test]
fn compiling_is_limited_in_time() {
    let log = rejected(&slow_function(), &["--compile-time", "500ms"]);
    assert!(log.contains("error: a.wasm: compiling it takes more than 0.5 s"), "{log}");
    assert!(log.contains("`--compile-time`"), "{log}");
}

/// Serves a module with an admin API.
async fn serve(module: &Path) -> (Serving, SocketAddr) {
    let mut command = stateroom();
    command.arg("serve").arg(module).args(["--ip", "127.0.0.1", "--port", "0", "--admin", "127.0.0.1:0"]);
    Serving::run_with(command, async |server: &mut Serving| {
        let line = server.line("admin API: http://").await;
        line.split("http://").nth(1).unwrap().split('/').next().unwrap().parse().unwrap()
    })
    .await
}

const RELOAD: &str = "POST /reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn a_good_reload_does_not_wait_for_a_bad_one() {
    let files = directory(&[("a.wat", ECHO)]);
    let module = files.path().join("a.wat");
    let (mut server, admin) = serve(&module).await;
    fs::write(&module, slow_function()).unwrap();
    {
        let bad = server.answer_at(admin, RELOAD);
        let good = async {
            compiler(server.id()).await;
            fs::write(&module, ECHO).unwrap();
            server.answer_at(admin, RELOAD).await
        };
        let (bad, good) = tokio::join!(bad, good);
        assert!(good.starts_with("HTTP/1.1 204"), "{good}");
        assert!(bad.starts_with("HTTP/1.1 422") && bad.contains("a newer load replaced it"), "{bad}");
    }
    server.line("failed to reload, the running service continues").await;

    // Nor does the end of the server, or the compiler outlive it.
    fs::write(&module, slow_function()).unwrap();
    server.signal("HUP");
    let compiler = compiler(server.id()).await;
    server.signal("TERM");
    assert_eq!(server.end().await.code(), Some(0));
    ends(&compiler).await;
}

#[tokio::test]
async fn a_signal_does_not_wait_for_the_compiler() {
    let files = directory(&[]);
    let module = files.path().join("a.wasm");
    fs::write(&module, slow_function()).unwrap();
    let mut command = tokio::process::Command::from(stateroom());
    let mut server = command.arg("serve").arg(&module).args(["--port", "0"]).kill_on_drop(true).spawn().unwrap();
    let id = server.id().unwrap();
    let compiler = compiler(id).await;
    let signaled = std::process::Command::new("kill").args(["-TERM", &id.to_string()]).status().unwrap();
    assert!(signaled.success());
    let status = timeout(TIMEOUT, server.wait()).await.expect("it does not end").unwrap();
    assert_eq!(status.code(), Some(0));
    ends(&compiler).await;
}

/// Waits until the compiler has ended.
async fn ends(compiler: &str) {
    let ends = async {
        while Path::new("/proc").join(compiler).join("exe").exists() {
            yield_now().await;
        }
    };
    timeout(TIMEOUT, ends).await.expect("the compiler outlives the server");
}

/// Waits until the compiler runs, and returns its process.
async fn compiler(server: u32) -> String {
    let compiler = timeout(TIMEOUT, async {
        loop {
            if let Some(compiler) = children(server).pop() {
                return compiler;
            }
            yield_now().await;
        }
    });
    compiler.await.expect("nothing is compiled")
}

/// Returns the child processes of a server.
fn children(server: u32) -> Vec<String> {
    let tasks = format!("/proc/{server}/task");
    let lists = fs::read_dir(tasks).into_iter().flatten().flatten();
    let lists = lists.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[tokio::test]
async fn a_module_that_fails_in_every_room_is_not_swapped_in() {
    // It fails in the event `init`.
    let receive = r#"(func (export "stateroom_recv") (param $event i32) (param $length i32)"#;
    assert!(ECHO.contains(receive), "the guest has changed");
    let failing =
        ECHO.replace(receive, &format!("{receive}\n(if (i32.eqz (i32.load (local.get 0))) (then (unreachable)))"));
    let files = directory(&[("a.wat", ECHO)]);
    let module = files.path().join("a.wat");
    let (server, admin) = serve(&module).await;
    let mut client = server.join("a").await;
    assert_eq!(client.bytes().await, b"+");
    fs::write(&module, &failing).unwrap();
    let answer = server.answer_at(admin, RELOAD).await;
    assert!(
        answer.starts_with("HTTP/1.1 422") && answer.contains("`init` fails in a trial of the room `a`"),
        "{answer}"
    );
    assert!(answer.contains("unreachable"), "{answer}");
    client.send("still here").await;
    assert_eq!(client.text().await, "still here");
    fs::write(&module, ECHO).unwrap();
    let answer = server.answer_at(admin, RELOAD).await;
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
}

#[tokio::test]
async fn a_client_that_does_not_wait_does_not_cancel_its_reload() {
    let files = directory(&[("a.wat", ECHO)]);
    let module = files.path().join("a.wat");
    let (mut server, admin) = serve(&module).await;
    fs::write(&module, slow_function()).unwrap();
    let mut stream = TcpStream::connect(admin).await.unwrap();
    stream.write_all(RELOAD.as_bytes()).await.unwrap();
    compiler(server.id()).await;
    drop(stream);
    // The next reload supersedes the first one, whose end is logged only if it was not canceled.
    fs::write(&module, ECHO).unwrap();
    let answer = server.answer_at(admin, RELOAD).await;
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    server.line("failed to reload, the running service continues").await;
}

/// It fails in `init` if its room has no name.
fn named_room() -> String {
    const INIT: &str = r#"
  (global $named (mut i32) (i32.const 0))
  (data (i32.const 256) "\01\00\00\00\00\00\00\00" "\00\00\00\00" "\00\00\00\00\00\00\00\00")
  (func (export "stateroom_hello") (param $greeting i32) (param i32) (result i64)
    (global.set $named (i32.load (local.get $greeting)))
    (i64.or (i64.shl (i64.const 256) (i64.const 32)) (i64.const 20)))
  (func (export "stateroom_recv") (param $event i32) (param $length i32)
    (if (i32.eqz (global.get $named)) (then unreachable)))
)"#;
    let (before, _) = ECHO.split_once(r#"(func (export "stateroom_recv")"#).expect("the guest has changed");
    format!("{before}{INIT}")
}

#[tokio::test]
async fn a_trial_has_the_name_of_a_room() {
    let files = directory(&[("a.wat", ECHO)]);
    let module = files.path().join("a.wat");
    let (server, admin) = serve(&module).await;
    fs::write(&module, named_room()).unwrap();
    let answer = server.answer_at(admin, RELOAD).await;
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    // As many trials as there are: one waits for the other.
    let _client = server.join("a").await;
    let answers = [(); 4].map(|()| server.answer_at(admin, RELOAD));
    for answer in futures_util::future::join_all(answers).await {
        // Only a later one of them may have replaced it.
        assert!(answer.starts_with("HTTP/1.1 204") || answer.contains("replaced"), "{answer}");
    }
}

#[tokio::test]
async fn a_module_may_be_a_pipe_that_is_written() {
    let files = directory(&[]);
    let pipe = files.path().join("pipe.wat");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let writer = pipe.clone();
    let written = tokio::task::spawn_blocking(move || fs::write(writer, ECHO));
    let server = Serving::start(&pipe, &[]).await;
    written.await.unwrap().unwrap();
    let mut client = server.join("a").await;
    assert_eq!(client.bytes().await, b"+");
    client.send("x").await;
    assert_eq!(client.text().await, "x");
}
