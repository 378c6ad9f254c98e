//! `stateroom-wasm` under other names: a renamed dependency, and a crate of the program's own that exports it.
use std::path::Path;

use crate::common::{Serving, build_in, directory, success};

#[tokio::test]
async fn a_renamed_dependency_and_a_prelude() {
    let guest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../stateroom-wasm");
    let package =
        |name: &str, rest: &str| format!("[package]\nname = '{name}'\nversion = '0.1.0'\nedition = '2024'\n\n{rest}");
    let rooms = format!("rooms = {{ package = 'stateroom-wasm', path = '{}' }}", guest.display());
    let manifest = package(
        "mine",
        &format!("[lib]\ncrate-type = ['cdylib']\n\n[dependencies]\n{rooms}\nprelude.path = 'prelude'\n"),
    );
    let here = directory(&[
        ("Cargo.toml", &format!("{manifest}\n[workspace]\n")),
        // On this machine only the types are checked, so a crate may have several.
        (
            "src/lib.rs",
            "#[cfg(not(target_arch = \"wasm32\"))]\nmod others {\n    \
             #[prelude::stateroom_wasm]\n    type One = super::Service;\n    \
             #[rooms::stateroom_wasm(crate = rooms)]\n    type Other = super::Service;\n}\n\n\
             mod inner {\n    use prelude::*;\n    #[stateroom_wasm]\n    type Exported = super::Service;\n}\n\n\
             #[derive(Default)]\nstruct Service;\n\nimpl rooms::StateroomService for Service {\n    \
             fn message(&mut self, from: rooms::ClientId, message: rooms::MessagePayload, context: &impl rooms::StateroomContext) {\n        \
             context.send_message(from, message);\n    }\n}\n",
        ),
        ("prelude/Cargo.toml", &package("prelude", &format!("[dependencies]\n{rooms}\n"))),
        ("prelude/src/lib.rs", "pub use rooms::*;\n"),
    ]);
    success(&build_in(here.path()));
    let mut cargo = std::process::Command::new("cargo");
    let target = crate::common::target();
    success(
        &cargo.args(["check", "--quiet"]).current_dir(here.path()).env("CARGO_TARGET_DIR", target).output().unwrap(),
    );
    let server = Serving::start(&here.path().join("dist"), &[]).await;
    let mut client = server.join("a").await;
    client.send("hello").await;
    assert_eq!(client.text().await, "hello");
}
