//! Images of durable guests: storing a guest between two batches of events, and continuing with it in a new instance.
//!
//! *Invariant:* a guest of an image computes as the one that the image was taken of, and none of its code runs before its next
//! event.
mod format;
mod pages;

use std::{fmt, sync::Arc};

use stateroom::{
    durable::{BatchStart, Origin},
    fault::{Fault, FaultKind},
    wire,
};
use wasmtime::{Val, ValType};

use self::{
    format::{Head, ImageError, Reader},
    pages::Scan,
};
use super::{Instance, WaitMode, event_kinds::EventKinds};
use crate::{
    environment::{RecordedEnvironment, RecordedState},
    module::{LinkedModule, durable::DurableModule},
    state::DurableState,
};

impl Instance {
    /// Starts the guest of a durable room, up to its first event or its next one.
    pub(crate) async fn start_durable(
        module: &LinkedModule,
        room_id: &str,
        origin: Origin<'_>,
        wait_mode: WaitMode,
    ) -> Result<Box<Self>, Fault> {
        let durable = module.durable().ok_or_else(not_durable)?;
        let state = |recorded| {
            let environment = RecordedEnvironment::new(recorded);
            Some(DurableState { module: Arc::clone(durable), environment, is_replay: false })
        };
        match origin {
            Origin::New { stamp, seed } => {
                let environment = state(RecordedState::new(stamp, seed));
                let mut instance = Self::admit(module, room_id, wait_mode, environment).await?;
                instance.begin(room_id).await?;
                Ok(instance)
            }
            Origin::Image(image) => {
                let (head, pages) = format::read(image, durable.code()).map_err(unusable)?;
                let mut instance = Self::admit(module, room_id, wait_mode, state(head.environment)).await?;
                instance.restore(durable, &head, pages)?;
                Ok(instance)
            }
        }
    }

    /// Sets the time of the following events, and whether they were handled before.
    pub(crate) fn begin_batch(&mut self, start: BatchStart) {
        let state = self.guest.store().data_mut();
        if let Some(durable) = &mut state.durable {
            durable.environment.begin_batch(start.stamp);
            durable.is_replay = start.is_replay;
            state.log.set_muted(start.is_replay);
            state.scheduler.set_replay(start.is_replay);
        }
    }

    /// Returns an image of the guest.
    pub(crate) fn image(&mut self) -> Result<Vec<u8>, Fault> {
        self.image_by(Scan::Pagemap)
    }

    fn image_by(&mut self, scan: Scan) -> Result<Vec<u8>, Fault> {
        let state = self.guest.store().data();
        let DurableState { module, environment, .. } = state.durable.as_ref().ok_or_else(not_durable)?;
        let (module, environment) = (Arc::clone(module), environment.state());
        let (extensions, largest_event) = (state.effects.has_extensions(), state.effects.largest_event());
        let pending = state.effects.pending().iter().map(|effect| {
            let mut bytes = Vec::new();
            wire::encode_effect(effect, &mut bytes);
            bytes
        });
        let pending = pending.collect();
        let head = Head {
            environment,
            buffer: self.guest.buffer(),
            events: self.events.bits(),
            extensions,
            batch_events: self.batch_size.events() as u64,
            largest_event: largest_event as u64,
            memory_bytes: self.memory_bytes() as u64,
            globals: self.globals(&module)?,
            pending,
        };
        let (memory, baseline) = (self.guest.memory(), module.baseline());
        let changed = pages::changed(memory, baseline, scan);
        Ok(format::write(&head, module.code(), |out| pages::write(memory, baseline, &changed, out)))
    }

    /// Returns the values of the mutable globals, as their bits.
    fn globals(&mut self, module: &DurableModule) -> Result<Vec<u128>, Fault> {
        let values = module.globals().iter().map(|export| {
            let global = self.guest.exported_global(export)?;
            match global.get(self.guest.store()) {
                Val::I32(value) => Some(value.cast_unsigned().into()),
                Val::I64(value) => Some(value.cast_unsigned().into()),
                Val::F32(bits) => Some(bits.into()),
                Val::F64(bits) => Some(bits.into()),
                Val::V128(value) => Some(value.as_u128()),
                _ => None,
            }
        });
        values.collect::<Option<Vec<_>>>().ok_or_else(not_durable)
    }

