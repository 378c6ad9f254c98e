//! The measured guests, by name: one row of each benchmark.
use std::{env, fs, path::PathBuf, process::Command};

/// The environment variable with paths of further modules, separated as in `PATH`. They must echo each message.
const VARIABLE: &str = "STATEROOM_BENCH_GUESTS";

/// A measured module.
pub(crate) struct Guest {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    /// Whether texts are echoed as texts, so that rows of texts are meaningful.
    #[allow(dead_code, reason = "not every benchmark has rows of texts")]
    pub(crate) keeps_texts: bool,
}

/// Returns all guests.
pub(crate) fn all() -> Vec<Guest> {
    let bare = |name: &str, bytes: &[u8]| Guest { name: name.to_owned(), bytes: bytes.to_vec(), keeps_texts: true };
    let bare = [
        bare("bare", include_bytes!("../guests/echo.wat")),
        bare("bare, batches", include_bytes!("../guests/batches.wat")),
    ];
    let rust = build_rust().map(|bytes| Guest { name: "rust".to_owned(), bytes, keeps_texts: false });
    let named = env::var_os(VARIABLE).unwrap_or_default();
    let named: Vec<PathBuf> = env::split_paths(&named).filter(|path| !path.as_os_str().is_empty()).collect();
    bare.into_iter().chain(rust).chain(named.into_iter().map(read)).collect()
}

fn read(path: PathBuf) -> Guest {
    let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{VARIABLE} names {}: {error}", path.display()));
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Guest { name, bytes, keeps_texts: true }
}

/// Builds the example `binary-echo`, a typical service.
fn build_rust() -> Option<Vec<u8>> {
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("guests");
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/Cargo.toml");
    let cargo = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--release", "--locked", "--target", "wasm32-wasip1", "--package", "binary-echo"])
        .args(["--manifest-path", manifest, "--target-dir"])
        .arg(&target)
        .status();
    let built = target.join("wasm32-wasip1/release/binary_echo.wasm");
    match fs::read(&built) {
        Ok(bytes) if cargo.as_ref().is_ok_and(|status| status.success()) => Some(bytes),
        _ => {
            eprintln!("skipping the guest `rust`: cargo failed to build the example binary-echo: {cargo:?}");
            eprintln!("hint: rustup target add wasm32-wasip1");
            None
        }
    }
}
