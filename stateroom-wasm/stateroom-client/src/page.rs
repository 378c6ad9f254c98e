//! The browser: the page's address, the tab's storage, random numbers, window events.
//!
//! *Invariant:* outside of a browser there is no page, and no browser API is called.
use wasm_bindgen::prelude::*;
use web_sys::{Storage, UrlSearchParams, Window};

use crate::token;

/// Returns the page's window.
pub(crate) fn window() -> Option<Window> {
    if cfg!(all(target_arch = "wasm32", target_os = "unknown")) { web_sys::window() } else { None }
}

/// Returns the base URL of relative addresses in the page.
pub(crate) fn address() -> Option<String> {
    window()?.document()?.base_uri().ok()?
}

/// Returns the name of the page's room: `?room=NAME` in its address, or else `1`.
#[must_use]
pub fn room_of_page() -> String {
    let from_query = || UrlSearchParams::new_with_str(&window()?.location().search().ok()?).ok()?.get("room");
    from_query().filter(|name| !name.is_empty()).unwrap_or_else(|| "1".to_owned())
}

/// The token of this tab for a room.
///
/// It is in the tab's storage only while the page is unloaded, for example during a reload: duplicating a tab duplicates its
/// storage, and the duplicate is another client.
pub(crate) struct TabToken {
    token: String,
    _listeners: [Listener; 2],
}

impl TabToken {
    /// Takes the token out of the storage, or creates one. Returns `None` if the browser has no random numbers.
    pub(crate) fn take(address: &str) -> Option<TabToken> {
        let window = window()?;
        let mut random = [0; 16];
        window.crypto().ok()?.get_random_values_with_u8_array(&mut random).ok()?;
        let slot = Slot { storage: window.session_storage().ok().flatten(), name: token::name(address) };
        let token = token::stored_or_new(slot.get(), random);
        slot.remove();
        let (saved, restored) = (token.clone(), slot.clone());
        let listeners = [
            Listener::new(&window, "pagehide", move || slot.set(&saved)),
            Listener::new(&window, "pageshow", move || restored.remove()),
        ];
        Some(TabToken { token, _listeners: listeners })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.token
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

/// Calls a function for each window event of a kind, until dropped.
pub(crate) struct Listener {
    window: Window,
    event: &'static str,
    callback: Closure<dyn FnMut()>,
}

impl Listener {
    pub(crate) fn new(window: &Window, event: &'static str, callback: impl FnMut() + 'static) -> Listener {
        let callback = Closure::<dyn FnMut()>::new(callback);
        // This fails only for a value that is not a function.
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
