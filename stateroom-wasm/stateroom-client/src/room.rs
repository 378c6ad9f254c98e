//! A page's handle to a room.
//!
//! *Invariant:* dropping a [`Room`] leaves the room, and no event follows.
use std::{cell::RefCell, marker::PhantomData, rc::Rc};

use wasm_bindgen_futures::spawn_local;

use crate::{
    connection::ConnectionTask,
    event::{Event, JoinError},
    link::Link,
    options::RoomOptions,
    pending::PendingMessages,
    protocol::Protocol,
    tab_token::TabToken,
};

/// A room that this page has joined, and joins again whenever the connection is lost. Dropping it leaves the room.
#[must_use = "dropping it leaves the room"]
pub struct Room<P: Protocol> {
    link: Rc<Link>,
    _token: Option<TabToken>,
    protocol: PhantomData<fn(P)>,
}

impl<P: Protocol> Room<P> {
    /// Joins a room, and calls `on_event` for each later event: never before this returns, and never within
    /// [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// If no attempt can be made. An unreachable server is reported as [`Event::Lost`].
    pub fn join(options: RoomOptions, on_event: impl FnMut(Event<P::In>) + 'static) -> Result<Self, JoinError> {
        let address = options.address()?;
        let pending = PendingMessages::up_to(options.kept_messages).into();
        let link = Rc::new(Link { socket: RefCell::default(), pending });
        let (token, contested) = options.take_tab_token(&address).unzip();
        let target = options.target(&address, token.as_ref().map(TabToken::get).as_deref());
        let mut task = ConnectionTask::<P, _>::new(&link, target, options, on_event);
        if let Some(contested) = contested.flatten() {
            spawn_local(async move {
                task.set_tab_token(&address, &contested.decide().await);
                task.run(None).await;
            });
        } else {
            let first = task.connect(&link).ok_or(JoinError::Address)?;
            spawn_local(task.run(Some(first)));
        }
        Ok(Room { link, _token: token, protocol: PhantomData })
    }

    /// Sends a message. Returns whether it was accepted: without a connection it is dropped, or kept as configured by
    /// [`kept_messages`](RoomOptions::kept_messages).
    pub fn send(&self, message: &P::Out) -> bool {
        P::encode(message).is_some_and(|message| self.link.send(message))
    }
}
