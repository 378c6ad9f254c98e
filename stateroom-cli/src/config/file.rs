//! Reading `stateroom.toml`, and writing the one that goes along with a built service.
use std::{fs, io, path::Path};

use anyhow::{Context, Result, anyhow};

use super::{Settings, limits::LimitSettings};
use crate::{args::Verb, closest::closest};

/// What the file is called.
pub(crate) const FILE_NAME: &str = "stateroom.toml";

impl Settings {
    /// Reads the `stateroom.toml` of a directory, its paths relative to that directory. None is as good as an empty one.
    ///
    /// # Errors
    ///
    /// Where it cannot be read or understood: says in which line, at which key, and what could be there.
    pub(crate) fn read(directory: &Path) -> Result<Settings> {
        let path = directory.join(FILE_NAME);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Settings::default()),
            text => text.with_context(|| format!("`{}` cannot be read", path.display()))?,
        };
        let mut settings: Settings = toml::from_str(&text)
            .map_err(|error| anyhow!(explain(&error)).context(format!("`{}` cannot be used", path.display())))?;
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

    /// The text of the `stateroom.toml` that goes along with a built service: how its rooms are to be served.
    ///
    /// # Errors
    ///
    /// Where a value has no place in TOML.
    pub(crate) fn to_serve(&self) -> Result<String> {
        let defaults = Settings::defaults(&Verb::SERVE);
        // Spelled out even where they are the defaults: they are what a reader of the file looks for first.
        let settings = Settings {
            room_strategy: self.room_strategy.or(defaults.room_strategy),
            shutdown_policy: self.shutdown_policy.or(defaults.shutdown_policy),
            // From inside of the directory, the same files. Where it is moved to, they are missed, and nothing is served.
            ..self.clone().with_paths(|path| Path::new("..").join(path))
        };
        let text = toml::to_string(&settings).context("the settings cannot be written as TOML")?;
        Ok(format!("# Written by `stateroom build`, read by `stateroom serve`.\n{text}"))
    }
}

/// The error, with what was meant instead of all that could have been.
fn explain(error: &toml::de::Error) -> String {
    let message = error.message();
    if !message.starts_with("unknown field") {
        return error.to_string();
    }
    let mut names = message.split('`').skip(1).step_by(2);
    let unknown = names.next().unwrap_or_default();
    let known: Vec<_> = names.collect();
    let advice = if known.contains(&"limits") && LimitSettings::has(unknown) {
        ": it belongs under `[limits]`".to_owned()
    } else {
        closest(unknown, known).map(|meant| format!(": did you mean `{meant}`?")).unwrap_or_default()
    };
    error.to_string().replace(message, &format!("unknown key `{unknown}`{advice}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Port;

    fn parse(text: &str) -> Result<Settings, String> {
        toml::from_str(text).map_err(|error| explain(&error))
    }

    #[test]
    fn the_keys_of_earlier_releases_are_known() {
        let text = "static_files = 'static'\nservice_id = 'x'\n[client]\npackage = 'c'\noptimization_level = 'z'\n\
                    [service]\npackage = 's'\n";
        let settings = parse(text).unwrap();
        assert_eq!(settings.client.unwrap().package, "c");
        assert_eq!(settings.service.package.as_deref(), Some("s"));
        assert_eq!(settings.static_files.as_deref(), Some(Path::new("static")));
    }

    #[test]
    fn what_is_wrong_is_told_by_line_and_key() {
        for (text, line, message) in [
            ("static_fils = 'x'", "line 1", "unknown key `static_fils`: did you mean `static_files`?"),
            ("[limits]\n\nroomz = 1", "line 3", "unknown key `roomz`: did you mean `rooms`?"),
            ("room_strategy = 'shorts'", "line 1", "use `implicit`"),
            ("\ntokens = 1", "line 2", "unknown key `tokens`: it belongs under `[limits]`"),
            ("colour = 1", "line 1", "unknown key `colour`\n"),
            ("service = 'x'", "line 1", "expected a table: write `[service]` and `package = \"...\"` below it"),
            ("port = 99999", "line 1", "`99999` is no port: write a number from 0 to 65535"),
            ("ip = 'localhost'", "line 1", "`localhost` is no IP address: write such as `127.0.0.1` or `::1`"),
            ("[limits]\nrooms = 0", "line 2", "more than 0"),
            ("port = true", "line 1", "expected a number or a text"),
            ("[limits]\ncpu_budget = '2s'", "line 2", "cpu_budget"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(line) && error.contains(message), "{error}");
        }
    }

    #[test]
    fn what_is_written_for_a_built_service_is_read_back() {
        let text = "static_files = 'x'\nport = 1\nheartbeat_interval = 0.5\nroom_strategy = 'short'\n\
                    [service]\npackage = 's'\n[limits]\nmessage_bytes = 1048576\nrooms = 7";
        let written = parse(text).unwrap().to_serve().unwrap();
        let read = parse(&written).unwrap();
        assert_eq!(read.limits, parse(text).unwrap().limits);
        assert_eq!(read.port, Some(Port(1)));
        assert_eq!(read.shutdown_policy.unwrap().to_string(), "300sec");
        assert_eq!((read.static_files, read.service.package), (None, None));
    }
}
