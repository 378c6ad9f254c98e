//! The kinds of files that people give as a key or a certificate, to name the one that was given.
//!
//! *Invariant:* a file is named by its kind. No part of its content is in a text.

/// The expected content of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    #[cfg(feature = "jwt")]
    PublicKey,
    #[cfg(feature = "tls")]
    PrivateKey,
    #[cfg(feature = "tls")]
    Certificate,
}

/// The actual content of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    Empty,
    Utf16,
    Escaped,
    EncryptedKey,
    PrivateKey,
    Dsa,
    PublicKey,
    Certificate,
    LabeledCertificate,
    Request,
    OpenSshPrivate,
    OpenSshPublic,
    Putty,
    Pgp,
    Pkcs7,
    Parameters,
    OtherPem,
    Pkcs12,
    Der,
    Binary,
    KeySet,
    KeyList,
    Jwk,
    CertificatesInJson,
    PrivateKeyInJson,
    OpenIdConfiguration,
    Token,
    Text,
}

/// The beginnings of lines by which a content is recognized. The first one found in a file counts, but parameters.
const LINES: [(&str, Content); 21] = [
    ("-----BEGIN ENCRYPTED PRIVATE KEY-----", Content::EncryptedKey),
    ("-----BEGIN OPENSSH PRIVATE KEY-----", Content::OpenSshPrivate),
    ("-----BEGIN PGP ", Content::Pgp),
    ("-----BEGIN PRIVATE KEY-----", Content::PrivateKey),
    ("-----BEGIN RSA PRIVATE KEY-----", Content::PrivateKey),
    ("-----BEGIN EC PRIVATE KEY-----", Content::PrivateKey),
    ("-----BEGIN DSA PRIVATE KEY-----", Content::Dsa),
    ("-----BEGIN PUBLIC KEY-----", Content::PublicKey),
    ("-----BEGIN RSA PUBLIC KEY-----", Content::PublicKey),
    ("-----BEGIN CERTIFICATE REQUEST-----", Content::Request),
    ("-----BEGIN NEW CERTIFICATE REQUEST-----", Content::Request),
    ("-----BEGIN CERTIFICATE-----", Content::Certificate),
    ("-----BEGIN X509 CERTIFICATE-----", Content::LabeledCertificate),
    ("-----BEGIN TRUSTED CERTIFICATE-----", Content::LabeledCertificate),
    ("-----BEGIN PKCS7-----", Content::Pkcs7),
    ("---- BEGIN SSH2 PUBLIC KEY", Content::OpenSshPublic),
    ("ssh-", Content::OpenSshPublic),
    ("ecdsa-sha2-", Content::OpenSshPublic),
    ("PuTTY-User-Key-File", Content::Putty),
    ("-----BEGIN EC PARAMETERS-----", Content::Parameters),
    ("-----BEGIN ", Content::OtherPem),
];

impl Content {
    /// Recognizes the content of a file.
    pub(crate) fn of(bytes: &[u8]) -> Content {
        if is_utf16(bytes) {
            return Content::Utf16;
        }
        match bytes {
            // A sequence in DER. That of PKCS#12 begins with its version, 3.
            [0x30, 0x82, _, _, 2, 1, 3, ..] | [0x30, 0x80, 2, 1, 3, ..] => return Content::Pkcs12,
            [0x30, 0x80..=0x84, ..] => return Content::Der,
            // A short key, of which the second byte is the length.
            [0x30, length, 0x02 | 0x30, rest @ ..] if usize::from(*length) == rest.len() + 1 => return Content::Der,
            _ => {}
        }
        let Ok(text) = std::str::from_utf8(&clean(bytes)).map(str::to_owned) else { return Content::Binary };
        let text = text.trim();
        if text.is_empty() {
            return Content::Empty;
        }
        if text.starts_with(['{', '[']) {
            return of_json(text);
        }
        if text.contains("-----BEGIN ") && text.contains("\\n") {
            return Content::Escaped;
        }
        let of_line = |line: &str| LINES.iter().find(|(beginning, _)| line.starts_with(beginning));
        let contents = || text.lines().filter_map(of_line).map(|(_, content)| *content);
        // Parameters often precede their key.
        match contents().find(|content| *content != Content::Parameters).or_else(|| contents().next()) {
            Some(Content::PrivateKey) if text.contains("Proc-Type: 4,ENCRYPTED") => Content::EncryptedKey,
            Some(content) => content,
            None if text.starts_with("eyJ") && text.matches('.').count() == 2 => Content::Token,
            None if text.contains('\0') => Content::Binary,
            None => Content::Text,
        }
    }

