//! `new` and `init`: created crates build, pass their tests and serve.
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use snapbox::str;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    time::timeout,
};

use crate::common::{
    Client, Serving, TIMEOUT, build_in, directory, example, stateroom, stateroom_in, success, target,
    with_locked_versions,
};

/// Creates a crate from a template.
fn make(name: &str, template: &str) -> (tempfile::TempDir, PathBuf) {
    let here = directory(&[]);
    let mut command = stateroom();
    success(&command.current_dir(&here).args(["new", name, "-t", template, "--no-git"]).output().unwrap());
    let made = here.path().join(name);
    with_locked_versions(&made);
    (here, made)
}

/// Returns cargo for a new crate, with the target directory that tests share.
fn cargo(directory: &Path, arguments: &[&str]) -> Command {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| example("target"), PathBuf::from);
    let mut cargo = Command::new("cargo");
    cargo.args(arguments).current_dir(directory).env("CARGO_TARGET_DIR", target);
    cargo
}

/// Runs the tests of a crate, and returns their number.
fn tested(directory: &Path) -> usize {
    let output = cargo(directory, &["test", "--quiet", "--workspace"]).output().unwrap();
    success(&output);
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let passed = stdout.split(" passed").filter_map(|before| before.rsplit(' ').next()?.parse::<usize>().ok());
    passed.sum()
}

async fn dev(directory: &Path) -> Serving {
    let mut command = stateroom();
    command.args(["dev", "0", "-C"]).arg(directory).env("CARGO_TARGET_DIR", target());
    Serving::run(command).await
}

#[tokio::test]
async fn a_counter() {
    let (_here, made) = make("my-counter", "counter");
    assert!(tested(&made) >= 3);
    let server = dev(&made).await;
    assert!(server.get("/").await.contains("<title>Shared counter</title>"));
    assert!(server.get("/assets/room.js").await.starts_with("HTTP/1.1 200"));
    let mut client = server.join("a").await;
    client.send("increment").await;
    assert_eq!(client.text().await, "new value: 1");
}

#[tokio::test]
async fn a_chat() {
    let (_here, made) = make("my-chat", "chat");
    assert!(tested(&made) >= 4);
    let server = dev(&made).await;
    assert!(server.get("/chat.js").await.starts_with("HTTP/1.1 200"));
    assert!(server.join("a").await.text().await.starts_with(r#"{"type":"welcome","you":1"#));
}

#[tokio::test]
async fn a_game() {
    let (_here, made) = make("my-game", "game-loop");
    assert!(tested(&made) >= 4);
    let server = dev(&made).await;
    let mut player = server.join("a").await;
    assert_eq!(player.text().await, r#"{"you":1}"#);
    assert!(player.text().await.starts_with(r#"{"players":[{"id":1,"#));
}

#[tokio::test]
async fn cursors_with_a_client_in_rust() {
    let (_here, made) = make("my-cursors", "cursors");
    assert!(tested(&made) >= 7);
    success(&build_in(&made));
    let server = Serving::start(&made.join("dist"), &[]).await;
    assert!(server.get("/").await.contains("./client/my_cursors_client.js"));
    assert!(server.get("/client/my_cursors_client.js").await.starts_with("HTTP/1.1 200"));
    assert_eq!(server.join("a").await.bytes().await, [1, 1, 0, 0, 0]);
}

#[tokio::test]
async fn a_native_app() {
    let (_here, made) = make("my-app", "native");
    assert_eq!(tested(&made), 1);
    success(&cargo(&made, &["build", "--quiet"]).output().unwrap());
    let mut app = tokio::process::Command::from(cargo(&made, &["run", "--quiet"]));
    app.env("ADDRESS", "127.0.0.1:0").stdout(Stdio::piped()).kill_on_drop(true);
    let mut app = app.spawn().unwrap();
    let mut lines = BufReader::new(app.stdout.take().unwrap()).lines();
    let line = timeout(TIMEOUT, lines.next_line()).await.unwrap().unwrap().unwrap();
    let address = line.strip_prefix("listening on http://").unwrap();
    let mut client = Client::connect(&format!("ws://{address}/ws/a")).await;
    client.send("increment").await;
    assert_eq!(client.text().await, "new value: 1");
}

#[test]
fn creates_a_repository_unless_it_is_in_one() {
    let here = directory(&[]);
    let new = |at: &Path, name: &str| {
        success(&stateroom().current_dir(at).args(["new", name, "-t", "counter"]).output().unwrap())
    };
    let log = new(here.path(), "one");
    assert!(log.contains("created one: a shared counter") && log.contains("cd one\n    stateroom dev"));
    let one = here.path().join("one");
    assert!(one.join(".git").is_dir());
    new(&one, "two");
    assert!(!one.join("two/.git").exists());
}

#[test]
fn existing_files_are_not_overwritten() {
    let here = directory(&[("taken/Cargo.toml", "mine"), ("other/notes", "mine")]);
    let again = |line| stateroom_in(here.path(), line).assert().failure();
    again("new taken -t counter").code(1).stderr_eq(str![[r#"
error: the directory `taken` is not empty
  hint: use `stateroom init -C taken` to create a crate in it

"#]]);
    again("-C taken init -t counter").code(1).stderr_eq(str![[r#"
error: these files exist already:
    ./Cargo.toml
  hint: to make a service of an existing crate, see the README of `stateroom-wasm`

"#]]);
    assert_eq!(fs::read_to_string(here.path().join("taken/Cargo.toml")).unwrap(), "mine");
    assert!(!here.path().join("taken/src").exists(), "all of it or nothing");
    stateroom_in(here.path(), "-C other init -t counter --name mine").assert().success();
    assert!(fs::read_to_string(here.path().join("other/Cargo.toml")).unwrap().contains("name = \"mine\""));
}

#[test]
fn invalid_arguments_are_rejected_with_hints() {
    let here = directory(&[]);
    let wrong = |line| stateroom_in(here.path(), line).assert().code(2);
    wrong("new").stderr_eq(str![[r#"
error: `NAME` is required without a terminal
  hint: for example `stateroom new my-app`; the templates are counter, chat, cursors, game-loop, native

"#]]);
    wrong("new my-app").stderr_eq(str![[r#"
error: `--template <TEMPLATE>` is required without a terminal
  hint: for example `stateroom new my-app -t counter`; the templates are counter, chat, cursors, game-loop, native

"#]]);
    wrong("new 2048 -t counter").stderr_eq(str![[r#"
error: `2048` is not a crate name: it must start with a letter
  hint: choose another name with `--name`, such as `--name room-2048`

"#]]);
    wrong("new my-app -t countr").stderr_eq(str![[r#"
error: invalid value 'countr' for '--template <TEMPLATE>'
  [possible values: counter, chat, cursors, game-loop, native]

  tip: a similar value exists: 'counter'

For more information, try '--help'.

"#]]);
    stateroom_in(here.path(), "new my-app -t counter --stateroom nowhere").assert().code(1).stderr_eq(str![[r#"
error: `nowhere` is neither a checkout of Stateroom nor a Git URL
  caused by: No such file or directory (os error 2)

"#]]);
    assert_eq!(fs::read_dir(here.path()).unwrap().count(), 0);
}
