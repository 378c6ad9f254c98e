//! What makes the service of each room.
use std::{
    convert::Infallible,
    fmt::{self, Debug},
    future::Future,
    marker::PhantomData,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use crate::{
    StateroomContext, StateroomService,
    fault::{Fault, FaultKind},
};

/// Makes the service of each new room.
pub trait StateroomServiceFactory: Send + Sync + 'static {
    /// What it makes.
    type Service: StateroomService;
    /// Why it could not.
    type Error: Debug;

    /// Makes the service for the room `room_id`. What is asked of the context here takes effect after `init`.
    ///
    /// # Errors
    ///
    /// Whatever keeps the room from beginning. Those who wanted to join are closed with 1011.
    fn build(&self, room_id: &str, context: Arc<impl StateroomContext>) -> Result<Self::Service, Self::Error>;

    /// Whether there is space for one more service besides those of so many rooms, which the asking server has or has yet
    /// to begin. As others may take it meanwhile, [`create`](Self::create) may still fail for want of it.
    #[doc(hidden)]
    fn has_space(&self, rooms: usize) -> bool {
        let _ = rooms;
        true
    }

    /// Makes the service, contained: the way by which hosts do it. One that takes long overrides this to give way.
    #[doc(hidden)]
    fn create(
        &self,
        room_id: &str,
        context: Arc<impl StateroomContext>,
    ) -> impl Future<Output = Result<Self::Service, Fault>> + Send {
        async move {
            let build =
                || self.build(room_id, context).map_err(|error| Fault::new(FaultKind::Build, format!("{error:?}")));
            catch_unwind(AssertUnwindSafe(build))
                .unwrap_or_else(|panic| Err(Fault::from_panic(FaultKind::Build, &*panic)))
        }
    }
}

/// Makes services by their `Default`.
pub struct DefaultStateroomFactory<T: StateroomService + Default> {
    service: PhantomData<T>,
}

// By hand, as a derive would ask the same of the service.
impl<T: StateroomService + Default> fmt::Debug for DefaultStateroomFactory<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DefaultStateroomFactory")
    }
}

impl<T: StateroomService + Default> Clone for DefaultStateroomFactory<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: StateroomService + Default> Copy for DefaultStateroomFactory<T> {}

impl<T: StateroomService + Default> Default for DefaultStateroomFactory<T> {
    fn default() -> Self {
        DefaultStateroomFactory { service: PhantomData }
    }
}

impl<T: StateroomService + Default> StateroomServiceFactory for DefaultStateroomFactory<T> {
    type Service = T;
    type Error = Infallible;

    fn build(&self, _: &str, _: Arc<impl StateroomContext>) -> Result<T, Infallible> {
        Ok(T::default())
    }
}
