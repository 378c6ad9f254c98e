//! What a module is made of, in words.
use std::{collections::BTreeMap, path::Path};

use super::{Anatomy, Interface};
use crate::ui::report::{bold, bytes, columns};

/// How many crates are listed.
const MOST_CRATES: usize = 10;

impl Anatomy {
    /// All of it, for people.
    pub(crate) fn describe(&self, module: &Path) -> String {
        let mut text = columns(&self.summary(module), "");
        self.append_imports(&mut text);
        let function = |name: &str, size: usize| [bytes(size as u64), self.percent(size), name.to_owned()];
        let functions: Vec<_> = self.functions.iter().map(|listed| function(&listed.name, listed.bytes)).collect();
        append(&mut text, "functions, the largest first", &columns(&functions, "  "));
        let crates = self.crates.iter().take(MOST_CRATES);
        let crates: Vec<_> =
            crates.map(|share| function(share.name.as_deref().unwrap_or("(no crate)"), share.bytes)).collect();
        append(&mut text, "crates, the largest first", &columns(&crates, "  "));
        let custom: Vec<_> =
            self.custom_sections.iter().map(|section| [bytes(section.bytes as u64), section.name.clone()]).collect();
        append(&mut text, "custom sections", &columns(&custom, "  "));
        if self.debug_bytes > 0 {
            text.push_str(
                "  hint: debug information gives faults their line numbers, and no more: `strip = \"debuginfo\"` under \
                 [profile.release] in Cargo.toml leaves it out\n",
            );
        }
        text.push('\n');
        text
    }

    fn summary(&self, module: &Path) -> Vec<[String; 2]> {
        let mut rows = vec![
            ["module".to_owned(), format!("{}, {}", module.display(), bytes(self.bytes as u64))],
            ["interface".to_owned(), self.interface.describe()],
        ];
        if let Some(memory) = &self.memory {
            rows.push(["memory".to_owned(), range(bytes(memory.minimum_bytes), memory.maximum_bytes.map(bytes))]);
        }
        for table in &self.tables {
            let maximum = table.maximum.map(|most| most.to_string());
            rows.push(["table".to_owned(), range(format!("{} elements", table.minimum), maximum)]);
        }
        rows.push([
            "code".to_owned(),
            format!("{} in {} functions", bytes(self.code_bytes as u64), self.function_count),
        ]);
        rows.push(["data".to_owned(), bytes(self.data_bytes as u64)]);
        if !self.producers.is_empty() {
            // Without dates and commits.
            let short = |producer: &String| producer.split(" (").next().unwrap_or_default().to_owned();
            rows.push(["made by".to_owned(), self.producers.iter().map(short).collect::<Vec<_>>().join(", ")]);
        }
        rows
    }

    /// A line for each module that is imported from, and one for each import that the host does not have.
    fn append_imports(&self, text: &mut String) {
        let mut offered: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for import in self.imports.iter().filter(|import| import.offered) {
            offered.entry(&import.module).or_default().push(&import.name);
        }
        let offered = offered.into_iter().map(|(module, names)| [module.to_owned(), names.join(", ")]);
        let refused = self.imports.iter().filter(|import| !import.offered);
        let refused =
            refused.map(|import| [import.module.clone(), format!("{}: the host does not offer it", import.name)]);
        append(text, "imports", &columns(&offered.chain(refused).collect::<Vec<_>>(), "  "));
    }

    fn percent(&self, size: usize) -> String {
        format!("{:.1} %", size as f64 * 100.0 / self.code_bytes.max(1) as f64)
    }
}

impl Interface {
    fn describe(&self) -> String {
        let (Some(version), Some(protocol)) = (self.version, self.protocol) else {
            return "none that it tells without being run".to_owned();
        };
        let more = match (self.greeting, self.rows) {
            (_, true) => "; it takes a greeting, and several events at once",
            (true, false) => "; it takes a greeting, and one event at a time",
            (false, false) => "; it takes no greeting, and one event at a time",
        };
        format!("version {version}, protocol {protocol}{more}")
    }
}

fn range(minimum: String, maximum: Option<String>) -> String {
    let maximum = maximum.map_or_else(|| "no maximum of its own".to_owned(), |maximum| format!("at most {maximum}"));
    format!("{minimum} to begin with, {maximum}")
}

fn append(text: &mut String, heading: &str, lines: &str) {
    if !lines.is_empty() {
        text.push_str(&format!("\n{}\n{lines}", bold(heading)));
    }
}
