//! Named sets of limits.
use std::{fmt, str::FromStr};

use stateroom_server::Limits;
use stateroom_wasm_host::WasmHostConfig;

use super::limits::{LimitSettings, MemoryLimit};

/// The limits that apply where none are set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Preset {
    /// The defaults of the libraries.
    #[default]
    Open,
    /// Limits for rooms that anybody on the internet may join.
    Public,
}

impl Preset {
    /// Returns the limits of the preset.
    pub(super) fn limits(self) -> LimitSettings {
        match self {
            Preset::Open => LimitSettings::defaults(),
            Preset::Public => {
                LimitSettings::read(&Limits::public(), &MemoryLimit::default(), &WasmHostConfig::default())
            }
        }
    }
}

impl FromStr for Preset {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "open" => Ok(Preset::Open),
            "public" => Ok(Preset::Public),
            _ => Err(format!("`{text}` is not a preset: use `open` or `public`")),
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Preset::Open => "open",
            Preset::Public => "public",
        })
    }
}

/// Returns the value of a limit in the preset `public`, as in `stateroom.toml`.
#[cfg(test)]
pub(crate) fn public_limit(limit: &str) -> Option<toml::Value> {
    toml::Table::try_from(Preset::Public.limits()).ok()?.remove(limit)
}
