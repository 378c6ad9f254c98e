//! The arguments of cargo that the settings ask for.
//!
//! *Invariant:* `cargo metadata` reads the same lock file and configuration as the build.
use crate::settings::BuildSettings;

/// The part of a service that a package is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Service,
    Client,
}

impl Role {
    /// Returns the target that packages of this role are built for.
    pub(super) fn target(self) -> &'static str {
        match self {
            Role::Service => "wasm32-wasip1",
            Role::Client => "wasm32-unknown-unknown",
        }
    }
}

/// Returns the command that builds a package, without what only programs need.
pub(super) fn command(settings: &BuildSettings, role: Role) -> String {
    format!("cargo build --lib --target {} {}", role.target(), of_build(settings, role).join(" "))
}

/// Returns the command that builds the service.
pub(crate) fn service_command(settings: &BuildSettings) -> String {
    command(settings, Role::Service)
}

/// Returns the arguments of `cargo build`.
pub(super) fn of_build(settings: &BuildSettings, role: Role) -> Vec<String> {
    let (features, all_features, no_default_features) = match role {
        Role::Service => (&settings.features, settings.all_features, settings.no_default_features),
        Role::Client => (&settings.client_features, settings.client_all_features, settings.client_no_default_features),
    };
    let mut arguments = vec!["--profile".to_owned(), settings.profile().to_owned()];
    if !features.is_empty() {
        arguments.extend(["--features".to_owned(), features.join(",")]);
    }
    let flags = [(all_features, "--all-features"), (no_default_features, "--no-default-features")];
    arguments.extend(flags.into_iter().filter(|(is_set, _)| *is_set == Some(true)).map(|(_, flag)| flag.to_owned()));
    arguments.extend(of_lock_file(settings));
    // Some of them are set already.
    let rest = settings.cargo_args.iter().filter(|argument| !LOCK_FILE.contains(&argument.as_str()));
    arguments.extend(rest.cloned());
    arguments
}

/// Returns the arguments of `cargo metadata`: those about the lock file, the network, and the configuration.
pub(super) fn of_metadata(settings: &BuildSettings) -> Vec<String> {
    let mut arguments = of_lock_file(settings);
    let mut rest = settings.cargo_args.iter();
    while let Some(argument) = rest.next() {
        if argument == "--config" || argument == "-Z" {
            arguments.extend([argument.clone()].into_iter().chain(rest.next().cloned()));
        } else if argument.starts_with("--config=") || argument.starts_with("-Z") {
            arguments.push(argument.clone());
        }
    }
    arguments
}

/// Returns whether builds may not use the network.
pub(super) fn is_offline(settings: &BuildSettings) -> bool {
    of_lock_file(settings).iter().any(|flag| flag != "--locked")
}

/// Flags that cargo accepts once.
const LOCK_FILE: [&str; 3] = ["--locked", "--offline", "--frozen"];

fn of_lock_file(settings: &BuildSettings) -> Vec<String> {
    let is_set = [settings.locked, settings.offline, settings.frozen];
    let is_passed = |flag: &str| settings.cargo_args.iter().any(|argument| argument == flag);
    let flags = LOCK_FILE.into_iter().zip(is_set).filter(|(flag, is_set)| *is_set == Some(true) || is_passed(flag));
    flags.map(|(flag, _)| flag.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> BuildSettings {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn every_setting_is_an_argument() {
        for (text, service, client) in [
            ("", "", ""),
            ("features = ['a', 'b']", " --features a,b", ""),
            ("features = 'a b,c'", " --features a,b,c", ""),
            ("all_features = true", " --all-features", ""),
            ("no_default_features = true", " --no-default-features", ""),
            ("client_features = ['a']", "", " --features a"),
            ("client_all_features = true", "", " --all-features"),
            ("client_no_default_features = true", "", " --no-default-features"),
            ("locked = true", " --locked", " --locked"),
            ("offline = true", " --offline", " --offline"),
            ("frozen = true", " --frozen", " --frozen"),
            ("locked = true\ncargo_args = ['--locked', '--timings']", " --locked --timings", " --locked --timings"),
            ("cargo_args = '-j 1'", " -j 1", " -j 1"),
        ] {
            let build = |role| of_build(&parse(text), role).join(" ");
            assert_eq!(build(Role::Service), format!("--profile release{service}"), "{text}");
            assert_eq!(build(Role::Client), format!("--profile release{client}"), "{text}");
        }
        assert_eq!(of_build(&parse("profile = 'small'"), Role::Client), ["--profile", "small"]);
    }

    #[test]
    fn metadata_is_read_with_the_lock_file_and_configuration_of_the_build() {
        let text = "offline = true\nfeatures = ['a']\ncargo_args = ['--config', 'net.retry=1', '-j', '1', '-Zfoo', '--locked']";
        assert_eq!(of_metadata(&parse(text)), ["--locked", "--offline", "--config", "net.retry=1", "-Zfoo"]);
        assert!(is_offline(&parse(text)) && is_offline(&parse("cargo_args = ['--frozen']")));
        assert!(!is_offline(&parse("locked = true")));
    }
}
