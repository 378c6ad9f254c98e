//! The hostile corpus: guests that were written to break the host. Each says in its first lines what becomes of it; here
//! that is seen, without a server and behind one, and that a good room goes on beside it.
//!
//! `;; outcome:` is one of
//!
//! - `refused: TEXT`: the module is not loaded, and the message has this text;
//! - `no room: KIND: TEXT`: no room begins with it;
//! - `EVENT: KIND: TEXT`: the room ends in this event of the script (init, connect, message, long message, timer, call,
//!   disconnect), with a fault of this kind and text;
//! - `lives: N effects`: nothing happens to anybody; it has asked for so much.
//!
//! `;; served: CODE` is the code with which its client is closed behind a server; without the line it is 1011 for a room
//! that ends in init, connect, a message or call, and for all others the client stays.
mod case;
mod guest;
mod script;
mod served;

use std::{fs, io, path::Path, process::ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};

use case::Case;

fn main() -> io::Result<ExitCode> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/guests");
    let mut files = fs::read_dir(folder)?.map(|file| Ok(file?.path())).collect::<io::Result<Vec<_>>>()?;
    files.sort();
    assert!(!files.is_empty(), "the corpus is empty");
    let trials = files.into_iter().map(|file| {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Trial::test(name, move || try_out(&file))
    });
    Ok(libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code())
}

fn try_out(file: &Path) -> Result<(), Failed> {
    let case = Case::parse(&fs::read_to_string(file)?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        script::play(&case).await?;
        served::play(&case).await
    })
}
