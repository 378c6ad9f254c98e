//! The files that `stateroom dev` watches, and those that a build writes itself.
use std::{fs, path::Path, process::Command};

use crate::common::{Serving, directory, stateroom, target, with_locked_versions, write, write_service};

fn dev(directory: &Path) -> Command {
    let mut command = stateroom();
    command.args(["dev", "0", "-C"]).arg(directory).env("CARGO_TARGET_DIR", target());
    command
}

/// A service that answers with the text of an expression.
fn write_answer(directory: &Path, expression: &str) {
    let lib = directory.join("src/lib.rs");
    let source = fs::read_to_string(&lib).unwrap();
    let (before, rest) = source.split_once("context.send_message(client, ").unwrap();
    let (_, after) = rest.split_once(");").unwrap();
    fs::write(lib, format!("{before}context.send_message(client, {expression});{after}")).unwrap();
}

fn service(name: &str) -> tempfile::TempDir {
    let here = directory(&[("static/index.html", "<p>"), ("stateroom.toml", "static_files = 'static'")]);
    write_service(here.path(), name, "", "let _ = message; context.send_message(client, \"1\");");
    with_locked_versions(here.path());
    here
}

async fn answer(server: &Serving) -> String {
    let mut client = server.join("a").await;
    client.send("x").await;
    client.text().await
}

/// Saves a static file, and waits until pages reload: all changes before have been seen then.
async fn settle(server: &mut Serving, directory: &Path, text: &str) {
    fs::write(directory.join("static/index.html"), text).unwrap();
    server.line("static/index.html").await;
}

