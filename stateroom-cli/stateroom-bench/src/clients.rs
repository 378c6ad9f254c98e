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
    connection::{Connection, DUE_AT_ONCE, RoomSize},
    connector::Connector,
    progress::Progress,
    run_state::RunState,
};

/// So many join at the same time.
const AT_ONCE: usize = 64;
/// How long all may take to leave.
const FAREWELL: Duration = Duration::from_secs(2);

/// Resolves when whoever measures has had enough.
pub(crate) type Stop = Shared<BoxFuture<'static, ()>>;

/// All connections.
pub(crate) struct Clients {
    /// Where those who speak are told what is due.
    pub(crate) speakers: Arc<[mpsc::Sender<u64>]>,
    /// By which the others are kept.
    _listeners: Vec<mpsc::Sender<u64>>,
    rooms: Vec<RoomSize>,
    tasks: JoinSet<()>,
    pub(crate) opened: u32,
}

impl Clients {
    /// Has all join that can. Why others could not is noted on the board.
    ///
    /// # Errors
    ///
    /// Where nobody could.
    pub(crate) async fn gather(
        bench: &Bench,
        connector: &Connector,
        state: &Arc<RunState>,
        progress: &Progress,
        stop: &Stop,
    ) -> Result<Self> {
        let rooms: Vec<RoomSize> = (0..bench.rooms.min(bench.connections)).map(|_| RoomSize::default()).collect();
        let places = (0..bench.connections).zip(rooms.iter().zip(1..).cycle());
        let join = |(number, (members, room))| async move { (number, members, connector.join(room).await) };
        let mut joining = stream::iter(places).map(join).buffer_unordered(AT_ONCE).take_until(stop.clone());
        let (mut speakers, mut listeners) = (Vec::new(), Vec::new());
        let mut tasks = JoinSet::new();
        while let Some((number, members, joined)) = joining.next().await {
            progress.joined();
            let socket = match joined {
                Ok(socket) => socket,
                Err(why) => {
                    state.errors().refuse(why);
                    continue;
                }
            };
            let (orders, due) = mpsc::channel(DUE_AT_ONCE);
            let speaks = bench.pattern.speaks(number / bench.rooms);
            members.fetch_add(1, Ordering::Relaxed);
            let connection = Connection {
                number,
                members: members.clone(),
                state: state.clone(),
                again: bench.rate(1).is_none().then(|| orders.downgrade()),
                unanswered: Mutex::default(),
            };
            tasks.spawn(connection.stay(socket, due));
            if speaks { speakers.push(orders) } else { listeners.push(orders) }
        }
        drop(joining);
        let clients =
            Clients { speakers: speakers.into(), _listeners: listeners, rooms, opened: tasks.len() as u32, tasks };
        if clients.opened == 0 {
            bail!("no connection could be opened\n{}", refusals(state));
        }
        if clients.speakers.is_empty() {
            bail!("nobody who would speak could join\n{}", refusals(state));
        }
        Ok(clients)
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

fn refusals(state: &RunState) -> String {
    let errors = state.errors();
    let lines: Vec<_> = errors.refused().iter().map(|(why, count)| format!("  {count} × {why}")).collect();
    if lines.is_empty() { "  it was stopped before".to_owned() } else { lines.join("\n") }
}
