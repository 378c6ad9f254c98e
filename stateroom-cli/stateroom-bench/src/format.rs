//! Formatting of quantities and of untrusted text for reports.

/// Maximum length of a text from the server, in characters.
const MAX_TEXT_LENGTH: usize = 120;

/// Formats a time in milliseconds in a suitable unit.
pub(crate) fn format_ms(milliseconds: f64) -> String {
    match milliseconds {
        ..1.0 => format!("{:.0} µs", milliseconds * 1e3),
        ..10.0 => format!("{milliseconds:.2} ms"),
        ..1000.0 => format!("{milliseconds:.1} ms"),
        _ => format!("{:.2} s", milliseconds / 1e3),
    }
}

/// Formats a number without decimals, except below 10.
pub(crate) fn format_count(number: f64) -> String {
    if number > 0.0 && number < 10.0 { format!("{number:.1}") } else { format!("{number:.0}") }
}

/// Formats a number of bytes in the largest unit that fits.
pub(crate) fn format_bytes(bytes: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    match units.iter().find(|(bits, _)| bytes >> bits > 0) {
        Some((bits, unit)) => format!("{:.1} {unit}", bytes as f64 / f64::from(1_u32 << bits)),
        None => format!("{bytes} bytes"),
    }
}

/// Formats a number and a noun, with an `s` unless the number is 1.
pub(crate) fn plural(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Returns the beginning of a text on one line, without control characters, which could move the cursor of a terminal.
pub(crate) fn truncate(text: &str) -> String {
    let printable = |character: char| if character.is_control() { ' ' } else { character };
    let truncated: String = text.chars().take(MAX_TEXT_LENGTH).map(printable).collect();
    if text.chars().nth(MAX_TEXT_LENGTH).is_some() { truncated + "…" } else { truncated }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_suitable_units() {
        for (milliseconds, text) in
            [(0.0, "0 µs"), (0.2504, "250 µs"), (1.5, "1.50 ms"), (12.34, "12.3 ms"), (1500.0, "1.50 s")]
        {
            assert_eq!(format_ms(milliseconds), text);
        }
    }

    #[test]
    fn byte_counts_have_suitable_units() {
        for (bytes, text) in [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (128 << 20, "128.0 MiB")] {
            assert_eq!(format_bytes(bytes), text);
        }
    }

    #[test]
    fn truncated_text_is_short_and_printable() {
        assert_eq!(truncate("a\x1b[2J\nb"), "a [2J b");
        assert_eq!(truncate(&"ä".repeat(1000)), "ä".repeat(120) + "…");
    }
}
