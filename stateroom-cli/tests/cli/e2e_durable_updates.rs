//! Durable rooms over new versions of their module: servers that are killed, started with another module, and reloaded.
use std::{fs, path::Path};

use crate::common::{Serving, built, stateroom};

/// The answer of the module, and that of a new version of it.
const FIRST: &str = "new value: ";
const SECOND: &str = "NEW VALUE: ";

/// Returns the module of the counter with this text in its answers.
fn module(text: &str) -> Vec<u8> {
    let module = fs::read(built("counter-service").join("server.wasm")).unwrap();
    let at = module.windows(FIRST.len()).position(|window| window == FIRST.as_bytes()).unwrap();
    let (before, rest) = module.split_at(at);
    [before, text.as_bytes(), rest.split_at(FIRST.len()).1].concat()
}

async fn serve(module: &Path, data: &Path) -> Serving {
    let mut command = stateroom();
    command.arg("serve").arg(module).args(["--ip", "127.0.0.1", "--port", "0", "--data"]).arg(data);
    Serving::run(command).await
}

async fn expect_next(server: &Serving, room: &str, answer: String) {
    let mut client = server.join(room).await;
    client.send("increment").await;
    assert_eq!(client.text().await, answer, "{room}");
}

#[tokio::test]
async fn rooms_stay_on_their_module_over_kills_restarts_and_reloads() {
    let files = tempfile::tempdir().unwrap();
    let (path, data) = (files.path().join("counter.wasm"), files.path().join("data"));
    fs::write(&path, module(FIRST)).unwrap();
    let server = serve(&path, &data).await;
    expect_next(&server, "a", format!("{FIRST}1")).await;
    server.signal("KILL");
    server.end().await;

    fs::write(&path, module(SECOND)).unwrap();
    let mut server = serve(&path, &data).await;
    expect_next(&server, "a", format!("{FIRST}2")).await;
    let hash = blake3::hash(&module(FIRST));
    server.line(&format!("module={hash}")).await;
    expect_next(&server, "b", format!("{SECOND}1")).await;
    server.signal("KILL");
    server.end().await;

    // The journal has what the old module wrote after the update.
    let mut server = serve(&path, &data).await;
    expect_next(&server, "a", format!("{FIRST}3")).await;
    expect_next(&server, "b", format!("{SECOND}2")).await;

    fs::write(&path, module(FIRST)).unwrap();
    server.signal("HUP");
    server.line("new rooms use it").await;
    expect_next(&server, "a", format!("{FIRST}4")).await;
    expect_next(&server, "b", format!("{SECOND}3")).await;
    expect_next(&server, "c", format!("{FIRST}1")).await;
    server.signal("TERM");
    server.end().await;

    let server = serve(&path, &data).await;
    expect_next(&server, "b", format!("{SECOND}4")).await;
    expect_next(&server, "c", format!("{FIRST}2")).await;
}
