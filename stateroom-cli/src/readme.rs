//! Keeps the table of settings in the README true: it is made of what clap and the defaults say.
//!
//! `README=overwrite cargo test -p stateroom-cli readme` writes it anew.
use std::{env, fs, path::Path};

use clap::{Arg, Command};

use crate::{args, config};

const BEGIN: &str = "<!-- settings: written by a test -->\n";
const END: &str = "<!-- end of settings -->\n";

#[test]
fn the_table_of_settings_is_true() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let expected = format!("{before}{BEGIN}{}{END}{after}", table());
    if env::var("README").is_ok_and(|action| action == "overwrite") {
        fs::write(path, expected).unwrap();
    } else {
        assert_eq!(readme, expected, "run `README=overwrite cargo test -p stateroom-cli readme`");
    }
}

fn table() -> String {
    let mut command = args::command();
    command.build();
    let (serve, dev) = (verb(&command, "serve"), verb(&command, "dev"));
    let mut table = "| flag | variable | key | default | what it is |\n|---|---|---|---|---|\n".to_owned();
    for setting in serve.get_arguments().filter(|argument| argument.get_env().is_some()) {
        let (what, default) = help(setting);
        let in_dev = dev.get_arguments().find(|argument| argument.get_id() == setting.get_id()).map(help).unwrap();
        let default = if in_dev.1 == default { default } else { format!("{default}; `dev`: {}", in_dev.1) };
        let short = setting.get_short().map(|short| format!("`-{short}`, ")).unwrap_or_default();
        let value = setting.get_value_names().unwrap()[0].as_str();
        let value = if setting.is_require_equals_set() { format!("[={value}]") } else { format!(" {value}") };
        table.push_str(&format!(
            "| {short}`--{}{value}` | `{}` | `{}` | {default} | {what} |\n",
            setting.get_long().unwrap(),
            setting.get_env().unwrap().display(),
            config::key(setting.get_id()).join("."),
        ));
    }
    table
}

fn verb<'a>(command: &'a Command, name: &str) -> &'a Command {
    command.find_subcommand(name).unwrap()
}

fn help(setting: &Arg) -> (String, String) {
    let help = setting.get_help().unwrap().to_string();
    let (what, default) = help.strip_suffix(']').unwrap().split_once(" [default: ").unwrap();
    (what.to_owned(), default.to_owned())
}
