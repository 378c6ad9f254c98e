//! Generates the tables of settings and limits in the README, and checks that they are current.
//!
//! `README=overwrite cargo test -p stateroom-cli readme` regenerates them.
use std::{env, fs, path::Path};

use clap::{Arg, Command};

use super::command;
use crate::settings::{LIMIT_EFFECTS, key, public_limit, value_text};

#[test]
fn the_tables_are_current() {
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

/// Replaces the table between the two markers of that name.
fn with_table(text: &str, name: &str, table: &str) -> String {
    let (begin, end) = (format!("<!-- {name}: written by a test -->\n"), format!("<!-- end of {name} -->\n"));
    let (before, rest) = text.split_once(&begin).unwrap();
    let (_, after) = rest.split_once(&end).unwrap();
    format!("{before}{begin}{table}{end}{after}")
}

fn limits() -> String {
    let mut command = command();
    command.build();
    let serve = subcommand(&command, "serve");
    let mut table =
        "| limit | default | `--preset public` | when exceeded | metric |\n|---|---|---|---|---|\n".to_owned();
    for (limit, effect) in LIMIT_EFFECTS {
        let setting = serve.get_arguments().find(|argument| argument.get_id() == *limit).unwrap();
        let (_, default) = help(setting);
        let public = public_limit(limit).map(|public| value_text(Some(&public), setting));
        let public = public.filter(|public| *public != default).unwrap_or_default();
        table.push_str(&format!(
            "| `{limit}` | {default} | {public} | {effect} | `stateroom_limit_exceeded_total{{limit=\"{limit}\"}}` |\n"
        ));
    }
    table
}

fn settings() -> String {
    let mut command = command();
    command.build();
    let (serve, dev) = (subcommand(&command, "serve"), subcommand(&command, "dev"));
    let mut table = "| flag | variable | key | default | description |\n|---|---|---|---|---|\n".to_owned();
    // It has the settings of all commands.
    for setting in dev.get_arguments().filter(|argument| argument.get_env().is_some() && !argument.is_global_set()) {
        let (description, in_dev) = help(setting);
        let in_serve = serve.get_arguments().find(|argument| argument.get_id() == setting.get_id());
        let default = in_serve.map_or(in_dev.clone(), |setting| help(setting).1);
        let default = if in_dev == default { default } else { format!("{default}; `dev`: {in_dev}") };
        let short = setting.get_short().map(|short| format!("`-{short}`, ")).unwrap_or_default();
        let value = setting.get_value_names().unwrap()[0].as_str();
        let value = if setting.is_require_equals_set() { format!("[={value}]") } else { format!(" {value}") };
        table.push_str(&format!(
            "| {short}`--{}{value}` | `{}` | `{}` | {default} | {description} |\n",
            setting.get_long().unwrap(),
            setting.get_env().unwrap().display(),
            key(setting.get_id()).join("."),
        ));
    }
    table
}

fn subcommand<'a>(command: &'a Command, name: &str) -> &'a Command {
    command.find_subcommand(name).unwrap()
}

fn help(setting: &Arg) -> (String, String) {
    let help = setting.get_help().unwrap().to_string();
    let (description, default) = help.strip_suffix(']').unwrap().split_once(" [default: ").unwrap();
    (description.to_owned(), default.to_owned())
}
