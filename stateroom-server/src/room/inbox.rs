//! Where everything that happens to a room arrives, in order.
//!
//! *Invariant:* what readers may fill it with is bounded, they wait while it is full. Leaving, and what the server itself
//! has to say, always fits.
use std::{
    collections::BTreeMap,
    future::poll_fn,
    mem,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
    time::Duration,
};

use stateroom::{
    ClientId, MessagePayload,
    details::ClientDetails,
    http::{Request, Response},
    messages::Effect,
};
use tokio::sync::oneshot;

use crate::{
    limits, lock,
    outbound::{Load, Outbound},
    room::vitals::Vitals,
    settings::Limits,
    websocket::close::CloseCause,
};

/// One connection to a room, by number. A client that comes back is another connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ConnectionId(u64);

/// Somebody who joins.
#[derive(Debug, Clone)]
pub(crate) struct Joins {
    /// What brings the client its number back. A secret.
    pub(crate) token: Option<String>,
    /// What is known of it, if anything is.
    pub(crate) details: Option<Box<ClientDetails>>,
    pub(crate) outbound: Arc<Outbound>,
}

impl Joins {
    fn size(&self) -> usize {
        self.token.as_ref().map_or(0, String::len) + self.details.as_ref().map_or(0, |details| details.size())
    }
}

/// Something that happened.
#[derive(Debug)]
pub(crate) enum Post {
    /// Somebody joins.
    Join { connection: ConnectionId, joins: Joins },
    /// A connection is gone, or is to be closed.
    Leave { connection: ConnectionId, close: Option<CloseCause> },
    /// A client says something.
    Message { connection: ConnectionId, message: MessagePayload },
    /// The service asks for something outside of an event, or the program around the rooms does.
    Effect(Effect),
    /// The program around the rooms asks the service something.
    Call { message: MessagePayload, answer: Answer },
    /// Somebody asks the service something over HTTP.
    Request { request: Box<Request>, answer: oneshot::Sender<Option<Response>> },
    /// The server is about to stop: the clients are closed, each at some time within this one. `done` is dropped when
    /// all are.
    Drain { time: Duration, done: oneshot::Sender<()> },
    /// A client says something, as the program around the rooms has it.
    SayAs { client: ClientId, message: MessagePayload },
    /// The timer fires now, whenever it is set for.
    FireTimer,
    /// The service ends, and another one takes its place.
    Restart,
    /// The room ends. `ended` is dropped when it has.
    Stop { cause: CloseCause, ended: Option<oneshot::Sender<()>> },
}

/// Where a call's answer goes. It is dropped where the room ends before it answers.
pub(crate) type Answer = oneshot::Sender<Option<MessagePayload>>;

impl Post {
    fn size(&self) -> usize {
        size_of::<Post>()
            + match self {
                Post::Message { message, .. } | Post::Call { message, .. } | Post::SayAs { message, .. } => {
                    message.size()
                }
                Post::Effect(effect) => effect.size(),
                Post::Request { request, .. } => request.size(),
                Post::Join { joins, .. } => joins.size(),
                Post::Leave { .. } | Post::Drain { .. } | Post::FireTimer | Post::Restart | Post::Stop { .. } => 0,
            }
    }
}

/// Where everything that happens to a room arrives.
#[derive(Debug)]
pub(crate) struct Inbox {
    state: Mutex<State>,
    max_bytes: usize,
    max_events: usize,
    vitals: Vitals,
}

#[derive(Debug, Default)]
struct State {
    posts: Vec<Post>,
    bytes: usize,
    /// How many were numbered so far.
    connections: u64,
    /// How many of those are in the room, or about to be.
    seated: usize,
    ended: bool,
    /// The actor, while it waits.
    actor: Option<Waker>,
    /// The connections that wait for space.
    readers: BTreeMap<ConnectionId, Waker>,
}

/// The room has ended; nothing fits any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended;

impl Inbox {
    pub(crate) fn new(limits: &Limits) -> Self {
        // One event has to fit, or none would ever be handled.
        let (max_bytes, max_events) = (limits.mailbox_bytes.max(1), limits.mailbox_events.max(1));
        Inbox { state: Mutex::default(), max_bytes, max_events, vitals: Vitals::default() }
    }

    /// A number for a connection that wants to join.
    pub(crate) fn number(&self) -> ConnectionId {
        let mut state = self.lock();
        state.connections += 1;
        ConnectionId(state.connections)
    }

    /// Puts a join in.
    pub(crate) fn join(&self, connection: ConnectionId, joins: Joins) -> Result<(), Ended> {
        let mut state = self.lock();
        if state.ended {
            return Err(Ended);
        }
        state.seated += 1;
        self.put(state, [Post::Join { connection, joins }]);
        Ok(())
    }

