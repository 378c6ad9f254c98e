//! A log that nobody reads: the server, its rooms and its end do not wait for it.
use std::net::SocketAddr;

use tokio::time::timeout;

use crate::common::{Serving, TIMEOUT, directory, stateroom};

/// A service that writes 60 lines of 1,000 bytes for each message, and echoes it.
const PRINTER: &str = r#"(module
  (import "env" "stateroom_send" (func $send (param i32 i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (global (export "STATEROOM_API_VERSION") i32 (i32.const 8))
  (global (export "STATEROOM_API_PROTOCOL") i32 (i32.const 12))
  (data (i32.const 8) "\01\00\00\00" "\00\00\00\00")
  (data (i32.const 32) "\00\80\00\00" "\e8\03\00\00")
  (func (export "stateroom_malloc") (param i32) (result i32) (i32.const 1024))
  (func (export "stateroom_free") (param i32 i32))
  (func (export "stateroom_recv") (param $event i32) (param $length i32) (local $lines i32)
    (if (i32.eq (i32.load (local.get $event)) (i32.const 3))
      (then
        (memory.fill (i32.const 0x8000) (i32.const 0x78) (i32.const 999))
        (i32.store8 (i32.const 0x83e7) (i32.const 0x0a))
        (local.set $lines (i32.const 60))
        (loop $again
          (drop (call $write (i32.const 2) (i32.const 32) (i32.const 1) (i32.const 48)))
          (br_if $again (local.tee $lines (i32.sub (local.get $lines) (i32.const 1)))))
        (i32.store (i32.sub (local.get $event) (i32.const 4)) (i32.const 0))
        (i32.store (local.get $event) (i32.const 1))
        (call $send (i32.sub (local.get $event) (i32.const 4)) (i32.add (local.get $length) (i32.const 4)))))))"#;

async fn start(format: &str) -> (Serving, SocketAddr) {
    let files = directory(&[("printer.wat", PRINTER)]);
    let mut command = stateroom();
    command.args(["serve"]).arg(files.path().join("printer.wat")).args(["--ip", "127.0.0.1", "--port", "0"]);
    command.args(["--log-format", format, "--admin", "127.0.0.1:0"]);
    // Each request logs many lines.
    command.env("RUST_LOG", "trace");
    let admin = async |server: &mut Serving| {
        let line = server.line("admin API: http://").await;
        line.split("http://").nth(1).unwrap().split('/').next().unwrap().parse().unwrap()
    };
    Serving::run_with(command, admin).await
}

/// Lets guests print, and the server log, until lines are dropped, and checks that everything else works.
async fn fill_log(server: &Serving, admin: SocketAddr) {
    for room in ["a", "b", "c", "d"] {
        let mut client = server.join(room).await;
        client.send("x").await;
        assert_eq!(client.text().await, "x");
    }
    let dropped = timeout(TIMEOUT, async {
        loop {
            assert!(server.get("/status").await.starts_with("HTTP/1.1 200"));
            assert!(server.get_at(admin, "/healthz").await.starts_with("HTTP/1.1 200"));
            let metrics = server.get_at(admin, "/metrics").await;
            let metric = "stateroom_log_lines_dropped_total ";
            let dropped = metrics.lines().find_map(|line| line.strip_prefix(metric)).expect(metric);
            if dropped != "0" {
                return;
            }
        }
    });
    dropped.await.expect("no line is dropped");
}

#[tokio::test]
async fn a_log_that_nobody_reads_stops_nothing() {
    for format in ["text", "json"] {
        let (server, admin) = start(format).await;
        let _unread = server.stop_reading().await;
        fill_log(&server, admin).await;
        server.signal("TERM");
        assert_eq!(server.end().await.code(), Some(0));
    }
}

#[tokio::test]
async fn a_second_signal_ends_a_server_whose_log_nobody_reads() {
    let (server, admin) = start("text").await;
    let _unread = server.stop_reading().await;
    fill_log(&server, admin).await;
    let mut client = server.join("e").await;
    client.send("x").await;
    server.signal("TERM");
    server.signal("TERM");
    // Unless it had ended by itself.
    assert!([Some(0), Some(143)].contains(&server.end().await.code()));
}

#[tokio::test]
async fn lines_that_were_dropped_are_counted_once_the_log_is_read_again() {
    let (mut server, admin) = start("text").await;
    let unread = server.stop_reading().await;
    fill_log(&server, admin).await;
    drop(unread);
    let line = server.line("log lines: stderr is not read fast enough").await;
    assert!(line.contains("WARN") && line.contains("dropped "), "{line}");
}
