//! Sets of limits by name.
use std::{fmt, str::FromStr};

use stateroom_server::Limits;

use super::limits::LimitSettings;

/// What limits are where they are not set one by one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Preset {
    /// Those of the libraries.
    #[default]
    Open,
    /// Those for rooms that anybody on the internet may join.
    Public,
}

impl Preset {
    /// Its limits.
    pub(crate) fn limits(self) -> LimitSettings {
        match self {
            Preset::Open => LimitSettings::defaults(),
            Preset::Public => LimitSettings::of(&Limits::public(), &stateroom_wasm_host::WasmHostConfig::default()),
        }
    }
}

impl FromStr for Preset {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "open" => Ok(Preset::Open),
            "public" => Ok(Preset::Public),
            _ => Err(format!("there is no preset `{text}`: write `open` or `public`")),
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

/// What a limit is in the preset `public`, as it is written.
#[cfg(test)]
pub(crate) fn in_public(limit: &str) -> Option<String> {
    let limits = toml::Table::try_from(Preset::Public.limits()).ok()?;
    Some(match limits.get(limit)? {
        toml::Value::String(text) => text.clone(),
        value => value.to_string(),
    })
}
