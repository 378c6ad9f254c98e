//! `[client]`: clients in Rust, bound by the built-in version of wasm-bindgen.
use std::fs;

use crate::common::{Serving, build_in, directory, locked, stateroom, success, target, write_service};

#[tokio::test]
async fn a_client_is_bound_for_the_browser() {
    let version = locked("Cargo.lock", "wasm-bindgen-cli-support").unwrap();
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
            "use wasm_bindgen::prelude::*;\n\n/// Greets.\n#[wasm_bindgen]\npub fn greet() -> String { \"hello\".into() }\n",
        ),
    ]);
    write_service(&files.path().join("service"), "service-of-client", "", "context.send_message(client, message);");
    let log = success(&build_in(files.path()));
    assert!(log.contains("`optimization_level` in stateroom.toml has no effect"), "{log}");

    let mut dev = stateroom();
    dev.args(["dev", "0", "-C"]).arg(files.path()).env("CARGO_TARGET_DIR", target());
    let mut dev = Serving::run(dev).await;
    for server in [&Serving::start(&files.path().join("dist"), &[]).await, &dev] {
        assert!(server.get("/").await.contains("<html>"));
        assert!(server.get("/client/the_client.js").await.contains("the_client_bg.wasm"));
        assert!(server.get("/client/the_client_bg.wasm").await.contains("application/wasm"));
        assert!(server.get("/client/the_client.d.ts").await.contains("export function greet(): string"));
    }

    // While it is worked on, it is built on each save, and pages are told.
    let source = files.path().join("client/src/lib.rs");
    let text = fs::read_to_string(&source).unwrap();
    fs::write(&source, text.replace("hello", "good evening")).unwrap();
    dev.line(": reloading pages").await;
    assert!(dev.get("/client/the_client_bg.wasm").await.contains("good evening"));
    fs::write(&source, "nonsense").unwrap();
    dev.line("failed to build `the-client` for wasm32-unknown-unknown").await;
    assert!(dev.get("/client/the_client_bg.wasm").await.contains("good evening"));
}

/// With another version, building an example would begin with installing wasm-bindgen.
#[test]
fn the_examples_use_the_built_in_version_of_wasm_bindgen() {
    let linked = locked("Cargo.lock", "wasm-bindgen-cli-support").unwrap();
    assert_eq!(locked("Cargo.lock", "wasm-bindgen-shared").as_ref(), Some(&linked));
    let examples = locked("examples/Cargo.lock", "wasm-bindgen").expect(
        "there is no wasm-bindgen in examples/Cargo.lock: an example with a `[client]` has to be a member of that workspace",
    );
    assert_eq!(
        examples, linked,
        "run `cargo update --manifest-path examples/Cargo.toml -p wasm-bindgen --precise {linked}`"
    );
}