    /// Ready when a connection may put something in; else it is woken when it may.
    pub(crate) fn poll_space(&self, connection: ConnectionId, context: &Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.ended || !self.is_full(&state) {
            return Poll::Ready(());
        }
        limits::exceeded(if state.bytes >= self.max_bytes { "mailbox_bytes" } else { "mailbox_events" });
        state.readers.insert(connection, context.waker().clone());
        Poll::Pending
    }

    /// Puts in all that a client has said in one go.
    pub(crate) fn say(&self, connection: ConnectionId, messages: &mut Vec<MessagePayload>) {
        let posts = messages.drain(..).map(|message| Post::Message { connection, message });
        self.put(self.lock(), posts);
    }

    /// Says that a connection is gone, or is to be closed.
    pub(crate) fn leave(&self, connection: ConnectionId, close: Option<CloseCause>) {
        let mut state = self.lock();
        state.seated = state.seated.saturating_sub(1);
        state.readers.remove(&connection);
        self.put(state, [Post::Leave { connection, close }]);
    }

    /// Puts in what the service asks for outside of an event, unless the inbox is full; says whether it was not.
    pub(crate) fn ask(&self, effect: Effect) -> bool {
        let state = self.lock();
        if !state.ended && self.is_full(&state) {
            return false;
        }
        self.put(state, [Post::Effect(effect)]);
        true
    }

    /// Puts in what the program around the rooms wants, as soon as there is space.
    pub(crate) async fn request(&self, post: Post) -> Result<(), Ended> {
        let place = self.number();
        poll_fn(|context| self.poll_space(place, context)).await;
        let state = self.lock();
        if state.ended {
            return Err(Ended);
        }
        self.put(state, [post]);
        Ok(())
    }

    /// Tells the room to close its clients within that time. What comes back is ready when it has.
    pub(crate) fn drain(&self, time: Duration) -> oneshot::Receiver<()> {
        let (done, is_done) = oneshot::channel();
        self.put(self.lock(), [Post::Drain { time, done }]);
        is_done
    }

    /// Tells the room to begin again, with another service.
    pub(crate) fn restart(&self) {
        self.put(self.lock(), [Post::Restart]);
    }

    /// Tells the room to end, and who is in it why.
    pub(crate) fn stop(&self, cause: CloseCause, ended: Option<oneshot::Sender<()>>) {
        self.put(self.lock(), [Post::Stop { cause, ended }]);
    }

    /// Ready when something has arrived; else the actor is woken when something does.
    pub(crate) fn poll_posts(&self, context: &Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if !state.posts.is_empty() {
            return Poll::Ready(());
        }
        state.actor = Some(context.waker().clone());
        Poll::Pending
    }

    /// Exchanges `posts`, which must be empty, for all that has arrived.
    pub(crate) fn take(&self, posts: &mut Vec<Post>) {
        let mut state = self.lock();
        mem::swap(&mut state.posts, posts);
        state.bytes = 0;
        let readers = mem::take(&mut state.readers);
        drop(state);
        readers.into_values().for_each(Waker::wake);
    }

    /// Puts back what was taken and is not handled yet, before all that has arrived since.
    pub(crate) fn put_back(&self, mut posts: Vec<Post>) {
        let mut state = self.lock();
        state.bytes += posts.iter().map(Post::size).sum::<usize>();
        posts.append(&mut state.posts);
        state.posts = posts;
    }

    /// Ends the room, unless something has arrived; says whether it did.
    pub(crate) fn end_if_empty(&self) -> bool {
        let mut state = self.lock();
        state.ended |= state.posts.is_empty();
        state.ended
    }

    /// Ends the room, and gives what had arrived.
    pub(crate) fn end(&self) -> Vec<Post> {
        let mut state = self.lock();
        state.ended = true;
        let readers = mem::take(&mut state.readers);
        let posts = mem::take(&mut state.posts);
        drop(state);
        readers.into_values().for_each(Waker::wake);
        posts
    }

    /// What the room has done so far, for who looks at it from outside.
    pub(crate) fn vitals(&self) -> &Vitals {
        &self.vitals
    }

    /// How many connections the room has.
    pub(crate) fn connections(&self) -> usize {
        self.lock().seated
    }

    /// Whether the room has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.lock().ended
    }

    fn put(&self, mut state: MutexGuard<'_, State>, posts: impl IntoIterator<Item = Post>) {
        // A room that has ended hears no more.
        if state.ended {
            return;
        }
        for post in posts {
            state.bytes += post.size();
            state.posts.push(post);
        }
        let actor = state.actor.take();
        drop(state);
        if let Some(actor) = actor {
            actor.wake();
        }
    }

    fn is_full(&self, state: &State) -> bool {
        state.bytes >= self.max_bytes || state.posts.len() >= self.max_events
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// What a client's messages weigh, as long as they are not handled.
pub(crate) fn load(messages: &[MessagePayload]) -> Load {
    Load { messages: messages.len(), bytes: messages.iter().map(MessagePayload::size).sum() }
}
