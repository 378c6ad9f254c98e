//! The modules to test.
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{LazyLock, Mutex, PoisonError},
};

use libtest_mimic::Failed;

use crate::guest;

/// The variable with the paths of further modules.
const VARIABLE: &str = "STATEROOM_TWIN_GUESTS";
/// The examples, and messages that they understand.
const EXAMPLES: &[(&str, &[&str])] = &[
    ("binary-echo", &[]),
    ("chat", &[r#"{"type":"rename","name":"Ann"}"#, r#"{"type":"say","text":"hello"}"#]),
    ("clock", &[]),
    ("counter-service", &["increment", "decrement"]),
    ("echo-server", &[]),
    ("game-loop", &["up", "down", "left", "right", "start"]),
    ("poll", &["yes"]),
    ("randomness", &[]),
    ("shared-cursors", &[r#"{"x":1,"y":2}"#]),
    ("whiteboard", &[]),
];

/// A function that guests may call: broadcasts eight bytes.
const TELL: &str = r"
(func $tell (param $value i64)
  (i32.store (i32.const 64) (i32.const 0))
  (i32.store (i32.const 68) (i32.const 0))
  (i32.store (i32.const 72) (i32.const 0))
  (i64.store (i32.const 76) (i64.const 8))
  (i64.store (i32.const 84) (local.get $value))
  (call $send (i32.const 64) (i32.const 28)))";

/// A module to test.
pub(crate) struct Module {
    pub(crate) name: String,
    /// Returns nothing if the tools to build it are missing.
    pub(crate) load: Box<dyn Fn() -> Result<Option<Vec<u8>>, Failed> + Send + Sync>,
    /// Messages that are more likely than random ones.
    pub(crate) messages: Vec<&'static str>,
    /// Whether it may be a module that cannot be loaded.
    pub(crate) may_fail: bool,
    /// Whether it has effects in each script.
    pub(crate) must_answer: bool,
    /// Whether its effects do not depend on how many events it gets at once.
    pub(crate) ignores_batches: bool,
}

/// Returns all modules.
pub(crate) fn all() -> Vec<Module> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let corpus = files(&tests.join("corpus/guests"), "corpus").map(|module| Module {
        may_fail: true,
        must_answer: false,
        ignores_batches: false,
        ..module
    });
    // Some of them misbehave at random.
    let common = files(&tests.join("guests"), "common").map(|module| Module {
        may_fail: ["batches", "hostile", "raw"].iter().any(|name| module.name.ends_with(name)),
        must_answer: false,
        messages: if module.name.ends_with("room") { vec!["b", "t", "p", "m", "x"] } else { Vec::new() },
        ..module
    });
    let benches = files(&tests.join("../benches/guests"), "bench");
    let examples = EXAMPLES
        .iter()
        .map(|(name, messages)| module(&format!("example/{name}"), messages, move || rust_example(name)));
    let echo = module("corpus/echo", &[], || Ok(Some(guest::complete(guest::ECHO).into_bytes())));
    let c = module("example/c-guest", &["name Ann", "start", "buzz", "bye"], c_example);
    let named = env::var_os(VARIABLE).unwrap_or_default();
    let named: Vec<_> = env::split_paths(&named).filter(|path| !path.as_os_str().is_empty()).collect();
    let named = named.into_iter().map(|path| {
        let name = format!("named/{}", path.file_stem().unwrap_or_default().display());
        module(&name, &["increment", "decrement"], move || Ok(Some(fs::read(&path)?)))
    });
    files(&tests.join("twin/guests"), "twin")
        .chain(common)
        .chain(benches)
        .chain(corpus)
        .chain(examples)
        .chain([echo, c])
        .chain(named)
        .collect()
}

fn module(
    name: &str,
    messages: &[&'static str],
    load: impl Fn() -> Result<Option<Vec<u8>>, Failed> + Send + Sync + 'static,
) -> Module {
    let (name, messages, load) = (name.to_owned(), messages.to_vec(), Box::new(load));
    Module { name, load, messages, may_fail: false, must_answer: true, ignores_batches: true }
}

/// Returns the modules in a directory, in text form.
fn files(directory: &Path, kind: &str) -> impl Iterator<Item = Module> + use<> {
    let mut files: Vec<_> = fs::read_dir(directory).unwrap().map(|file| file.unwrap().path()).collect();
    // Where a budget ends a guest depends on the machine, and takes as long as the budget is.
    files.retain(|file| !fs::read_to_string(file).unwrap().contains("_budget: "));
    files.sort();
    assert!(!files.is_empty(), "{} is empty", directory.display());
    let kind = kind.to_owned();
    files.into_iter().map(move |path| {
        let name = format!("{kind}/{}", path.file_stem().unwrap_or_default().display());
        module(&name, &[], move || {
            let text = fs::read_to_string(&path)?;
            let text = if text.contains("call $tell") { text + TELL } else { text };
            Ok(Some(guest::complete(&text).into_bytes()))
        })
    })
}

/// Builds all examples at once. Returns their directory, or what cargo said.
static RUST_EXAMPLES: LazyLock<Result<PathBuf, String>> = LazyLock::new(|| {
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("guests");
    let cargo = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--release", "--locked", "--target", "wasm32-wasip1", "--lib"])
        .args(EXAMPLES.iter().flat_map(|(name, _)| ["--package", name]))
        .args(["--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/Cargo.toml"), "--target-dir"])
        .arg(&target)
        .output();
    match cargo {
        Ok(output) if output.status.success() => Ok(target.join("wasm32-wasip1/release")),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(error) => Err(error.to_string()),
    }
});

fn rust_example(name: &str) -> Result<Option<Vec<u8>>, Failed> {
    let directory = RUST_EXAMPLES.as_ref()?;
    Ok(Some(fs::read(directory.join(name.replace('-', "_")).with_extension("wasm"))?))
}

/// Builds the example in C, if there is a compiler for it.
fn c_example() -> Result<Option<Vec<u8>>, Failed> {
    static BUILD: Mutex<()> = Mutex::new(());
    let _guard = BUILD.lock().unwrap_or_else(PoisonError::into_inner);
    let has_tool = |tool| Command::new(tool).arg("--version").output().is_ok_and(|output| output.status.success());
    if !["make", "clang", "wasm-ld"].into_iter().all(has_tool) {
        return Ok(None);
    }
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/c-guest");
    let make = Command::new("make").arg("-C").arg(&directory).arg("buzzer.wasm").output()?;
    if !make.status.success() {
        return Err(String::from_utf8_lossy(&make.stderr).into_owned().into());
    }
    Ok(Some(fs::read(directory.join("buzzer.wasm"))?))
}