#[tokio::test]
async fn a_build_script_that_writes_into_the_sources_does_not_build_for_ever() {
    let here = service("dev-generates");
    let root = here.path();
    let script = "\
use std::{fs, io::Write, time::SystemTime};

fn main() {
    let builds = fs::File::options().append(true).create(true).open(\"target/builds\");
    builds.unwrap().write_all(b\"x\").unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
    fs::write(\"src/generated.rs\", format!(\"pub const AT: &str = \\\"{now}\\\";\\n\")).unwrap();
    fs::write(\"static/stamp.txt\", now.to_string()).unwrap();
}
";
    write(&root.join("build.rs"), script);
    write(&root.join(".gitignore"), "/target\n");
    fs::create_dir(root.join("target")).unwrap();
    let lib = root.join("src/lib.rs");
    fs::write(&lib, format!("mod generated;\n{}", fs::read_to_string(&lib).unwrap())).unwrap();
    write_answer(root, "generated::AT");
    let builds = || fs::read_to_string(root.join("target/builds")).unwrap().len();

    let mut server = Serving::run(dev(root)).await;
    server.line("src/generated.rs is written by the build itself").await;
    settle(&mut server, root, "<p>1").await;
    assert_eq!(builds(), 2);
    for save in 1..=2 {
        write_answer(root, &format!("format!(\"{save} {{}}\", generated::AT)"));
        server.line("rebuilt in ").await;
        settle(&mut server, root, &format!("<p>save {save}")).await;
        assert_eq!(builds(), 2 + save);
        assert!(answer(&server).await.starts_with(&format!("{save} ")));
    }
    // Times do not count.
    fs::File::options().write(true).open(&lib).unwrap().set_modified(std::time::SystemTime::now()).unwrap();
    settle(&mut server, root, "<p>touched").await;
    assert_eq!(builds(), 4);
}

#[tokio::test]
async fn what_cargo_depends_on_is_watched() {
    let home = directory(&[(".gitignore", "*"), ("text.txt", "text 1"), ("data/a.txt", "data 1")]);
    let root = home.path().join("service");
    fs::create_dir(home.path().join(".git")).unwrap();
    write_service(&root, "dev-depends", "", "let _ = message; context.send_message(client, \"1\");");
    with_locked_versions(&root);
    write(
        &root.join("build.rs"),
        "fn main() { println!(\"cargo::rerun-if-changed=../data\"); println!(\"cargo::rustc-env=DATA={}\", std::fs::read_to_string(\"../data/a.txt\").unwrap()); }",
    );
    write_answer(&root, "concat!(include_str!(\"../../text.txt\"), env!(\"DATA\"))");
    let mut server = Serving::run(dev(&root)).await;
    assert_eq!(answer(&server).await, "text 1data 1");
    for (file, text, expected) in [("text.txt", "text 2", "text 2data 1"), ("data/a.txt", "data 2", "text 2data 2")] {
        fs::write(home.path().join(file), text).unwrap();
        server.line("rebuilt in ").await;
        assert_eq!(answer(&server).await, expected);
    }
    // As git ignores all of the home directory, and the service has no repository of its own.
    write_answer(&root, "\"3\"");
    server.line("src/lib.rs changed").await;
    assert_eq!(answer(&server).await, "3");
    // Configuration above the workspace was not there before, that of the workspace is.
    write(&root.join(".cargo/config.toml"), "[profile.release]\nopt-level = 0\n");
    server.line(".cargo/config.toml changed").await;
}

#[tokio::test]
async fn the_repair_of_what_made_a_build_fail_is_noticed() {
    for verbose in [false, true] {
        let home = directory(&[("outer/x.rs", "pub const TEXT: u8 = \"1\";\n")]);
        let root = home.path().join("service");
        write_service(&root, "dev-repaired", "", "let _ = message; context.send_message(client, \"1\");");
        with_locked_versions(&root);
        let lib = root.join("src/lib.rs");
        let source = fs::read_to_string(&lib).unwrap();
        write(&lib, &format!("#[path = \"../../outer/x.rs\"]\nmod x;\n{source}"));
        write_answer(&root, "x::TEXT");
        let mut command = dev(&root);
        command.args(verbose.then_some("-v"));
        let (mut server, ()) = Serving::run_with(command, async |server| {
            server.line("waiting for changes").await;
            // Only the file outside, which the compiler names.
            write(&home.path().join("outer/x.rs"), "pub const TEXT: &str = include_str!(\"../outer2/later.txt\");\n");
            server.line("x.rs changed").await;
            server.line("later.txt`").await;
            server.line("waiting for changes").await;
            // Saved half-written.
            let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
            write(&root.join("Cargo.toml"), &format!("{manifest}\nx ="));
            server.line("cargo failed to read the crate").await;
            server.line("waiting for changes").await;
            write(&root.join("Cargo.toml"), &manifest);
            server.line("later.txt`").await;
            server.line("waiting for changes").await;
            write(&home.path().join("outer2/later.txt"), "1");
            server.line("later.txt changed").await;
        })
        .await;
        assert_eq!(answer(&server).await, "1");
        // The compiler rejects the service, as it lacks what the file outside is going to have.
        write(&home.path().join("outer/y.rs"), "\n");
        write(&lib, &format!("#[path = \"../../outer/y.rs\"]\nmod y;\n{source}"));
        write_answer(&root, "y::TEXT");
        server.line("the running service continues").await;
        write(&home.path().join("outer/y.rs"), "pub const TEXT: &str = \"2\";\n");
        server.line("y.rs changed").await;
        assert_eq!(answer(&server).await, "2");
        // A dependency that does not exist yet.
        let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
        write(&root.join("Cargo.toml"), &format!("{manifest}\nlater.path = '../later'\n"));
        server.line("the running service continues").await;
        write_answer(&root, "later::TEXT");
        server.line("the running service continues").await;
        write(&home.path().join("later/src/lib.rs"), "pub const TEXT: &str = \"3\";\n");
        write(
            &home.path().join("later/Cargo.toml"),
            "[package]\nname = 'later'\nversion = '0.1.0'\nedition = '2024'\n",
        );
        server.line("rebuilt in ").await;
        assert_eq!(answer(&server).await, "3");
        // A build script that fails.
        let reads = "println!(\"cargo::rerun-if-changed=../data/a.txt\"); std::fs::read(\"../data/a.txt\").unwrap();";
        write(&root.join("build.rs"), &format!("fn main() {{ {reads} }}\n"));
        server.line("the running service continues").await;
        write(&home.path().join("data/a.txt"), "x");
        server.line("data/a.txt changed").await;
    }
}

#[tokio::test]
async fn a_page_that_is_built_later_is_served() {
    let here = service("dev-page-later");
    let root = here.path();
    fs::remove_dir_all(root.join("static")).unwrap();
    write(&root.join("stateroom.toml"), "static_files = 'page/dist'");
    write(&root.join(".gitignore"), "dist\n/target\n");
    let (mut server, ()) = Serving::run_with(dev(root), async |server| {
        server.line("`static_files` in stateroom.toml is not a directory: `page/dist`").await;
        server.line("hint: create it, or build the page first").await;
    })
    .await;
    write(&root.join("page/dist/index.html"), "<p>built");
    server.line("page/dist/index.html changed").await;
    assert!(server.get("/").await.contains("<p>built"));
    write(&root.join("page/dist/app.js"), "1");
    server.line("page/dist/app.js changed").await;
    // As Vite does for each build. What the system told of the removal is no concern of the user's.
    fs::remove_dir_all(root.join("page/dist")).unwrap();
    let removed = server.line("page/dist/").await;
    assert!(removed.contains("changed: reloading pages"), "{removed}");
    write(&root.join("page/dist/index.html"), "<p>again");
    server.line("page/dist/index.html changed").await;
    write(&root.join("page/dist/index.html"), "<p>and again");
    server.line("page/dist/index.html changed").await;
}

#[cfg(unix)]
#[tokio::test]
async fn saves_behind_links_are_noticed_before_the_first_build_succeeds() {
    let (here, elsewhere) = (service("dev-linked"), directory(&[("shared/mod.rs", "nonsense")]));
    let root = here.path();
    std::os::unix::fs::symlink(elsewhere.path().join("shared"), root.join("src/shared")).unwrap();
    let lib = root.join("src/lib.rs");
    fs::write(&lib, format!("mod shared;\n{}", fs::read_to_string(&lib).unwrap())).unwrap();
    write_answer(root, "shared::TEXT");
    let shared = elsewhere.path().join("shared/mod.rs");
    let (mut server, ()) = Serving::run_with(dev(root), async |server| {
        server.line("waiting for changes").await;
        write(&shared, "pub const TEXT: &str = \"1\";");
        server.line("src/shared/mod.rs changed").await;
    })
    .await;
    assert_eq!(answer(&server).await, "1");
    write(&shared, "pub const TEXT: &str = \"2\";");
    server.line("src/shared/mod.rs changed").await;
    assert_eq!(answer(&server).await, "2");
    // A checkout may replace all of the directory.
    fs::remove_dir_all(elsewhere.path().join("shared")).unwrap();
    server.line("the running service continues").await;
    write(&shared, "pub const TEXT: &str = \"3\";");
    server.line("src/shared/mod.rs changed").await;
    assert_eq!(answer(&server).await, "3");
}

#[tokio::test]
async fn files_are_looked_at_if_the_system_does_not_tell() {
    let here = service("dev-polls");
    let mut command = dev(here.path());
    command.env("STATEROOM_POLL", "true");
    let (mut server, ()) =
        Serving::run_with(command, async |server| drop(server.line("looking for changes every second").await)).await;
    settle(&mut server, here.path(), "<p>longer").await;
    write_answer(here.path(), "\"2\"");
    server.line("src/lib.rs changed").await;
    assert_eq!(answer(&server).await, "2");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn without_inotify_files_are_looked_at_with_a_hint() {
    for (limit, told, hint) in [
        ("max_inotify_instances", "Too many open files", "fs.inotify.max_user_instances=1024"),
        ("max_inotify_watches", " directories, such as `", "fs.inotify.max_user_watches=524288"),
    ] {
        let here = service("dev-unwatched");
        let number = u8::from(limit == "max_inotify_watches");
        let script = format!("echo {number} > /proc/sys/user/{limit} && exec \"$@\"");
        // Limits of a namespace of its own. Not every machine lets users create one.
        let limited = ["-Ur", "sh", "-c", &script, "sh"];
        if !Command::new("unshare").args(limited).arg("true").status().is_ok_and(|status| status.success()) {
            return;
        }
        let plain = dev(here.path());
        let mut command = Command::new("unshare");
        command.args(limited).arg(plain.get_program()).args(plain.get_args());
        for (name, value) in plain.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let (mut server, ()) = Serving::run_with(command, async |server| {
            assert!(server.line("looking for them every second").await.contains(told));
            assert!(server.line("hint: ").await.contains(hint));
        })
        .await;
        settle(&mut server, here.path(), "<p>longer").await;
    }
}
