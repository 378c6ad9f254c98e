//! Commands in any directory of a project, and the options of cargo.
use std::{fs, path::Path, process::Output};

use crate::common::{
    Serving, build_in, directory, failure, stateroom, stateroom_in, success, target, with_locked_versions, write,
    write_service,
};

fn build(directory: &Path, arguments: &[&str]) -> Output {
    stateroom().arg("build").args(arguments).current_dir(directory).env("CARGO_TARGET_DIR", target()).output().unwrap()
}

async fn answer(server: &Serving) -> String {
    let mut client = server.join("a").await;
    client.send("x").await;
    client.text().await
}

#[tokio::test]
async fn commands_in_a_directory_of_a_project_work_on_the_project() {
    let here = directory(&[
        ("stateroom.toml", "static_files = 'static'\nroom_strategy = 'uuid'\n"),
        ("static/index.html", "a page"),
    ]);
    let root = here.path().canonicalize().unwrap();
    write_service(&root, "found-above", "", "let _ = message; context.send_message(client, \"1\");");
    with_locked_versions(&root);
    let source = root.join("src");
    let using = format!("using the project in `{}`", root.display());

    // The directory of static files of a build is none of a project.
    for below in [&source, &root.join("dist/static")] {
        assert!(success(&build(below, &[])).contains(&using));
    }
    assert_eq!(fs::read_dir(&source).unwrap().count(), 1, "no `dist` there");
    assert!(!root.join("dist/dist").exists() && !root.join("dist/static/dist").exists());
    assert_eq!(fs::read_to_string(root.join("dist/static/index.html")).unwrap(), "a page");
    assert!(fs::read_to_string(root.join("dist/stateroom.toml")).unwrap().contains("room_strategy = \"uuid\""));

    let config = stateroom_in(&source, "config --changed --tls-cert cert.pem --tls-key key.pem").assert().code(0);
    let (stdout, stderr) = (&config.get_output().stdout, &config.get_output().stderr);
    let (stdout, stderr) = (String::from_utf8_lossy(stdout), String::from_utf8_lossy(stderr));
    assert!(stdout.contains("room_strategy  uuid") && stderr.contains(&using), "{stdout}{stderr}");
    assert!(stdout.contains(&source.join("cert.pem").display().to_string()), "a path of the command line: {stdout}");
    let doctor = stateroom().arg("doctor").current_dir(&source).output().unwrap();
    let stdout = String::from_utf8_lossy(&doctor.stdout);
    assert!(stdout.contains(&root.display().to_string()), "{stdout}");

    let inspect = stateroom_in(&source, "inspect dist").assert().code(0);
    let stdout = String::from_utf8_lossy(&inspect.get_output().stdout).into_owned();
    assert!(stdout.contains("The host accepts this module."), "{stdout}");

    let mut serve = stateroom();
    serve.args(["serve", "dist", "--ip", "127.0.0.1", "-p", "0", "-r", "implicit"]).current_dir(&source);
    let (server, ()) = Serving::run_with(serve, async |server| {
        let serving = server.line("using `").await;
        assert!(serving.contains(&root.join("dist").display().to_string()), "{serving}");
    })
    .await;
    assert_eq!(answer(&server).await, "1");
    assert!(server.get("/").await.ends_with("a page"));

    let mut dev = stateroom();
    dev.args(["dev", "0", "-r", "implicit"]).current_dir(root.join("static")).env("CARGO_TARGET_DIR", target());
    let (mut server, ()) = Serving::run_with(dev, async |server| drop(server.line(&using).await)).await;
    fs::write(root.join("static/index.html"), "another page").unwrap();
    server.line("static/index.html changed: reloading pages").await;
}

#[test]
fn a_member_of_a_workspace_has_its_settings() {
    let here = directory(&[
        ("Cargo.toml", "[workspace]\nresolver = '3'\nmembers = ['crates/*']\n"),
        ("stateroom.toml", "static_files = 'static'\n[client]\npackage = 'page'\n"),
        ("static/index.html", "a page"),
        ("own/stateroom.toml", ""),
    ]);
    let root = here.path().canonicalize().unwrap();
    write_service(&root.join("crates/room"), "member-room", "", "let _ = (client, message, context);");
    let manifest = "[package]\nname = 'page'\nversion = '0.1.0'\nedition = '2024'\n\n[lib]\ncrate-type = ['cdylib']\n";
    write(&root.join("crates/page/Cargo.toml"), manifest);
    write(&root.join("crates/page/src/lib.rs"), "");
    with_locked_versions(&root);
    // Settings decide that the client is not a service. Without wasm-bindgen it cannot be bound.
    for (member, told) in [
        ("crates/room/src", format!("using the project in `{}`", root.join("crates/room").display())),
        ("crates/page/src", format!("using the project in `{}`", root.display())),
    ] {
        let log = failure(&build(&root.join(member), &[]));
        assert!(log.contains(&told) && log.contains("building `member-room` for wasm32-wasip1"), "{log}");
        assert!(log.contains("does not use wasm-bindgen"), "{log}");
    }
    write(&root.join("stateroom.toml"), "static_files = 'static'\n");
    let log = success(&build(&root.join("crates/room"), &[]));
    assert!(log.contains("using the settings of the workspace: `../../stateroom.toml`"), "{log}");
    assert_eq!(fs::read_to_string(root.join("crates/room/dist/static/index.html")).unwrap(), "a page");
}

