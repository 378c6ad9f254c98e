//! Reading the keys that verify tokens, from PEM or a JSON Web Key Set.
//!
//! *Invariant:* a key that was read can verify the tokens of its algorithm. One that cannot is an error or a warning that says
//! why.
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse},
};
use pem::Pem;
use serde_json::Value;

use super::{Key, KeyError, SECRET_BYTES, secret::refuse_key};
use crate::key_file::{Content, Wanted, clean};

/// Maximum number of keys in an error.
const MAX_REASONS: usize = 5;
/// A lower bound of the length in DER of an RSA key of 2048 bits, which verification requires.
const MIN_RSA_BYTES: usize = 256;

/// Reads the keys of a text.
pub(super) fn read(text: &[u8]) -> Result<Vec<Key>, KeyError> {
    let content = Content::of(text);
    let text = clean(text);
    match content {
        Content::KeySet | Content::Jwk => from_json(&text),
        _ => from_pem(&text, content),
    }
}

fn from_pem(text: &[u8], content: Content) -> Result<Vec<Key>, KeyError> {
    let wrong =
        |content: Content| KeyError::WrongContent { found: content.noun(), advice: content.advice(Wanted::PublicKey) };
    let blocks = pem::parse_many(text).map_err(|_| match content {
        Content::PublicKey => KeyError::Unknown,
        content => wrong(content),
    })?;
    // Also one next to its public key.
    if let Some(private) = blocks.iter().find(|block| block.tag().ends_with("PRIVATE KEY")) {
        return Err(match Content::of(pem::encode(private).as_bytes()) {
            Content::PrivateKey => KeyError::Private,
            content => wrong(content),
        });
    }
    let is_public = |block: &&Pem| matches!(block.tag(), "PUBLIC KEY" | "RSA PUBLIC KEY");
    let keys = blocks.iter().filter(is_public).map(from_block).collect::<Result<Vec<_>, _>>()?;
    match content {
        _ if !keys.is_empty() => Ok(keys),
        Content::PublicKey => Err(KeyError::Unknown),
        content => Err(wrong(content)),
    }
}

/// Returns a public key, whose algorithm is that of its object identifiers.
fn from_block(block: &Pem) -> Result<Key, KeyError> {
    // The identifiers of RFC 3279, 5480 and 8410, in DER.
    const RSA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
    const RSA_PSS: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a";
    const EC: &[u8] = b"\x2a\x86\x48\xce\x3d\x02\x01";
    const P256: &[u8] = b"\x2a\x86\x48\xce\x3d\x03\x01\x07";
    const ED25519: &[u8] = b"\x06\x03\x2b\x65\x70";
    let der = block.contents();
    // The identifiers are at the beginning.
    let has = |identifier: &[u8]| der.windows(identifier.len()).take(32).any(|bytes| bytes == identifier);
    let pem = pem::encode(block);
    let pem = pem.as_bytes();
    let (algorithm, key) = if block.tag() == "RSA PUBLIC KEY" || has(RSA) {
        if der.len() < MIN_RSA_BYTES {
            return Err(KeyError::Unsupported("an RSA key of less than 2048 bits"));
        }
        (Algorithm::RS256, DecodingKey::from_rsa_pem(pem))
    } else if has(EC) && has(P256) {
        (Algorithm::ES256, DecodingKey::from_ec_pem(pem))
    } else if has(ED25519) {
        (Algorithm::EdDSA, DecodingKey::from_ed_pem(pem))
    } else if has(EC) {
        return Err(KeyError::Unsupported("an EC key of another curve than P-256"));
    } else if has(RSA_PSS) {
        return Err(KeyError::Unsupported("an RSA-PSS key"));
    } else {
        return Err(KeyError::Unsupported("a public key of an unknown kind"));
    };
    let key = key.map_err(|_| KeyError::Unknown)?;
    Ok(Key { id: None, algorithm, key })
}

