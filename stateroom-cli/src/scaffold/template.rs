//! The templates, which are embedded in the command.
use std::{borrow::Cow, path::PathBuf};

use clap::ValueEnum;
use rust_embed::Embed;

use super::name::CrateName;

/// The files of all templates.
#[derive(Embed)]
#[folder = "templates"]
struct TemplateFiles;

/// A template of a crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Template {
    // Described by `about`: doc comments would repeat it.
    Counter,
    Chat,
    Cursors,
    GameLoop,
    Native,
}

impl Template {
    /// All templates. The first one is the default.
    pub(crate) const ALL: [Template; 5] =
        [Template::Counter, Template::Chat, Template::Cursors, Template::GameLoop, Template::Native];

    /// Returns the name, as on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Template::Counter => "counter",
            Template::Chat => "chat",
            Template::Cursors => "cursors",
            Template::GameLoop => "game-loop",
            Template::Native => "native",
        }
    }

    /// Returns a short description.
    pub(crate) const fn about(self) -> &'static str {
        match self {
            Template::Counter => "a shared counter and its page: the smallest template",
            Template::Chat => "a chat with nicknames and presence, using JSON messages",
            Template::Cursors => "shared cursors with a Rust client, using binary messages",
            Template::GameLoop => "a game that ticks on a timer",
            Template::Native => "an Axum app with embedded rooms, without a sandbox",
        }
    }

    /// Returns the command that runs the new crate.
    pub(crate) const fn run(self) -> &'static str {
        match self {
            Template::Native => "cargo run",
            _ => "stateroom dev",
        }
    }

    /// Returns the placeholder for the crate name in the files: the name of the example if they are one's.
    const fn placeholder(self) -> &'static str {
        match self {
            Template::Cursors => "shared-cursors",
            _ => "crate-name",
        }
    }

    /// Returns the path and contents of each file.
    pub(crate) fn files(self) -> impl Iterator<Item = (PathBuf, Cow<'static, [u8]>)> {
        let folder = format!("{}/", self.name());
        TemplateFiles::iter().filter_map(move |path| {
            let within = path.strip_prefix(&folder)?;
            // Named differently here, where they would define a package and ignore files.
            let within = within.replace("manifest.toml", "Cargo.toml").replace("gitignore", ".gitignore");
            Some((PathBuf::from(within), TemplateFiles::get(&path)?.data))
        })
    }

    /// Returns the contents of a file for a new crate with this name.
    pub(super) fn render(self, contents: Cow<'static, [u8]>, name: &CrateName) -> Cow<'static, [u8]> {
        let Ok(text) = str::from_utf8(&contents) else { return contents };
        let placeholder = self.placeholder();
        let text = text.replace(placeholder, name.as_str()).replace(&placeholder.replace('-', "_"), &name.identifier());
        text.into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::scaffold::source::Source;

    fn text(template: Template, file: &str, source: &Source) -> String {
        let name: CrateName = "my-app".parse().unwrap();
        let (path, contents) = template.files().find(|(path, _)| path == Path::new(file)).unwrap();
        let contents = template.render(contents, &name);
        if path.ends_with("Cargo.toml") {
            return source.manifest(&contents, &Path::new("/app").join(path.parent().unwrap())).unwrap().to_string();
        }
        String::from_utf8(contents.into_owned()).unwrap()
    }

    #[test]
    fn each_template_has_the_files_of_a_crate_with_the_given_name() {
        let source = Source::Git { repository: "https://example.com/x".into(), commit: Some("abc".into()) };
        for template in Template::ALL {
            let paths: Vec<PathBuf> = template.files().map(|(path, _)| path).collect();
            for file in ["Cargo.toml", "README.md", ".gitignore", "static/index.html", "static/assets/room.js"] {
                assert!(paths.contains(&PathBuf::from(file)), "{}: {file} of {paths:?}", template.name());
            }
            let manifest = text(template, "Cargo.toml", &source);
            assert!(manifest.contains("name = \"my-app\"\n"), "{manifest}");
            assert!(manifest.contains("= { git = \"https://example.com/x\", rev = \"abc\" }\n"), "{manifest}");
            assert!(!manifest.contains("0.4.5"), "{manifest}");
            assert!(text(template, "README.md", &source).starts_with("# my-app\n"));
        }
    }

    #[test]
    fn the_client_and_the_protocol_crate_get_names_too() {
        let source = Source::Checkout { directory: "/srv/stateroom".into(), is_relative: false };
        let client = text(Template::Cursors, "client/Cargo.toml", &source);
        assert!(client.contains("name = \"my-app-client\"") && client.contains("my-app-protocol = { path"), "{client}");
        let nested = "stateroom-client = { path = \"/srv/stateroom/stateroom-wasm/stateroom-client\" }\n";
        assert!(client.contains(nested), "{client}");
        assert!(text(Template::Cursors, "client/src/lib.rs", &source).contains("use my_app_protocol::"));
        assert!(text(Template::Cursors, "static/index.html", &source).contains("client/my_app_client.js"));
        assert!(text(Template::Cursors, "stateroom.toml", &source).contains("package = \"my-app-client\""));
        let service = text(Template::Cursors, "Cargo.toml", &source);
        assert!(service.contains("stateroom-wasm = { path = \"/srv/stateroom/stateroom-wasm\" }"), "{service}");
        assert!(service.contains("{ features = [\"testing\"], path = "), "{service}");
    }

    /// Every other version would require another installation of the program.
    #[test]
    fn the_client_uses_the_same_wasm_bindgen_as_the_examples() {
        let lock = include_str!("../../../Cargo.lock");
        let (_, version) = lock.split_once("name = \"wasm-bindgen\"\nversion = \"").unwrap();
        let version = version.split('"').next().unwrap();
        let client = text(
            Template::Cursors,
            "client/Cargo.toml",
            &Source::Checkout { directory: "/".into(), is_relative: false },
        );
        assert!(client.contains(&format!("wasm-bindgen = \"={version}\"")), "{client}");
    }
}