#[tokio::test]
async fn options_of_cargo_are_flags_variables_and_keys() {
    let here = directory(&[]);
    let root = here.path();
    write_service(root, "has-features", "", "let _ = message; context.send_message(client, ANSWER);");
    with_locked_versions(root);
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let features = "\n[features]\ndefault = ['quiet']\nquiet = []\nloud = []\nalso = []\n";
    write(&root.join("Cargo.toml"), &format!("{manifest}{features}"));
    let source = fs::read_to_string(root.join("src/lib.rs")).unwrap();
    let answers = "const ANSWER: &str = if cfg!(feature = \"loud\") {\n    \
                   if cfg!(feature = \"also\") { \"LOUD\" } else { \"loud\" }\n} else if cfg!(feature = \"quiet\") {\n    \
                   \"quiet\"\n} else {\n    \"none\"\n};\n";
    write(&root.join("src/lib.rs"), &format!("{source}\n{answers}"));
    for (settings, variable, arguments, expected) in [
        ("", None, &[][..], "quiet"),
        ("", None, &["--no-default-features"], "none"),
        ("", None, &["--all-features"], "LOUD"),
        ("", None, &["-F", "loud,also"], "LOUD"),
        ("[build]\nfeatures = ['loud']\n", None, &[], "loud"),
        ("[build]\nfeatures = ['nope']\n", Some("loud"), &["--locked", "--", "-j", "1"], "loud"),
    ] {
        write(&root.join("stateroom.toml"), settings);
        let mut command = stateroom();
        command.arg("build").args(arguments).current_dir(root).env("CARGO_TARGET_DIR", target());
        command.envs(variable.map(|variable| ("STATEROOM_FEATURES", variable)));
        let log = success(&command.output().unwrap());
        for argument in arguments.iter().filter(|argument| **argument != "--" && **argument != "-F") {
            assert!(log.contains(argument), "{argument}: {log}");
        }
        assert_eq!(answer(&Serving::start(&root.join("dist"), &[]).await).await, expected, "{arguments:?}");
    }

    write(&root.join("stateroom.toml"), "");
    let log = failure(&build(root, &["--profile", "nope"]));
    assert!(log.contains("profile `nope` is not defined") && log.contains("--profile nope"), "{log}");
    fs::remove_file(root.join("Cargo.lock")).unwrap();
    let log = failure(&build(root, &["--locked"]));
    assert!(log.contains("--locked"), "{log}");
    for (arguments, hint) in [
        (&["--", "--target", "x"][..], "services are built for wasm32-wasip1"),
        (&["--", "-pother"], "set `package` under [service]"),
        (&["--", "--release"], "use `--profile NAME` before `--`"),
        (&["--", "--features=x"], "use `--features` or `--client-features` before `--`"),
    ] {
        let output = build(root, arguments);
        let log = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.code() == Some(2) && log.contains("cannot be passed to cargo\n") && log.contains(hint),
            "{log}"
        );
    }
    write(&root.join("stateroom.toml"), "[build]\ncargo_args = ['--target-dir', 'x']\n");
    assert!(failure(&build(root, &[])).contains("hint: set CARGO_TARGET_DIR"));
}

#[cfg(unix)]
#[test]
fn files_of_editors_and_links_to_nowhere_do_not_fail_a_build() {
    use std::os::unix::fs::symlink;

    let here = directory(&[
        ("stateroom.toml", "static_files = 'static'\n"),
        ("static/index.html", ""),
        ("static/index.html~", ""),
        ("static/.DS_Store", ""),
        ("static/4913", ""),
    ]);
    let files = here.path().join("static");
    symlink("somebody@a-machine.123:456", files.join(".#index.html")).unwrap();
    symlink("removed.html", files.join("old.html")).unwrap();
    symlink(".", files.join("circle")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(files.join("pipe")).status().unwrap().success());
    write_service(here.path(), "has-leftovers", "", "let _ = (client, message, context);");
    let log = success(&build_in(here.path()));
    let copied: Vec<_> =
        fs::read_dir(here.path().join("dist/static")).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(copied, ["index.html"]);
    for (file, reason) in [
        ("old.html", "a link to `removed.html`, which does not exist"),
        ("circle", "a link to a directory"),
        ("pipe", "not a file"),
    ] {
        assert!(log.contains(&format!("`static/{file}` is {reason}")), "{log}");
    }
    assert!(!log.contains(".#index.html"), "{log}");
}
