//! All connections of a run: they come before anything is measured, and stay until the end.
use std::{
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use anyhow::{Result, bail};
use futures_util::{
    StreamExt,
    future::{BoxFuture, Shared},
    stream,
};
use tokio::{sync::mpsc, task::JoinSet, time::timeout};

use super::{
    args::Bench,
    board::Board,
    connection::{Connection, DUE_AT_ONCE, Members},
    door::Door,
    progress::Progress,
};

/// So many join at the same time.
const AT_ONCE: usize = 64;
/// How long all may take to leave.
const FAREWELL: Duration = Duration::from_secs(2);

/// Resolves when whoever measures has had enough.
pub(crate) type Stop = Shared<BoxFuture<'static, ()>>;

/// All connections.
pub(crate) struct Crowd {
    /// Where those who speak are told what is due.
    pub(crate) speakers: Arc<[mpsc::Sender<u64>]>,
    /// By which the others are kept.
    _listeners: Vec<mpsc::Sender<u64>>,
    rooms: Vec<Members>,
    tasks: JoinSet<()>,
    pub(crate) opened: u32,
}

impl Crowd {
    /// Has all join that can. Why others could not is noted on the board.
    ///
    /// # Errors
    ///
    /// Where nobody could.
    pub(crate) async fn gather(
        bench: &Bench,
        door: &Door,
        board: &Arc<Board>,
        progress: &Progress,
        stop: &Stop,
    ) -> Result<Self> {
        let rooms: Vec<Members> = (0..bench.rooms.min(bench.connections)).map(|_| Members::default()).collect();
        let places = (0..bench.connections).zip(rooms.iter().zip(1..).cycle());
        let join = |(number, (members, room))| async move { (number, members, door.join(room).await) };
        let mut joining = stream::iter(places).map(join).buffer_unordered(AT_ONCE).take_until(stop.clone());
        let (mut speakers, mut listeners) = (Vec::new(), Vec::new());
        let mut tasks = JoinSet::new();
        while let Some((number, members, joined)) = joining.next().await {
            progress.joined();
            let socket = match joined {
                Ok(socket) => socket,
                Err(why) => {
                    board.trouble().refuse(why);
                    continue;
                }
            };
            let (orders, due) = mpsc::channel(DUE_AT_ONCE);
            let speaks = bench.pattern.speaks(number / bench.rooms);
            members.fetch_add(1, Ordering::Relaxed);
            let connection = Connection {
                number,
                members: members.clone(),
                board: board.clone(),
                again: bench.rate(1).is_none().then(|| orders.downgrade()),
                unanswered: Mutex::default(),
            };
            tasks.spawn(connection.stay(socket, due));
            if speaks { speakers.push(orders) } else { listeners.push(orders) }
        }
        drop(joining);
        let crowd =
            Crowd { speakers: speakers.into(), _listeners: listeners, rooms, opened: tasks.len() as u32, tasks };
        if crowd.opened == 0 {
            bail!("no connection could be opened\n{}", refusals(board));
        }
        if crowd.speakers.is_empty() {
            bail!("nobody who would speak could join\n{}", refusals(board));
        }
        Ok(crowd)
    }

    /// How many are still there.
    pub(crate) fn present(&self) -> u32 {
        self.rooms.iter().map(|members| members.load(Ordering::Relaxed)).sum()
    }

    /// Has all leave, politely.
    pub(crate) async fn leave(mut self) {
        drop((self.speakers, self._listeners));
        let _ = timeout(FAREWELL, async { while self.tasks.join_next().await.is_some() {} }).await;
    }
}

fn refusals(board: &Board) -> String {
    let trouble = board.trouble();
    let lines: Vec<_> = trouble.refused().iter().map(|(why, count)| format!("  {count} × {why}")).collect();
    if lines.is_empty() { "  it was stopped before".to_owned() } else { lines.join("\n") }
}
