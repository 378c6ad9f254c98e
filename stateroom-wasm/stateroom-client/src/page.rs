//! The browser: the page's address and window events.
//!
//! *Invariant:* outside of a browser there is no page, and no browser API is called.
use wasm_bindgen::prelude::*;
use web_sys::{UrlSearchParams, Window};

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
