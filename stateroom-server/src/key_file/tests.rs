use super::*;

#[test]
fn recognizes_the_content_of_a_file() {
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let marked = [b"\xff\xfe".to_vec(), utf16("-----BEGIN PUBLIC KEY-----")].concat();
    for (bytes, content) in [
        (&b""[..], Content::Empty),
        (b"\xef\xbb\xbf \r\n", Content::Empty),
        (&marked, Content::Utf16),
        (&utf16("-----BEGIN PUBLIC KEY-----"), Content::Utf16),
        (&utf16("any secret"), Content::Utf16),
        (b"\0a\0b\0", Content::Utf16),
        (&[0; 32], Content::Binary),
        (b"[\"-----BEGIN PUBLIC KEY-----\\nMCow\"]", Content::Escaped),
        (br"-----BEGIN PUBLIC KEY-----\nMCow", Content::Escaped),
        (b"-----BEGIN ENCRYPTED PRIVATE KEY-----", Content::EncryptedKey),
        (b"-----BEGIN RSA PRIVATE KEY-----\r\nProc-Type: 4,ENCRYPTED\r\n", Content::EncryptedKey),
        (b"-----BEGIN EC PRIVATE KEY-----", Content::PrivateKey),
        (b"subject=CN = a\n  -----BEGIN CERTIFICATE-----", Content::Certificate),
        (b"-----BEGIN CERTIFICATE REQUEST-----", Content::Request),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----", Content::OpenSshPrivate),
        (b"ssh-ed25519 AAAA ann@example", Content::OpenSshPublic),
        (b"ecdsa-sha2-nistp256 AAAA", Content::OpenSshPublic),
        (b"PuTTY-User-Key-File-3: ssh-ed25519", Content::Putty),
        (b"-----BEGIN PGP PUBLIC KEY BLOCK-----", Content::Pgp),
        (b"-----BEGIN EC PARAMETERS-----", Content::Parameters),
        (b"-----BEGIN EC PARAMETERS-----\n-----BEGIN EC PRIVATE KEY-----", Content::PrivateKey),
        (b"-----BEGIN SOMETHING-----", Content::OtherPem),
        (b"\x30\x82\x09\xa1\x02\x01\x03\x30", Content::Pkcs12),
        (b"\x30\x82\x01\x22\x30\x0d", Content::Der),
        (&[b"\x30\x2a\x30\x05".to_vec(), vec![1; 40]].concat(), Content::Der),
        (&[b"\x30\x2e\x02\x01".to_vec(), vec![1; 44]].concat(), Content::Der),
        (b"0*0 is a text", Content::Text),
        (b"\x00\x01\xfe\xff", Content::Binary),
        (b"{\"keys\": []}", Content::KeySet),
        (b"{\"kty\": \"OKP\"}", Content::Jwk),
        (b"[{\"kty\": \"OKP\"}]", Content::KeyList),
        (b"{\"1\": \"-----BEGIN CERTIFICATE-----\\nMIIB\"}", Content::CertificatesInJson),
        (b"{\"private_key\": \"-----BEGIN PRIVATE KEY-----\\nMIIB\"}", Content::PrivateKeyInJson),
        (b"-----BEGIN DSA PRIVATE KEY-----", Content::Dsa),
        (b"-----BEGIN TRUSTED CERTIFICATE-----", Content::LabeledCertificate),
        (b"{\"issuer\": \"x\", \"jwks_uri\": \"y\"}", Content::OpenIdConfiguration),
        (b"eyJhbGciOiJIUzI1NiJ9.e30.x", Content::Token),
        (b"MCowBQYDK2VwAyEA", Content::Text),
    ] {
        assert_eq!(Content::of(bytes), content, "{:?}", String::from_utf8_lossy(bytes));
    }
}
