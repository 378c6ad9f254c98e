//! Amounts of memory: parsing and display.

/// Parses a number of bytes: `65536`, `64KiB`, `16MiB`.
pub(crate) fn parse_bytes(text: &str) -> Result<usize, String> {
    const UNITS: [(&str, u32); 3] = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let unit = UNITS.iter().find_map(|(unit, bits)| Some((text.strip_suffix(unit)?, *bits)));
    let (number, bits) = unit.unwrap_or((text, 0));
    let bytes = number.trim_end().parse::<usize>().ok().and_then(|number| number.checked_mul(1 << bits));
    bytes.ok_or_else(|| format!("`{text}` is no number of bytes: write it as `65536`, `64KiB` or `16MiB`"))
}

/// Formats a number of bytes in the largest unit that fits.
pub(crate) fn bytes_text(amount: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    match units.iter().find(|(bits, _)| amount >> bits > 0) {
        Some((bits, unit)) => format!("{:.1} {unit}", amount as f64 / f64::from(1_u32 << bits)),
        None => format!("{amount} bytes"),
    }
}
