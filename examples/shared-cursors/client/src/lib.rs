//! The client of `shared-cursors`: tells the room where this pointer is, and draws where the others are.
//!
//! *Invariant:* a frame is drawn only when something has changed or still moves, and at most one position is sent a frame.
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

/// What is said, in bytes.
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

/// What the page has.
struct Client {
    window: Window,
    canvas: HtmlCanvasElement,
    pen: CanvasRenderingContext2d,
    count: Element,
    status: Status,
    room: Option<Room<Cursors>>,
    scene: Scene,
    /// Where this pointer is.
    pointer: Option<Position>,
    /// Whether the room has yet to hear of it.
    untold: bool,
    /// What draws the next frame.
    frame: Option<Closure<dyn FnMut(f64)>>,
    /// Whether it is going to.
    waiting: bool,
    /// When the last one was drawn, in milliseconds.
    drawn_at: Option<f64>,
}

type Shared = Rc<RefCell<Client>>;

/// Begins: called by the page when it has loaded.
///
/// # Errors
///
/// Where the page is not the one that this client is for.
#[wasm_bindgen]
pub fn start() -> Result<(), JsValue> {
    let window = web_sys::window().ok_or("there is no window")?;
    let document = window.document().ok_or("there is no document")?;
    let element = |id: &str| document.get_element_by_id(id).ok_or_else(|| format!("there is no #{id}"));
    let canvas: HtmlCanvasElement = element("canvas")?.dyn_into().map_err(|_| "#canvas is no canvas")?;
    let pen = canvas.get_context("2d")?.ok_or("it cannot be drawn on")?;
    let client = Rc::new(RefCell::new(Client {
        count: element("count")?,
        pen: pen.dyn_into().map_err(|_| "it cannot be drawn on")?,
        canvas: canvas.clone(),
        status: Status::new(&document, element("status")?),
        room: None,
        scene: Scene::default(),
        pointer: None,
        untold: false,
        frame: None,
        waiting: false,
        drawn_at: None,
        window: window.clone(),
    }));
    let frame = with(&client, |client, now: f64| client.draw(now));
    client.borrow_mut().frame = Some(frame);

    for event in ["pointermove", "pointerdown"] {
        let moved = with(&client, |client, event: PointerEvent| client.pointer_moved(&event));
        canvas.add_event_listener_with_callback(event, moved.as_ref().unchecked_ref())?;
        moved.forget();
    }
    let resized = with(&client, |client, _: JsValue| client.resize());
    window.add_event_listener_with_callback("resize", resized.as_ref().unchecked_ref())?;
    resized.forget();
    client.borrow_mut().resize();

    element("room")?.set_text_content(Some(&room_of_page()));
    let mut options = RoomOptions::of_page();
    options.final_codes.push(ROOM_IS_FULL);
    let told = client.clone();
    match Room::join(options, move |event| told.borrow_mut().told(event)) {
        Ok(room) => client.borrow_mut().room = Some(room),
        Err(error) => client.borrow().status.refuse(&error),
    }
    Ok(())
}

/// A function for the browser to call, which does something with the client.
fn with<T: wasm_bindgen::convert::FromWasmAbi + 'static>(
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
            self.untold = true;
            self.request_frame();
        }
    }

    fn told(&mut self, event: Event<ToClient>) {
        self.status.tell(&event);
        match event {
            Event::Message(message) => self.hear(message),
            // A room that has begun again knows nobody, and what is drawn is of the one before.
            Event::Opened => self.begin_again(true),
            Event::Lost { .. } | Event::Over { .. } => self.begin_again(false),
        }
    }

    fn hear(&mut self, message: ToClient) {
        if let ToClient::Batch { here, .. } = message {
            self.count.set_text_content(Some(&format!("{here} here")));
        }
        self.scene.hear(message);
        self.request_frame();
    }

    fn begin_again(&mut self, open: bool) {
        self.scene = Scene::default();
        self.untold = open && self.pointer.is_some();
        self.count.set_text_content(None);
        self.request_frame();
    }

    /// As many pixels as the screen has there.
    fn resize(&mut self) {
        let ratio = self.window.device_pixel_ratio();
        let pixels = |length: i32| (f64::from(length) * ratio).round() as u32;
        self.canvas.set_width(pixels(self.canvas.client_width()));
        self.canvas.set_height(pixels(self.canvas.client_height()));
        self.request_frame();
    }

    fn request_frame(&mut self) {
        if let (false, Some(frame)) = (self.waiting, &self.frame) {
            self.waiting = self.window.request_animation_frame(frame.as_ref().unchecked_ref()).is_ok();
        }
    }

    fn draw(&mut self, now: f64) {
        self.waiting = false;
        if let (true, Some(position), Some(room)) = (self.untold, self.pointer, &self.room) {
            self.untold = false;
            // Without a connection it is dropped, and told when there is one.
            room.send(&position);
        }
        // After a rest, cursors begin to move as if the frame before had been the last.
        let passed = self.drawn_at.map_or(scene::FRAME, |before| (now - before).clamp(0.0, 2.0 * scene::FRAME));
        let moving = self.scene.advance(passed);
        self.drawn_at = moving.then_some(now);
        let (width, height) = (f64::from(self.canvas.width()), f64::from(self.canvas.height()));
        paint::paint(&self.pen, &self.scene, [width, height], self.window.device_pixel_ratio());
        let others = self.scene.others().count();
        let drawn = format!("{others} {} drawn", if others == 1 { "other" } else { "others" });
        let _ = self.canvas.set_attribute("data-cursors", &drawn);
        if moving {
            self.request_frame();
        }
    }
}
