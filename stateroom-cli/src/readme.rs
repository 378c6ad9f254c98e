//! Keeps the table of settings in the README true: it is made of what clap and the defaults say.
//!
//! `README=overwrite cargo test -p stateroom-cli readme` writes it anew.
use std::{env, fs, path::Path};

use clap::{Arg, Command};
use stateroom_wasm_host::WasmHostConfig;

use crate::{args, config};

#[test]
fn the_tables_are_true() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let expected = with_table(&readme, "settings", &settings());
    let expected = with_table(&expected, "limits", &limits());
    if env::var("README").is_ok_and(|action| action == "overwrite") {
        fs::write(path, expected).unwrap();
    } else {
        assert_eq!(readme, expected, "run `README=overwrite cargo test -p stateroom-cli readme`");
    }
}

/// The text, with a table between the two marks of that name.
fn with_table(text: &str, name: &str, table: &str) -> String {
    let (begin, end) = (format!("<!-- {name}: written by a test -->\n"), format!("<!-- end of {name} -->\n"));
    let (before, rest) = text.split_once(&begin).unwrap();
    let (_, after) = rest.split_once(&end).unwrap();
    format!("{before}{begin}{table}{end}{after}")
}

/// The tables list every limit of the server.
#[test]
fn lists_each_limit() {
    for limit in stateroom_server::Limit::ALL {
        assert!(config::LIMITS_MET.iter().any(|(name, _)| *name == limit.name()), "`{}` is missing", limit.name());
    }
}

fn limits() -> String {
    let mut command = args::command();
    command.build();
    let serve = verb(&command, "serve");
    let mut table =
        "| limit | default | `--preset public` | where it is met | metric |\n|---|---|---|---|---|\n".to_owned();
    for (limit, met) in config::LIMITS_MET {
        let setting = serve.get_arguments().find(|argument| argument.get_id() == *limit).unwrap();
        let (_, default) = help(setting);
        let public = config::in_public(limit).filter(|public| *public != default).unwrap_or_default();
        table.push_str(&format!(
            "| `{limit}` | {default} | {public} | {met} | `stateroom_limit_exceeded_total{{limit=\"{limit}\"}}` |\n"
        ));
    }
    table
}

fn settings() -> String {
    let mut command = args::command();
    command.build();
    let (serve, dev) = (verb(&command, "serve"), verb(&command, "dev"));
    let mut table = "| flag | variable | key | default | what it is |\n|---|---|---|---|---|\n".to_owned();
    for setting in serve.get_arguments().filter(|argument| argument.get_env().is_some() && !argument.is_global_set()) {
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
