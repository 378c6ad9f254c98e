use super::*;

fn allow(rules: &str, origin: &str, host: &str) -> bool {
    rules.parse::<Origins>().unwrap().allow(origin, Some(host))
}

#[test]
fn same_host_allows_other_ports_and_schemes() {
    for (origin, host, allowed) in [
        ("https://example.com", "example.com", true),
        ("http://example.com:3000", "EXAMPLE.com:8080", true),
        ("http://[::1]:3000", "[::1]:8080", true),
        ("http://192.168.1.5:8080", "192.168.1.5:8080", true),
        ("https://example.com.evil.test", "example.com", false),
        ("https://evil.test", "example.com", false),
        ("https://sub.example.com", "example.com", false),
        ("https://example.com@evil.test", "example.com", false),
        ("null", "example.com", false),
        ("", "example.com", false),
        ("example.com", "example.com", false),
        ("https://example.com/path", "example.com", false),
    ] {
        assert_eq!(allow("same-host", origin, host), allowed, "{origin} to {host}");
    }
    assert!(!Origins::same_host().allow("https://example.com", None));
}

#[test]
fn loopback_allows_all_names_of_the_machine() {
    for (origin, allowed) in [
        ("http://localhost:3000", true),
        ("http://app.localhost", true),
        ("http://127.0.0.1:8080", true),
        ("http://127.9.9.9", true),
        ("http://[::1]:8080", true),
        ("http://localhost.evil.test", false),
        ("http://127.0.0.1.evil.test", false),
        ("http://evillocalhost", false),
        ("http://10.0.0.1", false),
    ] {
        assert_eq!(allow("loopback", origin, "evil.test"), allowed, "{origin}");
    }
}

#[test]
fn lan_allows_the_requested_host_if_nobody_can_register_it() {
    for (origin, host, allowed) in [
        ("http://192.168.1.5:8080", "192.168.1.5:8080", true),
        ("http://192.168.1.5:5173", "192.168.1.5:8080", true),
        ("http://[fe80::1]:8080", "[fe80:0::1]:8080", true),
        ("http://laptop:8080", "laptop:8080", true),
        ("http://Laptop.local:8080", "laptop.LOCAL.:8080", true),
        ("http://laptop.lan:8080", "laptop.lan:8080", true),
        ("http://laptop.home.arpa:8080", "LAPTOP.home.arpa.:8080", true),
        ("http://a.b.internal", "a.b.internal", true),
        ("http://laptop.localdomain", "laptop.localdomain", true),
        ("http://app.test:5173", "app.test:8080", true),
        ("http://laptop.arpa", "laptop.arpa", false),
        ("http://evillan.example", "evillan.example", false),
        ("http://laptop.evillan", "laptop.evillan", false),
        ("http://laptop.fritz.box", "laptop.fritz.box", false),
        ("http://192.168.1.6:8080", "192.168.1.5:8080", false),
        ("http://192.168.1.5", "laptop.local", false),
        // A DNS name that its owner made resolve to this machine.
        ("http://evil.example:8080", "evil.example:8080", false),
        ("http://192.168.1.5.evil.example", "192.168.1.5.evil.example", false),
        ("http://local.evil.example", "local.evil.example", false),
        ("http://evillocal.example", "evillocal.example", false),
    ] {
        assert_eq!(allow("lan", origin, host), allowed, "{origin} to {host}");
        assert_eq!(allow("loopback,lan", origin, host), allowed, "{origin} to {host}");
    }
    assert!(!Origins::local().allow("http://laptop", None));
}

