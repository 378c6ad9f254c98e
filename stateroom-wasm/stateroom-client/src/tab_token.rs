//! The token of a tab, which survives a reload and a crash of the page.
//!
//! Duplicating a tab duplicates its storage, and the duplicate is another client. A token that the last page has released on
//! leaving is free. Otherwise either that page has crashed, or this tab is a duplicate and the page is alive: it holds a lock.
//!
//! *Invariant:* two living pages of a browser never have the same token.
use std::{
    cell::RefCell,
    rc::{Rc, Weak},
};

use futures_channel::oneshot;
use futures_util::future::{Either, select};
use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::Storage;

use crate::{
    page::{Listener, window},
    token,
};

#[wasm_bindgen]
extern "C" {
    /// In `web-sys`, it is unstable. Browsers have it on HTTPS and `localhost` only.
    #[wasm_bindgen(catch, js_namespace = ["navigator", "locks"], js_name = request)]
    fn request_lock(name: &str, options: &Object, callback: &Function) -> Result<Promise, JsValue>;
}

/// The token of this tab for a room, until dropped.
pub(crate) struct TabToken {
    state: Rc<State>,
    _listeners: [Listener; 2],
}

/// A token that may belong to another tab.
pub(crate) struct Contested {
    state: Rc<State>,
    new: String,
}

struct State {
    token: RefCell<String>,
    stored: Slot,
    released: Slot,
    /// Releases the lock, if it is held.
    unlock: RefCell<Option<Function>>,
}

impl TabToken {
    /// Takes the token out of the storage, or creates one. Returns `None` if the browser has no random numbers.
    pub(crate) fn take(address: &str) -> Option<(TabToken, Option<Contested>)> {
        let window = window()?;
        let mut random = [0; 16];
        window.crypto().ok()?.get_random_values_with_u8_array(&mut random).ok()?;
        let storage = window.session_storage().ok().flatten();
        let stored = Slot { storage: storage.clone(), name: token::name(address) };
        let released = Slot { storage, name: token::released_name(address) };
        let new = token::stored_or_new(None, random);
        let (token, is_free) = (token::stored_or_new(stored.get(), random), released.get().is_some());
        released.remove();
        let is_contested = token != new && !is_free;
        let state = Rc::new(State { token: RefCell::new(token), stored, released, unlock: RefCell::default() });
        if !is_contested {
            state.keep();
        }
        let (saved, restored) = (Rc::clone(&state), Rc::clone(&state));
        let listeners = [
            Listener::new(&window, "pagehide", move || {
                saved.stored.set(&saved.token.borrow());
                saved.released.set("yes");
            }),
            Listener::new(&window, "pageshow", move || restored.released.remove()),
        ];
        let contested = is_contested.then(|| Contested { state: Rc::clone(&state), new });
        Some((TabToken { state, _listeners: listeners }, contested))
    }

    /// Returns the token, which is not final while it is contested.
    pub(crate) fn get(&self) -> String {
        self.state.token.borrow().clone()
    }
}

impl Contested {
    /// Waits until it is decided whose token it is, and returns that of this tab.
    pub(crate) async fn decide(self) -> String {
        let token = self.state.token.borrow().clone();
        if lock(&token, true, Rc::downgrade(&self.state)).await {
            return token;
        }
        self.state.token.replace(self.new.clone());
        self.state.keep();
        self.new
    }
}

impl State {
    /// Stores the token, and locks it as soon as possible: the last page of this tab may still hold the lock.
    fn keep(self: &Rc<Self>) {
        let (state, token) = (Rc::downgrade(self), self.token.borrow().clone());
        self.stored.set(&token);
        spawn_local(async move {
            lock(&token, false, state).await;
        });
    }
}

impl Drop for TabToken {
    fn drop(&mut self) {
        self.state.stored.remove();
        if let Some(unlock) = self.state.unlock.take() {
            let _ = unlock.call0(&JsValue::NULL);
        }
    }
}

/// Requests the lock of a token, and returns whether this page holds it. Nothing is locked if `state` is gone by then.
async fn lock(token: &str, if_available: bool, state: Weak<State>) -> bool {
    let (sender, granted) = oneshot::channel();
    let callback = Closure::once_into_js(move |lock: JsValue| -> JsValue {
        let state = state.upgrade().filter(|_| !lock.is_null());
        let _ = sender.send(state.is_some());
        let Some(state) = state else { return JsValue::NULL };
        Promise::new(&mut |unlock, _| drop(state.unlock.replace(Some(unlock)))).into()
    });
    let options = Object::new();
    let _ = Reflect::set(&options, &"ifAvailable".into(), &if_available.into());
    let Ok(request) = request_lock(&token::lock_name(token), &options, callback.unchecked_ref()) else { return false };
    // The request fails if the page has no origin.
    match select(granted, JsFuture::from(request)).await {
        Either::Left((granted, _)) => granted.unwrap_or(false),
        Either::Right(_) => false,
    }
}

/// An entry in the tab's storage. It is always empty if the browser denies storage to this page.
#[derive(Clone)]
struct Slot {
    storage: Option<Storage>,
    name: String,
}

impl Slot {
    fn get(&self) -> Option<String> {
        self.storage.as_ref()?.get_item(&self.name).ok()?
    }

    fn set(&self, value: &str) {
        // Full storage is treated like unavailable storage.
        let _ = self.storage.as_ref().map(|storage| storage.set_item(&self.name, value));
    }

    fn remove(&self) {
        let _ = self.storage.as_ref().map(|storage| storage.remove_item(&self.name));
    }
}
