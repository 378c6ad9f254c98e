//! How each verb is called, for the end of its help.

pub(super) const NEW: &str = "\
Examples:
  stateroom new my-app               asks what it begins as
  stateroom new my-app -t chat
  stateroom new games/pong -t game-loop --name pong --no-git";

pub(super) const INIT: &str = "\
Examples:
  stateroom init -t counter          a crate in the working directory, which may have files
  stateroom init -C my-app -t chat   in the directory my-app";

pub(super) const DEV: &str = "\
Examples:
  stateroom dev                      on http://127.0.0.1:8080
  stateroom dev 3000 --open          on port 3000, with its page in a browser
  stateroom dev --next-port --debug  on the next port that is free, built faster
  stateroom dev --ip 0.0.0.0         for other machines, too";

pub(super) const BUILD: &str = "\
Examples:
  stateroom build                    then: stateroom serve dist
  stateroom build -C my-service -q   the crate in my-service; errors and warnings alone are told";

pub(super) const SERVE: &str = "\
Examples:
  stateroom serve dist
  stateroom serve dist --port 80 --preset public --admin 127.0.0.1:9090
  stateroom serve dist --tls-cert cert.pem --tls-key key.pem
  stateroom serve service.wasm -r uuid -s never";

pub(super) const INSPECT: &str = "\
Examples:
  stateroom inspect dist
  stateroom inspect service.wasm --functions 50
  stateroom inspect dist --json | jq .accepted

It ends with 1 where the module would not be served, with the limits that `stateroom.toml` and the environment set.";

pub(super) const CONFIG: &str = "\
Examples:
  stateroom config                             of `stateroom serve` in this directory
  stateroom config --changed --preset public   what that would change
  stateroom config --dev -C my-service         of `stateroom dev` in my-service
  stateroom config --json | jq .settings.port.value";

pub(super) const DOCTOR: &str = "\
Examples:
  stateroom doctor
  stateroom doctor -C my-service     with the settings and the client of my-service
  stateroom doctor --json | jq '.checks[] | select(.status != \"ok\")'

It ends with 1 where there is a problem. A warning is none: it is about what can be done without, or comes by itself.";

pub(super) const COMPLETIONS: &str = "\
Examples:
  stateroom completions bash > ~/.local/share/bash-completion/completions/stateroom
  stateroom completions zsh > ~/.zfunc/_stateroom      with ~/.zfunc in $fpath
  stateroom completions fish > ~/.config/fish/completions/stateroom.fish";

pub(super) const MAN: &str = "\
Examples:
  stateroom man ~/.local/share/man/man1   then: man stateroom, man stateroom-serve
  stateroom man | man -l -";

#[cfg(test)]
mod tests {
    use crate::args;

    #[test]
    fn each_verb_has_some() {
        let mut command = args::command();
        command.build();
        for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
            let help = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains(&format!("Examples:\n  stateroom {}", verb.get_name())), "{}", verb.get_name());
        }
    }

    #[test]
    fn all_of_them_can_be_typed() {
        let mut command = args::command();
        command.build();
        let helps = command.get_subcommands().filter_map(clap::Command::get_after_help).chain(command.get_after_help());
        let helps: Vec<_> = helps.map(ToString::to_string).collect();
        let examples = helps.iter().flat_map(|help| help.lines()).filter_map(|line| line.strip_prefix("  stateroom"));
        for example in examples {
            // What follows is for a shell, or says what it does.
            let words = example.split(['>', '|']).next().unwrap().split("  ").next().unwrap().split_whitespace();
            let parsed = args::command().try_get_matches_from(["stateroom"].into_iter().chain(words));
            assert!(parsed.is_ok(), "stateroom{example}: {}", parsed.unwrap_err());
        }
    }
}