    /// Returns a noun for the content.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Content::Empty => "nothing",
            Content::Utf16 => "text in UTF-16",
            Content::Escaped => "PEM with `\\n` in place of line breaks",
            Content::EncryptedKey => "an encrypted private key",
            Content::PrivateKey => "a private key",
            Content::PublicKey => "a public key",
            Content::Dsa => "a DSA key",
            Content::Certificate => "a certificate",
            Content::LabeledCertificate => "a certificate with a label other than `CERTIFICATE`",
            Content::Request => "a certificate signing request",
            Content::OpenSshPrivate => "a private key in the format of OpenSSH",
            Content::OpenSshPublic => "a public key in the format of SSH",
            Content::Putty => "a key in the format of PuTTY",
            Content::Pgp => "a key or a message of OpenPGP",
            Content::Pkcs7 => "certificates in PKCS#7",
            Content::Parameters => "only the parameters of a key",
            Content::OtherPem => "PEM of another kind",
            Content::Pkcs12 => "a PKCS#12 archive (.p12, .pfx)",
            Content::Der => "binary DER",
            Content::Binary => "binary data",
            Content::KeySet => "a JSON Web Key Set",
            Content::KeyList => "a list of JSON Web Keys",
            Content::Jwk => "a JSON Web Key",
            Content::CertificatesInJson => "certificates in JSON",
            Content::PrivateKeyInJson => "a private key in JSON, such as that of a service account",
            Content::OpenIdConfiguration => "an OpenID configuration",
            Content::Token => "a JSON Web Token",
            Content::Text => "text without a line `-----BEGIN ...-----`",
        }
    }

    /// Returns what to do about a content that is not the wanted one.
    pub(crate) fn advice(self, wanted: Wanted) -> &'static str {
        match (self, wanted) {
            (Content::Empty, _) => "the file is empty",
            (Content::Utf16, _) => "save it as UTF-8",
            (Content::Escaped, _) => "write the line breaks out",
            (Content::OpenIdConfiguration, _) => "download the key set that its `jwks_uri` names",
            (Content::Token, _) => "a token is what the key verifies",
            #[cfg(feature = "jwt")]
            (Content::PrivateKey | Content::EncryptedKey, Wanted::PublicKey) => {
                "only the signer of tokens should have it; extract the public key with `openssl pkey -in FILE -pubout`"
            }
            #[cfg(feature = "jwt")]
            (Content::KeyList, Wanted::PublicKey) => "write it as a key set: `{\"keys\": [...]}`",
            #[cfg(feature = "jwt")]
            (Content::CertificatesInJson, Wanted::PublicKey) => {
                "download the same keys as a JSON Web Key Set, which the `jwks_uri` of the issuer names"
            }
            #[cfg(feature = "jwt")]
            (Content::PrivateKeyInJson, Wanted::PublicKey) => {
                "only the signer of tokens should have it; download the JSON Web Key Set of the issuer"
            }
            #[cfg(feature = "jwt")]
            (Content::Certificate | Content::LabeledCertificate, Wanted::PublicKey) => {
                "extract its public key with `openssl x509 -in FILE -pubkey -noout`"
            }
            #[cfg(feature = "jwt")]
            (Content::Request, Wanted::PublicKey) => {
                "extract its public key with `openssl req -in FILE -pubkey -noout`"
            }
            #[cfg(feature = "jwt")]
            (Content::OpenSshPrivate | Content::OpenSshPublic, Wanted::PublicKey) => {
                "convert its public key with `ssh-keygen -e -m PKCS8 -f FILE`"
            }
            #[cfg(feature = "jwt")]
            (Content::Der, Wanted::PublicKey) => "convert a public key with `openssl pkey -pubin -inform der -in FILE`",
            #[cfg(feature = "jwt")]
            (_, Wanted::PublicKey) => {
                "get the public key from the issuer of the tokens, in PEM or as a JSON Web Key Set"
            }
            #[cfg(feature = "tls")]
            (Content::EncryptedKey, Wanted::PrivateKey) => {
                "decrypt it with `openssl pkey -in FILE -out key.pem`, and protect the result with file permissions"
            }
            #[cfg(feature = "tls")]
            (Content::OpenSshPrivate, Wanted::PrivateKey) => {
                "convert a copy of it with `ssh-keygen -p -m PKCS8 -f COPY`"
            }
            #[cfg(feature = "tls")]
            (Content::Dsa, Wanted::PrivateKey) => "TLS requires a key of RSA, ECDSA or Ed25519",
            #[cfg(feature = "tls")]
            (Content::LabeledCertificate, Wanted::Certificate) => {
                "convert it with `openssl x509 -in FILE -out cert.pem`"
            }
            #[cfg(feature = "tls")]
            (Content::Certificate, Wanted::PrivateKey) | (Content::PrivateKey, Wanted::Certificate) => {
                "the certificate and the key may be the wrong way round"
            }
            #[cfg(feature = "tls")]
            (Content::PublicKey | Content::OpenSshPublic, Wanted::PrivateKey) => {
                "the private half of the key is needed"
            }
            #[cfg(feature = "tls")]
            (Content::Request, Wanted::Certificate) => "use the certificate that the authority issues for it",
            #[cfg(feature = "tls")]
            (Content::Pkcs7, Wanted::Certificate) => "convert it with `openssl pkcs7 -print_certs -in FILE`",
            #[cfg(feature = "tls")]
            (Content::Pkcs12, Wanted::PrivateKey) => {
                "convert it with `openssl pkcs12 -in FILE -nocerts -nodes -out key.pem`"
            }
            #[cfg(feature = "tls")]
            (Content::Pkcs12, Wanted::Certificate) => "convert it with `openssl pkcs12 -in FILE -nokeys -out cert.pem`",
            #[cfg(feature = "tls")]
            (Content::Der, Wanted::PrivateKey) => "convert it with `openssl pkey -inform der -in FILE -out key.pem`",
            #[cfg(feature = "tls")]
            (Content::Der, Wanted::Certificate) => "convert it with `openssl x509 -inform der -in FILE -out cert.pem`",
            #[cfg(feature = "tls")]
            (_, Wanted::PrivateKey) => "use the key in PEM that the certificate was issued for",
            #[cfg(feature = "tls")]
            (_, Wanted::Certificate) => "use the certificate in PEM, followed by its intermediate certificates",
        }
    }
}

