//! Reading `stateroom.toml`, and writing the one of a built service.
use std::{io, path::Path};

use anyhow::{Context, Result, anyhow};

use super::{
    build::{BuildSettings, DevSettings},
    layers::Defaults,
    limits::LimitSettings,
    schema::Settings,
};
use crate::ui::closest::closest;

/// The name of the file.
pub(crate) const FILE_NAME: &str = "stateroom.toml";
/// Maximum size of the file.
const MAX_FILE_BYTES: usize = 1 << 20;

impl Settings {
    /// Reads the `stateroom.toml` of a directory, if there is one. Its paths are relative to the directory.
    ///
    /// # Errors
    ///
    /// Returns an error with the line, the key and a suggestion if the file is invalid.
    pub(super) fn read_file(directory: &Path) -> Result<Settings> {
        let path = directory.join(FILE_NAME);
        let text = match stateroom_file::read(&path, MAX_FILE_BYTES) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Settings::default()),
            text => text.and_then(|text| String::from_utf8(text).map_err(io::Error::other)),
        };
        let text = text.with_context(|| format!("failed to read `{}`", path.display()))?;
        let mut settings: Settings = toml::from_str(&text)
            .map_err(|error| anyhow!(explain(&error)).context(format!("invalid `{}`", path.display())))?;
        settings.static_files = settings.static_files.map(|files| directory.join(files));
        settings = settings.with_paths(|path| directory.join(path));
        if settings.client.as_ref().is_some_and(|client| client.optimization_level.is_some()) {
            tracing::warn!(
                "`optimization_level` in {} has no effect: set `opt-level` under [profile.release] in Cargo.toml",
                path.display()
            );
        }
        Ok(settings)
    }

    /// Returns the text of the `stateroom.toml` that `stateroom serve` reads for a built service.
    ///
    /// # Errors
    ///
    /// Returns an error if a path is not Unicode.
    pub(crate) fn to_serve(&self) -> Result<String> {
        let defaults = Settings::defaults(&Defaults::SERVE);
        // Written even if they are the defaults: readers of the file look for them first.
        let settings = Settings {
            room_strategy: self.room_strategy.or(defaults.room_strategy),
            shutdown_policy: self.shutdown_policy.or(defaults.shutdown_policy),
            build: BuildSettings::default(),
            dev: DevSettings::default(),
            // Relative to the directory of the file. If that is moved without the key files, serving fails.
            ..self.clone().with_paths(|path| Path::new("..").join(path))
        };
        let text = toml::to_string(&settings).context("failed to write the settings as TOML")?;
        let service = if self.service.durable { "\n[service]\ndurable = true\n" } else { "" };
        Ok(format!("# Written by `stateroom build`, read by `stateroom serve`.\n{text}{service}"))
    }
}

/// Describes an error of the file, replacing the list of all known keys with the closest one.
fn explain(error: &toml::de::Error) -> String {
    let message = error.message();
    if !message.starts_with("unknown field") {
        return error.to_string();
    }
    let mut names = message.split('`').skip(1).step_by(2);
    let unknown = names.next().unwrap_or_default();
    let known: Vec<_> = names.collect();
    let suggestion = if known.contains(&"limits") && LimitSettings::contains(unknown) {
        ": it belongs under `[limits]`".to_owned()
    } else {
        closest(unknown, known).map(|known| format!(": did you mean `{known}`?")).unwrap_or_default()
    };
    error.to_string().replace(message, &format!("unknown key `{unknown}`{suggestion}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::value::Port;

    fn parse(text: &str) -> Result<Settings, String> {
        toml::from_str(text).map_err(|error| explain(&error))
    }

    #[test]
    fn keys_of_earlier_releases_are_accepted() {
        let text = "static_files = 'static'\nservice_id = 'x'\n[client]\npackage = 'c'\noptimization_level = 'z'\n\
                    [service]\npackage = 's'\n";
        let settings = parse(text).unwrap();
        assert_eq!(settings.client.unwrap().package, "c");
        assert_eq!(settings.service.package.as_deref(), Some("s"));
        assert_eq!(settings.static_files.as_deref(), Some(Path::new("static")));
    }

    #[test]
    fn errors_name_the_line_and_the_key() {
        for (text, line, message) in [
            ("static_fils = 'x'", "line 1", "unknown key `static_fils`: did you mean `static_files`?"),
            ("[limits]\n\nroomz = 1", "line 3", "unknown key `roomz`: did you mean `rooms`?"),
            ("room_strategy = 'shorts'", "line 1", "`implicit`"),
            ("\ntokens = 1", "line 2", "unknown key `tokens`: it belongs under `[limits]`"),
            ("colour = 1", "line 1", "unknown key `colour`\n"),
            ("service = 'x'", "line 1", "expected a table: write `[service]` and `package = \"...\"` below it"),
            ("port = 99999", "line 1", "`99999` is not a port: use a number from 0 to 65535"),
            ("ip = 'my-host'", "line 1", "`my-host` is not an IP address: use for example `127.0.0.1` or `::1`"),
            ("[limits]\nrooms = 0", "line 2", "must be greater than 0"),
            ("port = true", "line 1", "expected a number or a string"),
            ("[limits]\ncpu_budget = '2 sheep'", "line 2", "`2 sheep` is not a duration"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(line) && error.contains(message), "{error}");
        }
    }

    #[test]
    fn durations_and_sizes_may_have_units() {
        let with_units =
            "drain_time = '2s'\nshutdown_policy = '5m'\n[limits]\ncpu_budget = '500ms'\nmessage_bytes = '1MiB'";
        let bare = "drain_time = 2\nshutdown_policy = 300\n[limits]\ncpu_budget = 0.5\nmessage_bytes = 1048576";
        assert_eq!(parse(with_units), parse(bare));
    }

    #[test]
    fn reads_back_what_it_writes_for_a_built_service() {
        let text = "static_files = 'x'\nport = 1\nheartbeat_interval = 0.5\nroom_strategy = 'short'\n\
                    [service]\npackage = 's'\ndurable = true\n[limits]\nmessage_bytes = 1048576\nrooms = 7";
        let written = parse(text).unwrap().to_serve().unwrap();
        let read = parse(&written).unwrap();
        assert_eq!(read.limits, parse(text).unwrap().limits);
        assert_eq!(read.port, Some(Port(1)));
        assert_eq!(read.shutdown_policy.unwrap().to_string(), "300sec");
        assert_eq!((read.static_files, read.service.package, read.service.durable), (None, None, true));
    }
}
