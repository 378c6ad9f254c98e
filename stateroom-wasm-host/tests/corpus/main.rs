//! The hostile corpus: guests written to break the host. The first lines of each declare its outcome, which is checked
//! without a server and behind one, next to a well-behaved room that must not be affected.
//!
//! `;; outcome:` is one of
//!
//! - `refused: TEXT`: the module is rejected, and the error contains this text;
//! - `no room: KIND: TEXT`: the module loads, and a room fails to start;
//! - `EVENT: KIND: TEXT`: the room fails in this event of the script (init, connect, message, long message, timer, call,
//!   disconnect), with a fault of this kind and text;
//! - `lives: N effects`: the room does not fail, and requests this number of effects.
//!
//! `;; served: CODE` is the code with which its client is closed behind a server. The default is 1011 for a room that fails
//! in init, connect, a message or call; in all other cases the client stays connected.
mod case;
mod guest;
mod script;
mod served;

use std::{fs, io, path::Path, process::ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};

use case::Case;

fn main() -> io::Result<ExitCode> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/guests");
    let mut files = fs::read_dir(directory)?.map(|file| Ok(file?.path())).collect::<io::Result<Vec<_>>>()?;
    files.sort();
    assert!(!files.is_empty(), "the corpus is empty");
    let trials = files.into_iter().map(|file| {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Trial::test(name, move || check(&file))
    });
    Ok(libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code())
}

fn check(file: &Path) -> Result<(), Failed> {
    let case = Case::parse(&fs::read_to_string(file)?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        script::run(&case).await?;
        served::run(&case).await
    })
}
