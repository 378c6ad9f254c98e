//! The client of `shared-cursors`: sends the position of this pointer to the room, and draws the cursors of the others.
//!
//! *Invariant:* a frame is drawn only while something changes or moves, and at most one position is sent per frame.
mod paint;
mod scene;
mod status;

use std::{cell::RefCell, rc::Rc};

use shared_cursors_protocol::{Position, ToClient};
use stateroom_client::{Event, MessagePayload, Protocol, Room, RoomOptions, room_of_page};
use wasm_bindgen::prelude::*;
use web_sys::{CanvasRenderingContext2d, Element, HtmlCanvasElement, PointerEvent, Window};

use scene::Scene;
use status::{ROOM_IS_FULL, Status};

/// The binary protocol.
enum Cursors {}

impl Protocol for Cursors {
    type Out = Position;
    type In = ToClient;

    fn encode(position: &Position) -> Option<MessagePayload> {
        Some(position.encode().as_slice().into())
    }

    fn decode(message: MessagePayload) -> Option<ToClient> {
        ToClient::decode(message.bytes()?)
    }
}

/// The state of the page.
struct Client {
    window: Window,
    canvas: HtmlCanvasElement,
    context: CanvasRenderingContext2d,
    count: Element,
    status: Status,
    room: Option<Room<Cursors>>,
    scene: Scene,
    /// Position of this pointer.
    pointer: Option<Position>,
    /// Whether the position has not been sent yet.
    unsent: bool,
    /// Callback that draws a frame.
    frame: Option<Closure<dyn FnMut(f64)>>,
    /// Whether a frame has been requested.
    frame_requested: bool,
    /// Time of the last frame, in milliseconds, while something is moving.
    last_frame: Option<f64>,
}

type Shared = Rc<RefCell<Client>>;

/// Starts the client. The page calls this once it has loaded.
///
/// # Errors
///
/// Fails if the page lacks an element that this client needs.
#[wasm_bindgen]
pub fn start() -> Result<(), JsValue> {
    let window = web_sys::window().ok_or("no window")?;
    let document = window.document().ok_or("no document")?;
    let element = |id: &str| document.get_element_by_id(id).ok_or_else(|| format!("missing element #{id}"));
    let canvas: HtmlCanvasElement = element("canvas")?.dyn_into().map_err(|_| "#canvas is not a canvas")?;
    let context = canvas.get_context("2d")?.ok_or("#canvas has no 2D context")?;
    let client = Rc::new(RefCell::new(Client {
        count: element("count")?,
        context: context.dyn_into().map_err(|_| "#canvas has no 2D context")?,
        canvas: canvas.clone(),
        status: Status::new(&document, element("status")?),
        room: None,
        scene: Scene::default(),
        pointer: None,
        unsent: false,
        frame: None,
        frame_requested: false,
        last_frame: None,
        window: window.clone(),
    }));
    let frame = closure(&client, |client, now: f64| client.draw(now));
    client.borrow_mut().frame = Some(frame);

    for event in ["pointermove", "pointerdown"] {
        let moved = closure(&client, |client, event: PointerEvent| client.pointer_moved(&event));
        canvas.add_event_listener_with_callback(event, moved.as_ref().unchecked_ref())?;
        moved.forget();
    }
    let resized = closure(&client, |client, _: JsValue| client.resize());
    window.add_event_listener_with_callback("resize", resized.as_ref().unchecked_ref())?;
    resized.forget();
    client.borrow_mut().resize();

    element("room")?.set_text_content(Some(&room_of_page()));
    let mut options = RoomOptions::of_page();
    options.final_codes.push(ROOM_IS_FULL);
    let handler = client.clone();
    match Room::join(options, move |event| handler.borrow_mut().handle_event(event)) {
        Ok(room) => client.borrow_mut().room = Some(room),
        Err(error) => client.borrow().status.show_error(&error),
    }
    Ok(())
}

/// Creates a JavaScript callback that runs an action on the client.
fn closure<T: wasm_bindgen::convert::FromWasmAbi + 'static>(
    client: &Shared,
    mut action: impl FnMut(&mut Client, T) + 'static,
) -> Closure<dyn FnMut(T)> {
    let client = client.clone();
    Closure::new(move |argument: T| action(&mut client.borrow_mut(), argument))
}

impl Client {
    fn pointer_moved(&mut self, event: &PointerEvent) {
        let (width, height) = (self.canvas.client_width(), self.canvas.client_height());
        if width > 0 && height > 0 {
            let [x, y] = [(event.offset_x(), width), (event.offset_y(), height)]
                .map(|(offset, length)| f64::from(offset) / f64::from(length));
            self.pointer = Some(Position::at(x, y));
            self.unsent = true;
            self.request_frame();
        }
    }

    fn handle_event(&mut self, event: Event<ToClient>) {
        self.status.update(&event);
        match event {
            Event::Message(message) => self.handle_message(message),
            // The room may have restarted without state, and its previous cursors are obsolete.
            Event::Opened => self.reset(true),
            Event::Lost { .. } | Event::Over { .. } => self.reset(false),
        }
    }

    fn handle_message(&mut self, message: ToClient) {
        if let ToClient::Batch { connected, .. } = message {
            self.count.set_text_content(Some(&format!("{connected} online")));
        }
        self.scene.apply(message);
        self.request_frame();
    }

    fn reset(&mut self, open: bool) {
        self.scene = Scene::default();
        self.unsent = open && self.pointer.is_some();
        self.count.set_text_content(None);
        self.request_frame();
    }

    /// Matches the canvas to the device resolution.
    fn resize(&mut self) {
        let ratio = self.window.device_pixel_ratio();
        let pixels = |length: i32| (f64::from(length) * ratio).round() as u32;
        self.canvas.set_width(pixels(self.canvas.client_width()));
        self.canvas.set_height(pixels(self.canvas.client_height()));
        self.request_frame();
    }

    fn request_frame(&mut self) {
        if let (false, Some(frame)) = (self.frame_requested, &self.frame) {
            self.frame_requested = self.window.request_animation_frame(frame.as_ref().unchecked_ref()).is_ok();
        }
    }

    fn draw(&mut self, now: f64) {
        self.frame_requested = false;
        if let (true, Some(position), Some(room)) = (self.unsent, self.pointer, &self.room) {
            self.unsent = false;
            // Dropped while disconnected; `reset` sends it again on reconnect.
            room.send(&position);
        }
        // Without a previous frame, assume the usual duration.
        let elapsed = self.last_frame.map_or(scene::FRAME, |last| (now - last).clamp(0.0, 2.0 * scene::FRAME));
        let moving = self.scene.advance(elapsed);
        self.last_frame = moving.then_some(now);
        let (width, height) = (f64::from(self.canvas.width()), f64::from(self.canvas.height()));
        paint::paint(&self.context, &self.scene, [width, height], self.window.device_pixel_ratio());
        let others = self.scene.others().count();
        let drawn = format!("{others} {} drawn", if others == 1 { "other" } else { "others" });
        let _ = self.canvas.set_attribute("data-cursors", &drawn);
        if moving {
            self.request_frame();
        }
    }
}
