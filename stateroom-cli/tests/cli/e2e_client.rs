//! `[client]`: a module for the browser, bound by the real `wasm-bindgen`. The first test that needs it installs it.
use std::fs;
#[cfg(unix)]
use std::{path::Path, process::Command};

#[cfg(unix)]
use crate::common::has_tool;
use crate::common::{Serving, build_in, directory, locked, stateroom, success, target, write_service};

#[tokio::test]
async fn a_client_is_bound_for_the_browser() {
    let version = locked("examples/Cargo.lock", "wasm-bindgen").unwrap();
    let client = format!(
        "[package]\nname = 'the-client'\nversion = '0.1.0'\nedition = '2024'\n\n[lib]\ncrate-type = ['cdylib']\n\n\
         [dependencies]\nwasm-bindgen = '={version}'\n"
    );
    let files = directory(&[
        ("Cargo.toml", "[workspace]\nresolver = '3'\nmembers = ['service', 'client']\n"),
        ("stateroom.toml", "static_files = 'static'\n[client]\npackage = 'the-client'\noptimization_level = 'z'\n"),
        ("static/index.html", "<html>"),
        ("client/Cargo.toml", &client),
        (
            "client/src/lib.rs",
            "use wasm_bindgen::prelude::*;\n\n/// Greets.\n#[wasm_bindgen]\npub fn greet() -> String { \"hello\".into() }\n\n\
             #[wasm_bindgen(start)]\npub fn begin() -> Result<(), JsError> { Err(JsError::new(\"not called by init\")) }\n",
        ),
    ]);
    write_service(&files.path().join("service"), "service-of-client", "", "context.send_message(client, message);");
    let log = success(&build_in(files.path()));
    assert!(log.contains("`optimization_level` in stateroom.toml has no effect"), "{log}");

    #[cfg(unix)]
    init_in_node(&files.path().join("dist/static/client"));

    let mut dev = stateroom();
    dev.args(["dev", "0", "-C"]).arg(files.path()).env("CARGO_TARGET_DIR", target());
    let mut dev = Serving::run(dev).await;
    for server in [&Serving::start(&files.path().join("dist"), &[]).await, &dev] {
        assert!(server.get("/").await.contains("<html>"));
        assert!(server.get("/client/the_client.js").await.contains("the_client_bg.wasm"));
        assert!(server.get("/client/the_client_bg.wasm").await.contains("application/wasm"));
        assert!(server.get("/client/the_client.d.ts").await.contains("export function greet(): string"));
    }

    // Each save rebuilds it and reloads the pages.
    let source = files.path().join("client/src/lib.rs");
    let text = fs::read_to_string(&source).unwrap();
    fs::write(&source, text.replace("hello", "good evening")).unwrap();
    dev.line(": reloading pages").await;
    assert!(dev.get("/client/the_client_bg.wasm").await.contains("good evening"));
    fs::write(&source, "nonsense").unwrap();
    dev.line("failed to build `the-client` for wasm32-unknown-unknown").await;
    assert!(dev.get("/client/the_client_bg.wasm").await.contains("good evening"));
}

/// Otherwise the package and the examples would need two installations of the program.
#[test]
fn the_examples_have_the_wasm_bindgen_of_the_workspace() {
    let ours = locked("Cargo.lock", "wasm-bindgen").unwrap();
    let examples = locked("examples/Cargo.lock", "wasm-bindgen").unwrap();
    assert_eq!(
        examples, ours,
        "set `wasm-bindgen = \"={ours}\"` in examples/Cargo.toml, and run a build there: `web-sys` has to change with it"
    );
}

/// Calls `init()` of a bound module in Node.js, if the machine has it.
#[cfg(unix)]
fn init_in_node(client: &Path) {
    if !has_tool("node") {
        return;
    }
    let module = client.join("the_client.js").display().to_string();
    let binary = client.join("the_client_bg.wasm").display().to_string();
    let script = format!(
        "import init, {{ greet, begin }} from 'file://{module}';\nimport fs from 'node:fs';\n\
         await init({{ module_or_path: fs.readFileSync('{binary}') }});\n\
         let thrown; try {{ begin() }} catch (error) {{ thrown = error.message }}\n\
         console.log(greet(), thrown);"
    );
    let node = Command::new("node").args(["--input-type=module", "--eval", &script]).output().unwrap();
    let printed = String::from_utf8_lossy(&node.stdout);
    assert_eq!(printed, "hello not called by init\n", "{}", String::from_utf8_lossy(&node.stderr));
}
