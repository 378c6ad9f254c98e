//! What a browser has: the page's address, a store for each tab, random numbers, events.
//!
//! *Invariant:* elsewhere there is no page; then nothing here calls a browser.
use wasm_bindgen::prelude::*;
use web_sys::{Storage, UrlSearchParams, Window};

use crate::token;

/// The page's window.
pub(crate) fn window() -> Option<Window> {
    if cfg!(all(target_arch = "wasm32", target_os = "unknown")) { web_sys::window() } else { None }
}

/// What addresses in the page are relative to.
pub(crate) fn address() -> Option<String> {
    window()?.document()?.base_uri().ok()?
}

/// The name of the room that the page is about: `?room=NAME` in its address, else `1`.
#[must_use]
pub fn room_of_page() -> String {
    let said = || UrlSearchParams::new_with_str(&window()?.location().search().ok()?).ok()?.get("room");
    said().filter(|name| !name.is_empty()).unwrap_or_else(|| "1".to_owned())
}

/// The token of this tab for a room.
///
/// It is in the tab's store only while the page is not there, as when it is loaded again: who duplicates a tab duplicates
/// the store, and is somebody else.
pub(crate) struct TabToken {
    token: String,
    _listeners: [Listener; 2],
}

impl TabToken {
    /// Takes it out of the store, or makes a new one. There is none where the browser has no random numbers.
    pub(crate) fn take(address: &str) -> Option<TabToken> {
        let window = window()?;
        let mut random = [0; 16];
        window.crypto().ok()?.get_random_values_with_u8_array(&mut random).ok()?;
        let slot = Slot { store: window.session_storage().ok().flatten(), name: token::name(address) };
        let token = token::stored_or_new(slot.get(), random);
        slot.remove();
        let (kept, again) = (token.clone(), slot.clone());
        let listeners = [
            Listener::new(&window, "pagehide", move || slot.set(&kept)),
            Listener::new(&window, "pageshow", move || again.remove()),
        ];
        Some(TabToken { token, _listeners: listeners })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.token
    }
}

/// A place in the tab's store. Where the browser lets this page store nothing, it is always empty.
#[derive(Clone)]
struct Slot {
    store: Option<Storage>,
    name: String,
}

impl Slot {
    fn get(&self) -> Option<String> {
        self.store.as_ref()?.get_item(&self.name).ok()?
    }

    fn set(&self, value: &str) {
        // A full store is as one that is not there.
        let _ = self.store.as_ref().map(|store| store.set_item(&self.name, value));
    }

    fn remove(&self) {
        let _ = self.store.as_ref().map(|store| store.remove_item(&self.name));
    }
}

/// Calls a function whenever something happens to the window, until it is dropped.
pub(crate) struct Listener {
    window: Window,
    event: &'static str,
    callback: Closure<dyn FnMut()>,
}

impl Listener {
    pub(crate) fn new(window: &Window, event: &'static str, callback: impl FnMut() + 'static) -> Listener {
        let callback = Closure::<dyn FnMut()>::new(callback);
        // This can only fail for what is no function.
        let _ = window.add_event_listener_with_callback(event, callback.as_ref().unchecked_ref());
        Listener { window: window.clone(), event, callback }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let callback = self.callback.as_ref().unchecked_ref();
        let _ = self.window.remove_event_listener_with_callback(self.event, callback);
    }
}