/// All spellings that browsers and apps send, and those that people write.
#[test]
fn every_spelling_of_an_origin_can_be_listed() {
    for (rule, origin) in [
        ("capacitor://localhost", "capacitor://localhost"),
        ("ionic://localhost", "ionic://localhost"),
        ("file://", "file://"),
        ("file:///", "file://"),
        ("app://.", "app://."),
        ("app://-", "app://-"),
        ("app://obsidian.md", "app://obsidian.md"),
        ("tauri://localhost", "tauri://localhost"),
        ("http://tauri.localhost", "http://tauri.localhost"),
        ("wails://wails.localhost:34115", "wails://wails.localhost:34115"),
        ("chrome-extension://abcdefghijklmnopabcdefghijklmnop", "chrome-extension://abcdefghijklmnopabcdefghijklmnop"),
        (
            "moz-extension://4F5D6B1C-3C2E-4E3A-8B0A-000000000000",
            "moz-extension://4f5d6b1c-3c2e-4e3a-8b0a-000000000000",
        ),
        ("safari-web-extension://a-b", "safari-web-extension://A-B"),
        ("vscode-webview://1d7gm4vq", "vscode-webview://1d7gm4vq"),
        ("ms-appx-web://my.app_1.0", "ms-appx-web://my.app_1.0"),
        ("x.y+z://h", "x.y+z://h"),
        ("null", "null"),
        ("http://[0:0::0:1]:3000", "http://[::1]:3000"),
        ("https://[2001:DB8::1]", "https://[2001:db8:0:0::1]:443"),
        ("https://xn--bcher-kva.example", "https://XN--BCHER-KVA.example"),
        ("https://APP.Example.com./", "https://app.example.com"),
        ("https://app.example.com", "https://app.example.com.:443"),
        ("http://app.example.com:80", "http://app.example.com"),
        ("http://my_host:3000", "http://my_host:3000"),
        ("https://*.my_host.example", "https://a_b.my_host.example"),
        ("https://*.example.com/", "https://app.example.com"),
        ("https://*.Example.com./", "https://app.example.com"),
    ] {
        assert!(allow(rule, origin, "x"), "{rule} allows {origin}");
        let other = if origin == "null" { "file://" } else { "https://evil.example" };
        assert!(!allow(rule, other, "x"), "{rule} does not allow {other}");
    }
    for (rule, origin) in [
        ("app://.", "app://-"),
        ("file://", "app://"),
        ("https://app.example.com", "https://app.example.com.."),
        ("https://app.example.com", "https://app.example.com:"),
        ("https://app.example.com", "https://app.example.com/"),
        ("wails://wails:1", "wails://wails"),
    ] {
        assert!(!allow(rule, origin, "x"), "{rule} does not allow {origin}");
    }
}

#[test]
fn a_list_allows_the_listed_origins() {
    let list = "https://app.example.com, https://*.example.org:8443,null";
    for (origin, allowed) in [
        ("https://app.example.com", true),
        ("https://APP.example.com:443", true),
        ("http://app.example.com", false),
        ("https://app.example.com:8443", false),
        ("https://a.b.example.org:8443", true),
        ("https://a.example.org", false),
        ("https://example.org:8443", false),
        ("https://evilexample.org:8443", false),
        ("null", true),
    ] {
        assert_eq!(allow(list, origin, "x"), allowed, "{origin}");
    }
    assert!(allow("same-host,https://app.example.com", "http://x", "x:80"));
    assert!(allow("any", "anything at all", "x"));
}

#[test]
fn parsing_and_display_round_trip() {
    for text in [
        "any",
        "same-host",
        "loopback,null,lan",
        "app://.,file://",
        "http://[::1]:1",
        "https://app.example.com,http://*.example.org:8080",
    ] {
        assert_eq!(text.parse::<Origins>().unwrap().to_string(), text);
    }
    for text in [
        "",
        "a.b",
        "https://",
        "https://.",
        "https://a*.b",
        "https://*.",
        "https://*.*.example.com",
        "https://app.example.com:99999",
        "https://app.example.com:",
        "https://*.example.com//",
        "https://*.127.0.0.1",
        "https://*.[::1]",
        "app://*.",
        "ftp",
        "https://a/b",
        "any,",
        "app://*",
        "file:///x",
    ] {
        assert!(text.parse::<Origins>().is_err(), "{text}");
    }
}