/// Recognizes text in UTF-16, with a mark or as half of its bytes are zero.
fn is_utf16(bytes: &[u8]) -> bool {
    let is_marked = matches!(
        bytes,
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'-' | b'{' | b's', 0, ..] | [0, b'-' | b'{' | b's', ..]
    );
    let zeros = |bytes: &mut dyn Iterator<Item = &u8>| bytes.filter(|byte| **byte == 0).count();
    let (all, even) = (zeros(&mut bytes.iter()), zeros(&mut bytes.iter().step_by(2)));
    // In ASCII text, exactly every other byte is zero.
    let is_ascii =
        bytes.len() > 1 && (even == 0 && all == bytes.len() / 2 || all == even && even == bytes.len().div_ceil(2));
    is_ascii || is_marked && all * 3 > bytes.len()
}

fn of_json(text: &str) -> Content {
    let has = |name: &str| text.contains(&format!("\"{name}\""));
    match () {
        () if has("jwks_uri") => Content::OpenIdConfiguration,
        () if has("keys") && text.starts_with('{') => Content::KeySet,
        () if has("kty") && text.starts_with('{') => Content::Jwk,
        () if has("kty") => Content::KeyList,
        () if text.contains("PRIVATE KEY-----") => Content::PrivateKeyInJson,
        () if text.contains("-----BEGIN CERTIFICATE-----") => Content::CertificatesInJson,
        () if text.contains("-----BEGIN ") => Content::Escaped,
        () => Content::Text,
    }
}

/// Returns a text without a byte-order mark, and with plain line ends and no indentation: editors and templates add them.
pub(crate) fn clean(bytes: &[u8]) -> Vec<u8> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let line_end = if bytes.contains(&b'\n') { b'\n' } else { b'\r' };
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == line_end).map(<[u8]>::trim_ascii).collect();
    lines.join(&b'\n')
}

#[cfg(test)]
mod tests;
