//! Which shared secrets are refused.
//!
//! *Invariant:* no public key becomes a secret, in whatever form it is given.
use base64::{
    Engine,
    prelude::{BASE64_STANDARD_NO_PAD as STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD},
};

use super::KeyError;
use crate::key_file::Content;

/// Refuses what is a key, or contains one: whoever has a public key could sign with it.
pub(super) fn refuse_key(secret: &[u8]) -> Result<(), KeyError> {
    let wrong = |content: Content, advice| Err(KeyError::WrongSecret { found: content.noun(), advice });
    match Content::of(secret) {
        content @ Content::Utf16 => wrong(content, "save it as UTF-8"),
        // In any encoding, with any text before it.
        _ if contains_pem(secret) => Err(KeyError::NoSecret),
        // Random bytes may look like the beginning of a key.
        Content::Der | Content::Pkcs12 if !is_whole_der(secret) => Ok(()),
        Content::Text if is_key_in_base64(secret) => wrong(Content::Der, "use it as a key instead, in PEM"),
        Content::Text | Content::Binary | Content::Empty => Ok(()),
        content => wrong(content, "use it as a key instead"),
    }
}

/// Returns whether PEM, or a public key of SSH, is anywhere in a file, in UTF-8, UTF-16 or UTF-32.
fn contains_pem(bytes: &[u8]) -> bool {
    // The latter are the beginnings of `ssh-`, `ecdsa-` and `sk-` keys in Base64, after their length.
    const MARKS: [&[u8]; 5] = [b"---BEGIN", b"AAAAB3NzaC1", b"AAAAC3NzaC1", b"AAAAE2VjZHNh", b"AAAAGnNrL"];
    let text: Vec<u8> = bytes.iter().copied().filter(|byte| !matches!(byte, 0 | b' ')).collect();
    MARKS.iter().any(|mark| text.windows(mark.len()).any(|part| part.eq_ignore_ascii_case(mark)))
}

/// Returns whether a file is a sequence in DER from its first byte to its last.
fn is_whole_der(bytes: &[u8]) -> bool {
    let (length, rest) = match bytes {
        [0x30, 0x81, length, rest @ ..] => (usize::from(*length), rest),
        [0x30, 0x82, high, low, rest @ ..] => (usize::from(*high) << 8 | usize::from(*low), rest),
        [0x30, length, rest @ ..] => (usize::from(*length), rest),
        _ => return false,
    };
    // The parts of a key are sequences and numbers.
    length == rest.len() && matches!(rest.first(), Some(0x02 | 0x30))
}

/// Returns whether a text is DER in Base64, which is a key in PEM without its first and last line, or PEM in Base64.
fn is_key_in_base64(text: &[u8]) -> bool {
    let text: Vec<u8> = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD].into_iter().any(|engine| {
        let text = text.strip_suffix(b"==").or(text.strip_suffix(b"=")).unwrap_or(&text);
        engine.decode(text).is_ok_and(|decoded| is_whole_der(&decoded) || contains_pem(&decoded))
    })
}