fn from_json(text: &[u8]) -> Result<Vec<Key>, KeyError> {
    let invalid = |error: serde_json::Error| KeyError::KeySet(error.into());
    let json: Value = serde_json::from_slice(text).map_err(invalid)?;
    let set: JwkSet = match json.get("keys") {
        // From the text, so that an error names its line.
        Some(_) => serde_json::from_slice(text).map_err(invalid)?,
        None => JwkSet { keys: vec![serde_json::from_slice(text).map_err(invalid)?] },
    };
    let raw_keys = json.get("keys").and_then(Value::as_array).map_or(std::slice::from_ref(&json), Vec::as_slice);
    if raw_keys.iter().any(|key| key.get("d").is_some()) {
        tracing::warn!("the key set contains a private key, which only the signer of tokens should have");
    }
    let mut problems = Vec::new();
    let mut keys = Vec::new();
    for (jwk, raw) in set.keys.iter().zip(raw_keys) {
        match from_jwk(jwk, raw) {
            Ok(key) => keys.push(key),
            Err(problem) => {
                let id = jwk.common.key_id.as_deref().unwrap_or("without an ID");
                problems.push(format!("key `{id}` is {problem}"));
            }
        }
    }
    problems.truncate(MAX_REASONS);
    match (keys.is_empty(), problems.is_empty()) {
        (true, true) => Err(KeyError::Empty),
        (true, false) => Err(KeyError::NoUsableKey(problems.join("; "))),
        (false, _) => {
            // Key sets usually contain keys for encryption.
            for problem in problems.iter().filter(|problem| !problem.ends_with(FOR_ENCRYPTION)) {
                tracing::warn!("a key of the key set is ignored: {problem}");
            }
            Ok(keys)
        }
    }
}

const FOR_ENCRYPTION: &str = "not for signatures (`use`)";

/// Returns why the parameters of a key are of no algorithm.
fn unusable(raw: &Value) -> &'static str {
    let text = |name: &str| raw.get(name).and_then(Value::as_str);
    match (text("kty"), text("crv")) {
        (Some("EC"), Some("P-256")) | (Some("OKP"), Some("Ed25519")) | (Some("RSA" | "oct"), _) => {
            "incomplete: one of its parameters is missing, or no text"
        }
        (Some("EC"), _) => "of another curve than P-256",
        (Some("OKP"), _) => "of another curve than Ed25519",
        _ => "of another kind than RSA, EC, OKP and oct (`kty`)",
    }
}

/// Returns a key of a set, or why it cannot be used.
fn from_jwk(jwk: &Jwk, raw: &Value) -> Result<Key, &'static str> {
    if jwk.common.public_key_use.as_ref().is_some_and(|purpose| *purpose != PublicKeyUse::Signature) {
        return Err(FOR_ENCRYPTION);
    }
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => Algorithm::ES256,
        AlgorithmParameters::OctetKeyPair(curve) if curve.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
        AlgorithmParameters::OctetKey(_) => Algorithm::HS256,
        _ => return Err(unusable(raw)),
    };
    if jwk.common.key_algorithm.is_some_and(|declared| declared != KeyAlgorithm::from(algorithm)) {
        return Err("for another algorithm than RS256, ES256, EdDSA and HS256 (`alg`)");
    }
    let key = DecodingKey::from_jwk(jwk).map_err(|_| "damaged")?;
    if algorithm == Algorithm::HS256 && key.try_get_as_bytes().is_ok_and(|it| it.len() < SECRET_BYTES) {
        return Err("a secret of less than 32 bytes");
    }
    if algorithm == Algorithm::HS256 && key.try_get_as_bytes().is_ok_and(|it| refuse_key(it).is_err()) {
        return Err("a secret that is a public key");
    }
    if let AlgorithmParameters::RSA(rsa) = &jwk.algorithm
        && rsa.n.len() < MIN_RSA_BYTES * 4 / 3
    {
        return Err("an RSA key of less than 2048 bits");
    }
    Ok(Key { id: jwk.common.key_id.clone(), algorithm, key })
}
