//! One build, with a spinner while it lasts, and what it has made.
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use indicatif::ProgressBar;

use crate::{
    build::{self, Built, BuiltFrom, Kept, Profile, Voice},
    settings::Settings,
    ui::logging,
};

/// Builds a service, and its client if it has one.
pub(crate) struct Workshop {
    pub(crate) settings: Settings,
    pub(crate) profile: Profile,
    /// Whether cargo's own words are to be seen.
    pub(crate) aloud: bool,
}

/// What was made: by its contents, so that what is the same again is known to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Made {
    pub(crate) service: blake3::Hash,
    pub(crate) client: Option<blake3::Hash>,
}

impl Workshop {
    /// Builds it all: where it is, and what is in it.
    ///
    /// # Errors
    ///
    /// Where something does not build: with what the compiler says of it.
    pub(crate) fn build(&self) -> Result<(Built, Made)> {
        let built = if self.aloud { build::build(&self.settings, self.profile, Voice::Aloud)? } else { self.spin()? };
        let made = Made {
            service: hash([built.service.clone()])?,
            client: built.client.as_deref().map(|directory| hash(files_of(directory)?)).transpose()?,
        };
        Ok((built, made))
    }

    /// What it is all built from.
    ///
    /// # Errors
    ///
    /// Where cargo cannot read it.
    pub(crate) fn built_from(&self) -> Result<BuiltFrom> {
        build::built_from(&self.settings)
    }

    /// Builds with a spinner, on a terminal, and tells of warnings when it is over.
    fn spin(&self) -> Result<Built> {
        let spinner = logging::BARS.add(ProgressBar::new_spinner());
        spinner.enable_steady_tick(Duration::from_millis(100));
        let begun = Instant::now();
        let mut crates = 0_u32;
        let mut compiled = |name: &str| {
            crates += 1;
            let s = if crates == 1 { "" } else { "s" };
            spinner.set_message(format!("building: {crates} crate{s}, {name}, {:.1} s", begun.elapsed().as_secs_f64()));
        };
        spinner.set_message("building");
        let mut said = String::new();
        let kept = Kept { said: &mut said, compiled: &mut compiled };
        let built = build::build(&self.settings, self.profile, Voice::Kept(kept));
        logging::BARS.remove(&spinner);
        if built.is_ok() && !said.trim().is_empty() {
            logging::BARS.suspend(|| {
                // Nobody may be there to read it.
                let _ = io::Write::write_all(&mut io::stderr(), said.as_bytes());
            });
        }
        built
    }
}

fn files_of(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = fs::read_dir(directory)
        .and_then(|files| files.map(|file| Ok(file?.path())).collect())
        .with_context(|| format!("`{}` cannot be read", directory.display()))?;
    files.sort();
    Ok(files)
}

fn hash(files: impl IntoIterator<Item = PathBuf>) -> Result<blake3::Hash> {
    let mut hasher = blake3::Hasher::new();
    for file in files {
        let bytes = fs::read(&file).with_context(|| format!("`{}` cannot be read", file.display()))?;
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(&bytes);
    }
    Ok(hasher.finalize())
}
