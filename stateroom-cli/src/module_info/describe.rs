//! The description of a module as text.
use std::{collections::BTreeMap, path::Path};

use stateroom_quantity::Bytes;

use super::{Interface, ModuleInfo};
use crate::ui::report::{bold, columns};

/// The number of crates that are listed.
const MAX_CRATES: usize = 10;

impl ModuleInfo {
    /// Formats the description.
    pub(crate) fn describe(&self, module: &Path) -> String {
        let mut text = columns(&self.summary(module), "");
        self.append_imports(&mut text);
        let function = |name: &str, size: usize| [size_text(size), self.percent(size), name.to_owned()];
        let functions: Vec<_> = self.functions.iter().map(|listed| function(&listed.name, listed.bytes)).collect();
        append(&mut text, "functions, largest first", &columns(&functions, "  "));
        let crates = self.crates.iter().take(MAX_CRATES);
        let crates: Vec<_> =
            crates.map(|size| function(size.name.as_deref().unwrap_or("(no crate)"), size.bytes)).collect();
        append(&mut text, "crates, largest first", &columns(&crates, "  "));
        let custom: Vec<_> =
            self.custom_sections.iter().map(|section| [size_text(section.bytes), section.name.clone()]).collect();
        append(&mut text, "custom sections", &columns(&custom, "  "));
        if self.debug_bytes > 0 {
            text.push_str(
                "  hint: debug information only adds line numbers to faults: remove it with `strip = \"debuginfo\"` under \
                 [profile.release] in Cargo.toml\n",
            );
        }
        text.push('\n');
        text
    }

    fn summary(&self, module: &Path) -> Vec<[String; 2]> {
        let mut rows = vec![
            ["module".to_owned(), format!("{}, {}", module.display(), size_text(self.bytes))],
            ["interface".to_owned(), self.interface.describe()],
            [
                "durable".to_owned(),
                self.not_durable.as_ref().map_or("yes".to_owned(), |reason| format!("no, {reason}")),
            ],
        ];
        if let Some(memory) = &self.memory {
            rows.push(["memory".to_owned(), range(bytes(memory.minimum_bytes), memory.maximum_bytes.map(bytes))]);
        }
        for table in &self.tables {
            let maximum = table.maximum.map(|most| most.to_string());
            rows.push(["table".to_owned(), range(format!("{} elements", table.minimum), maximum)]);
        }
        rows.push(["code".to_owned(), format!("{} in {} functions", size_text(self.code_bytes), self.function_count)]);
        rows.push(["data".to_owned(), size_text(self.data_bytes)]);
        if !self.producers.is_empty() {
            // Without dates and commits.
            let short = |producer: &String| producer.split(" (").next().unwrap_or_default().to_owned();
            rows.push(["producers".to_owned(), self.producers.iter().map(short).collect::<Vec<_>>().join(", ")]);
        }
        rows
    }

    /// Appends a line for each module that is imported from, and one for each import that the host does not offer.
    fn append_imports(&self, text: &mut String) {
        let mut offered: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for import in self.imports.iter().filter(|import| import.offered) {
            offered.entry(&import.module).or_default().push(&import.name);
        }
        let offered = offered.into_iter().map(|(module, names)| [module.to_owned(), names.join(", ")]);
        let refused = self.imports.iter().filter(|import| !import.offered);
        let refused =
            refused.map(|import| [import.module.clone(), format!("{}: not offered by the host", import.name)]);
        append(text, "imports", &columns(&offered.chain(refused).collect::<Vec<_>>(), "  "));
    }

    fn percent(&self, size: usize) -> String {
        format!("{:.1} %", size as f64 * 100.0 / self.code_bytes.max(1) as f64)
    }
}

impl Interface {
    fn describe(&self) -> String {
        let (Some(version), Some(protocol)) = (self.version, self.protocol) else {
            return "unknown without running the module".to_owned();
        };
        let more = match (self.greeting, self.rows) {
            (_, true) => "; supports extensions and batches of events",
            (true, false) => "; supports extensions",
            (false, false) => "; no extensions",
        };
        format!("version {version}, protocol {protocol}{more}")
    }
}

fn range(minimum: String, maximum: Option<String>) -> String {
    let maximum = maximum.map_or_else(|| "no maximum".to_owned(), |maximum| format!("maximum {maximum}"));
    format!("initially {minimum}, {maximum}")
}

fn bytes(size: u64) -> String {
    Bytes(size).approximate()
}

fn size_text(size: usize) -> String {
    bytes(size as u64)
}

fn append(text: &mut String, heading: &str, lines: &str) {
    if !lines.is_empty() {
        text.push_str(&format!("\n{}\n{lines}", bold(heading)));
    }
}
