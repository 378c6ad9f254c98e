//! `stateroom man`: the page, and a page for each verb.
use std::fs;

use crate::common::{directory, stateroom, success};

#[test]
fn the_main_page_lists_each_command() {
    let output = stateroom().arg("man").output().unwrap();
    assert_eq!(success(&output), "");
    let page = String::from_utf8(output.stdout).unwrap();
    assert!(page.contains(".TH stateroom 1"));
    for command in
        ["new", "init", "dev", "build", "serve", "bench", "inspect", "config", "doctor", "completions", "man"]
    {
        assert!(page.contains(&format!("stateroom\\-{command}(1)")), "{command} is missing");
    }
}

#[test]
fn each_command_has_a_page() {
    let here = directory(&[]);
    let pages = here.path().join("share/man1");
    success(&stateroom().arg("man").arg(&pages).output().unwrap());
    let page = |name: &str| fs::read_to_string(pages.join(name)).unwrap();
    assert!(page("stateroom.1").contains(".TH stateroom 1"));
    let serve = page("stateroom-serve.1");
    assert!(serve.contains("\\-\\-heartbeat\\-interval") && serve.contains("Examples:"), "{serve}");
    assert!(!pages.join("stateroom-help.1").exists());
}
