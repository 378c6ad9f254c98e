//! The templates, which are embedded in the command, and what becomes of their files.
use std::{
    borrow::Cow,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use clap::ValueEnum;
use rust_embed::Embed;
use toml_edit::{DocumentMut, InlineTable, Item, Value};

use super::{CrateName, Source};

/// The files of all templates.
#[derive(Embed)]
#[folder = "templates"]
struct Files;

/// What a new crate begins as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Template {
    // See `about`: what is said here would be another text to keep true.
    Counter,
    Chat,
    Cursors,
    GameLoop,
    Native,
}

impl Template {
    /// All of them, the first being what is taken where nothing is said.
    pub(crate) const ALL: [Template; 5] =
        [Template::Counter, Template::Chat, Template::Cursors, Template::GameLoop, Template::Native];

    /// Its name, on the command line too.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Template::Counter => "counter",
            Template::Chat => "chat",
            Template::Cursors => "cursors",
            Template::GameLoop => "game-loop",
            Template::Native => "native",
        }
    }

    /// What it is.
    pub(crate) const fn about(self) -> &'static str {
        match self {
            Template::Counter => "a number that everybody counts, and its page: the smallest one",
            Template::Chat => "nicknames, who is here, what was said; messages of JSON",
            Template::Cursors => "everybody's pointer, with a client in Rust, and binary messages",
            Template::GameLoop => "a game whose room has a clock",
            Template::Native => "an Axum app with rooms inside of it, without a sandbox",
        }
    }

    /// How to run what it has become.
    pub(crate) const fn run(self) -> &'static str {
        match self {
            Template::Native => "cargo run",
            _ => "stateroom dev",
        }
    }

    /// What stands for the new crate's name in its files: where they are an example's, the name of that.
    const fn stand_in(self) -> &'static str {
        match self {
            Template::Cursors => "shared-cursors",
            _ => "crate-name",
        }
    }

    /// Its files: where each belongs, and what is in it.
    pub(crate) fn files(self) -> impl Iterator<Item = (PathBuf, Cow<'static, [u8]>)> {
        let folder = format!("{}/", self.name());
        Files::iter().filter_map(move |path| {
            let within = path.strip_prefix(&folder)?;
            // A folder with a `Cargo.toml` would be a package of its own here; a `.gitignore` would count here, too.
            let within = within.replace("manifest.toml", "Cargo.toml").replace("gitignore", ".gitignore");
            Some((PathBuf::from(within), Files::get(&path)?.data))
        })
    }

    /// What is written for a file: with the new crate's name, and with its dependencies on ours.
    ///
    /// # Errors
    ///
    /// Where the checkout's path is not Unicode.
    pub(crate) fn written(
        self,
        path: &Path,
        contents: Cow<'static, [u8]>,
        name: &CrateName,
        source: &Source,
    ) -> Result<Vec<u8>> {
        let Ok(text) = str::from_utf8(&contents) else { return Ok(contents.into_owned()) };
        let stand_in = self.stand_in();
        let text = text.replace(stand_in, name.as_str()).replace(&stand_in.replace('-', "_"), &name.identifier());
        let is_manifest = path.ends_with("Cargo.toml");
        Ok(if is_manifest { with_dependencies(&text, source)? } else { text }.into_bytes())
    }
}

/// A manifest whose dependencies on ours come from `source`.
fn with_dependencies(manifest: &str, source: &Source) -> Result<String> {
    let mut manifest: DocumentMut = manifest.parse().context("a template's manifest cannot be understood")?;
    for table in ["dependencies", "dev-dependencies"] {
        let Some(dependencies) = manifest.get_mut(table).and_then(Item::as_table_like_mut) else { continue };
        for (package, dependency) in dependencies.iter_mut() {
            if !package.get().starts_with("stateroom") {
                continue;
            }
            let package = package.get().to_owned();
            if dependency.is_str() {
                *dependency = Item::Value(Value::InlineTable(InlineTable::new()));
            }
            if let Some(dependency) = dependency.as_table_like_mut() {
                source.set(&package, dependency)?;
            }
        }
    }
    Ok(manifest.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(template: Template, file: &str, source: &Source) -> String {
        let name: CrateName = "my-app".parse().unwrap();
        let (path, contents) = template.files().find(|(path, _)| path == Path::new(file)).unwrap();
        String::from_utf8(template.written(&path, contents, &name, source).unwrap()).unwrap()
    }

    #[test]
    fn each_has_all_that_a_crate_needs_and_none_of_its_own_name() {
        let source = Source::Git { repository: "https://example.com/x".into(), commit: Some("abc".into()) };
        for template in Template::ALL {
            let paths: Vec<PathBuf> = template.files().map(|(path, _)| path).collect();
            for file in ["Cargo.toml", "README.md", ".gitignore", "static/index.html", "static/assets/room.js"] {
                assert!(paths.contains(&PathBuf::from(file)), "{}: {file} of {paths:?}", template.name());
            }
            let manifest = text(template, "Cargo.toml", &source);
            assert!(manifest.contains("name = \"my-app\"\n") && manifest.contains("\n[workspace]\n"), "{manifest}");
            assert!(manifest.contains("= { git = \"https://example.com/x\", rev = \"abc\" }\n"), "{manifest}");
            assert!(!manifest.contains("0.4.5"), "{manifest}");
            assert!(text(template, "README.md", &source).starts_with("# my-app\n"));
        }
    }

    #[test]
    fn a_client_and_what_it_shares_are_named_too() {
        let source = Source::Checkout("/srv/stateroom".into());
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

    /// Every other version costs its users another installation of the program.
    #[test]
    fn the_client_has_the_same_wasm_bindgen_as_the_examples() {
        let lock = include_str!("../../../Cargo.lock");
        let (_, version) = lock.split_once("name = \"wasm-bindgen\"\nversion = \"").unwrap();
        let version = version.split('"').next().unwrap();
        let client = text(Template::Cursors, "client/Cargo.toml", &Source::Checkout("/".into()));
        assert!(client.contains(&format!("wasm-bindgen = \"={version}\"")), "{client}");
    }
}