    /// Continues with the guest of an image, in a new instance.
    fn restore(&mut self, module: &DurableModule, head: &Head, pages: Reader<'_>) -> Result<(), Fault> {
        if head.globals.len() != module.globals().len() {
            return Err(unusable(ImageError::Damaged));
        }
        for (export, bits) in module.globals().iter().zip(&head.globals) {
            let global = self.guest.exported_global(export).ok_or_else(not_durable)?;
            let store = self.guest.store();
            // The lower bits are the value.
            let value = match global.ty(&*store).content() {
                ValType::I32 => Val::I32((*bits as u32).cast_signed()),
                ValType::I64 => Val::I64((*bits as u64).cast_signed()),
                ValType::F32 => Val::F32(*bits as u32),
                ValType::F64 => Val::F64(*bits as u64),
                ValType::V128 => Val::V128((*bits).into()),
                ValType::Ref(_) => return Err(not_durable()),
            };
            global.set(store, value).map_err(unusable)?;
        }
        match self.guest.grow_memory(head.memory_bytes) {
            Ok(memory) if memory.len() as u64 == head.memory_bytes => pages::apply(memory, pages).map_err(unusable)?,
            Ok(_) => return Err(unusable(ImageError::Damaged)),
            Err(error) => return Err(self.fault(Some(&error))),
        }
        self.guest.set_buffer(head.buffer);
        self.events = EventKinds::from_bits(head.events);
        self.batch_size.set_events(usize::try_from(head.batch_events).unwrap_or(usize::MAX));
        let effects = &mut self.guest.store().data_mut().effects;
        effects.set_largest_event(usize::try_from(head.largest_event).unwrap_or(usize::MAX));
        if head.extensions {
            effects.enable_extensions();
        }
        head.pending.iter().try_for_each(|effect| effects.receive(effect)).map_err(unusable)
    }
}

fn not_durable() -> Fault {
    Fault::new(FaultKind::Build, "the room is not durable")
}

fn unusable(error: impl fmt::Display) -> Fault {
    Fault::new(FaultKind::Build, format!("the image of the room cannot be used: {error}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use stateroom::{ClientId, event_batch::EventBatch, messages::Event};

    use super::*;
    use crate::{block_on::block_on, config::WasmHostConfig, engine::SharedEngine, loader};

    const GUEST: &str = include_str!("../../tests/guests/echo.wat");
    const ORIGIN: Origin<'_> = Origin::New { stamp: Duration::from_secs(5), seed: [3; 32] };

    fn module() -> LinkedModule {
        let config = WasmHostConfig::default().with_instances(8).with_durable(true);
        loader::load("guest".to_owned(), GUEST.as_bytes(), SharedEngine::for_config(&config).unwrap(), &config).unwrap()
    }

    fn start(module: &LinkedModule, origin: Origin<'_>) -> Result<Box<Instance>, Fault> {
        block_on(Instance::start_durable(module, "a room", origin, WaitMode::Blocking))
    }

    fn send(guest: &mut Instance, bytes: usize) {
        let batch = EventBatch::new([Event::Message { sender: ClientId(1), message: vec![b'x'; bytes].into() }]);
        while !batch.is_empty() {
            block_on(guest.process(&batch, WaitMode::Blocking)).unwrap();
        }
    }

    /// The guest is in a slot that had another guest before, whose pages the pool has reset and kept.
    #[test]
    fn the_page_map_finds_the_pages_that_a_comparison_finds() {
        let module = module();
        for _ in 0..3 {
            let mut guest = start(&module, ORIGIN).unwrap();
            for bytes in [1, 5_000, 200_000, 3, 70_000] {
                send(&mut guest, bytes);
                let image = guest.image_by(Scan::All).unwrap();
                assert!(guest.image_by(Scan::Pagemap).unwrap() == image, "{bytes}");
                guest = start(&module, Origin::Image(&image)).unwrap();
                assert!(guest.image_by(Scan::Pagemap).unwrap() == image, "{bytes}, woken");
            }
            #[cfg(target_os = "linux")]
            assert!(pages::is_reported_by_kernel(guest.memory()), "the page map was not used");
        }
    }

    #[test]
    fn an_image_that_asks_for_too_much_is_an_error() {
        let module = module();
        let mut guest = start(&module, ORIGIN).unwrap();
        send(&mut guest, 10);
        let image = guest.image().unwrap();
        let durable = module.durable().unwrap();
        let (head, pages) = format::read(&image, durable.code()).unwrap();
        let fails = |change: fn(&mut Head)| {
            let mut head = head.clone();
            change(&mut head);
            let image = format::write(&head, durable.code(), |out| out.extend_from_slice(pages.0));
            let fault = start(&module, Origin::Image(&image)).err().unwrap();
            fault.message().to_owned()
        };
        for change in [
            |head: &mut Head| head.globals.push(1),
            |head: &mut Head| head.memory_bytes += 1,
            |head: &mut Head| head.memory_bytes = 0,
            |head: &mut Head| head.pending.push(b"?".to_vec()),
        ] {
            let message = fails(change);
            assert!(message.starts_with("the image of the room cannot be used: "), "{message}");
        }
        let message = fails(|head| head.memory_bytes = 1 << 31);
        assert!(message.starts_with("an event needed more than a guest's limit of 128 MiB"), "{message}");
        assert!(fails(|head| head.memory_bytes = u64::MAX).contains("memory"));
        // These are the guest's own.
        let mut odd = head.clone();
        odd.environment.word_position = u128::MAX;
        odd.buffer.address = u32::MAX;
        (odd.batch_events, odd.largest_event) = (u64::MAX, u64::MAX);
        let odd = format::write(&odd, durable.code(), |out| out.extend_from_slice(pages.0));
        let mut guest = start(&module, Origin::Image(&odd)).unwrap();
        let batch = EventBatch::new([Event::Message { sender: ClientId(1), message: "x".into() }]);
        assert!(block_on(guest.process(&batch, WaitMode::Blocking)).is_err());
    }
}
