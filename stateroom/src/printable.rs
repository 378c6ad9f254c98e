//! Text of others on a terminal: guests, modules, files and clients choose it.
//!
//! *Invariant:* escaped text cannot control a terminal, nor show its characters in another order than they are in.
use std::borrow::Cow;

/// Escapes what is no printable text, except for line ends and tabs: control characters, those of C1 included, and the marks of
/// Unicode that change the direction of text, or cannot be seen.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(is_special) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_special(character) {
            escaped.extend(character.escape_unicode());
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

/// Escapes text as [`escape`] does, except for the sequences that set colors.
pub fn escape_all_but_colors(text: &str) -> Cow<'_, str> {
    if !text.contains(is_special) {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split("\x1b[");
    let mut escaped = escape(parts.next().unwrap_or_default()).into_owned();
    for part in parts {
        let end = part.find(|character: char| !character.is_ascii_digit() && character != ';');
        let is_color = end.is_some_and(|end| part.get(end..).is_some_and(|rest| rest.starts_with('m')));
        escaped.push_str(if is_color { "\x1b[" } else { "\\u{1b}[" });
        escaped.push_str(&escape(part));
    }
    Cow::Owned(escaped)
}

/// Returns whether a character is escaped.
pub fn is_special(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        // Joiners, U+200C and U+200D, are part of words and of emoji.
        '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        '\u{180e}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => true,
        other => other.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_without_special_characters_is_unchanged() {
        for text in ["", "a\tb\nc", "Grüße, 世界, مرحبا, 👩\u{200d}💻"] {
            assert!(matches!(escape(text), Cow::Borrowed(same) if same == text), "{text}");
            assert!(matches!(escape_all_but_colors(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn what_controls_a_terminal_or_the_order_of_text_is_escaped() {
        for character in
            "\0\x07\x08\r\x1b\x7f\u{80}\u{9b}\u{61c}\u{200e}\u{200f}\u{202a}\u{202e}\u{2066}\u{2069}\u{feff}".chars()
        {
            let text = format!("a{character}b");
            let expected = format!("a\\u{{{:x}}}b", u32::from(character));
            assert_eq!(escape(&text), expected);
            assert_eq!(escape_all_but_colors(&text), expected);
        }
    }

    #[test]
    fn colors_may_be_kept() {
        assert_eq!(escape_all_but_colors("\x1b[1;31mred\x1b[0m"), "\x1b[1;31mred\x1b[0m");
        assert_eq!(escape_all_but_colors("\x1b[mred\x1b[2J\x1b]0;x\x07"), "\x1b[mred\\u{1b}[2J\\u{1b}]0;x\\u{7}");
        assert_eq!(escape_all_but_colors("\x1b[1"), "\\u{1b}[1");
        assert_eq!(escape("\x1b[1m"), "\\u{1b}[1m");
    }
}
