//! Recognizes files that are no modules before they are compiled, and the kind of modules that were rejected.
//!
//! *Invariant:* a file that the compiler accepts and the host can run is never rejected here.
use wasmparser::{Parser, Payload};

/// A kind of file that cannot be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ForeignFormat {
    /// The kind of file, with an article.
    pub(crate) name: &'static str,
    /// Advice to the user.
    pub(crate) hint: &'static str,
}

const NATIVE: &str =
    "it is compiled for a processor, not for WebAssembly: build the service for the target `wasm32-wasip1`";
const ARCHIVE: &str = "unpack it, and use the .wasm file in it";

/// Files by their first bytes.
const MAGIC: &[(&[u8], &str, &str)] = &[
    (b"\x7fELF", "a native program, library or compiled module (ELF)", NATIVE),
    (b"\xcf\xfa\xed\xfe", "a native program or library (Mach-O)", NATIVE),
    (b"\xce\xfa\xed\xfe", "a native program or library (Mach-O)", NATIVE),
    (b"\xca\xfe\xba\xbe", "a native program (Mach-O) or a Java class", NATIVE),
    (b"MZ", "a native program or library for Windows", NATIVE),
    (
        b"!<arch>\n",
        "a static library",
        "set `crate-type = [\"cdylib\"]` under [lib] in Cargo.toml, and use the .wasm file",
    ),
    (b"BC\xc0\xde", "LLVM bitcode", "link it: the service is the .wasm file that the linker writes"),
    (b"\x1f\x8b", "compressed by gzip", "decompress it with `gunzip`"),
    (b"PK\x03\x04", "a zip archive", ARCHIVE),
    (b"\xfd7zXZ\0", "compressed by xz", "decompress it with `unxz`"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd", "decompress it with `unzstd`"),
    (b"BZh", "compressed by bzip2", "decompress it with `bunzip2`"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", ARCHIVE),
    (b"\xff\xfe", "text in UTF-16", "save it as UTF-8"),
    (b"\xfe\xff", "text in UTF-16", "save it as UTF-8"),
    (b"version https://git-lfs", "a pointer of Git LFS", "fetch the file itself with `git lfs pull`"),
    (b"<", "an HTML or XML page", "a download may have failed: fetch the file again"),
    (b"#!", "a script", SERVICE),
    (b"{", "JSON", SERVICE),
    (b"[package]", "a Cargo manifest", "build the crate with `stateroom build`, and use `dist`"),
];
const SERVICE: &str = "use the .wasm file that `stateroom build` writes to `dist`";

/// Modules by the name of a custom section, which modules that run may have as well: with `--emit-relocs`, for example.
const SECTIONS: &[(&str, &str, &str)] = &[
    ("core", "a core dump of a failed module", "use the module that it was written for"),
    ("dylink.0", "a dynamic library", "link it without `-shared` and `-fPIC`"),
    ("dylink", "a dynamic library", "link it without `-shared` and `-fPIC`"),
    ("linking", "an object file", "link it: the service is the .wasm file that the linker writes"),
];

/// Returns the format of a file that cannot be run. `name` is that of the file.
pub(crate) fn foreign_format(name: &str, bytes: &[u8]) -> Option<ForeignFormat> {
    if bytes.is_empty() {
        return Some(ForeignFormat { name: "empty", hint: "a build or a download may have failed: repeat it" });
    }
    if bytes.starts_with(b"\xef\xbb\xbf\0asm") {
        let hint = "an editor or a tool changed the file as if it were text: build or fetch it again";
        return Some(ForeignFormat { name: "binary WebAssembly behind a byte-order mark", hint });
    }
    if let Some(header) = bytes.strip_prefix(b"\0asm") {
        return foreign_binary(header);
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    let begins = |magic: &[u8]| bytes.starts_with(magic) || text.starts_with(magic);
    if let Some((_, name, hint)) = MAGIC.iter().find(|(magic, ..)| begins(magic)) {
        return Some(ForeignFormat { name, hint });
    }
    // For anything else, the compiler would report a missing parenthesis.
    let is_text_format = text.starts_with(b"(") || text.starts_with(b";;") || name.ends_with(".wat");
    (!is_text_format).then_some(ForeignFormat { name: "neither binary WebAssembly nor the text format", hint: SERVICE })
}

fn foreign_binary(header: &[u8]) -> Option<ForeignFormat> {
    match *header {
        [1, 0, 0, 0, ..] => {}
        [_, _, 1, 0, ..] => {
            return Some(ForeignFormat {
                name: "a component",
                hint: "build it for the target `wasm32-wasip1`: `wasm32-wasip2` creates components",
            });
        }
        [_, _, _, _, ..] => {
            let hint = "build it with tools that write version 1";
            return Some(ForeignFormat { name: "of an unknown version of WebAssembly", hint });
        }
        _ => {
            let hint = "a build or a download may have been interrupted: repeat it";
            return Some(ForeignFormat { name: "cut off after its first bytes", hint });
        }
    }
    None
}

/// Returns the kind of a module that was rejected, by its sections. Nothing else is the reason for a module of that kind.
pub(crate) fn foreign_kind(bytes: &[u8]) -> Option<ForeignFormat> {
    let payloads: Vec<_> = Parser::new(0).parse_all(bytes).map_while(Result::ok).collect();
    // Neither core dumps nor object files export anything.
    let exports = payloads.iter().any(|payload| matches!(payload, Payload::ExportSection(_)));
    let mut names = payloads.iter().filter_map(|payload| match payload {
        Payload::CustomSection(section) if !exports || section.name().starts_with("dylink") => Some(section.name()),
        _ => None,
    });
    let (_, name, hint) = names.find_map(|name| SECTIONS.iter().find(|(section, ..)| *section == name))?;
    Some(ForeignFormat { name, hint })
}
