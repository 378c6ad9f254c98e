//! The trait that creates the service of each room.
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
    durable::{CodeHash, NotDurable, Origin},
    fault::{Fault, FaultKind},
};

/// Creates the service of each new room.
///
/// Services that implement `Default` need no factory of their own: use [`DefaultStateroomFactory`]. Implement this
/// trait to pass configuration or shared resources to services.
///
/// ```
/// use std::{convert::Infallible, sync::Arc};
///
/// use stateroom::*;
///
/// struct Quiz {
///     questions: Arc<[String]>,
/// }
///
/// impl StateroomService for Quiz {}
///
/// struct QuizFactory {
///     questions: Arc<[String]>,
/// }
///
/// impl StateroomServiceFactory for QuizFactory {
///     type Service = Quiz;
///     type Error = Infallible;
///
///     fn build(&self, _room_id: &str, _context: Arc<impl StateroomContext>) -> Result<Quiz, Infallible> {
///         Ok(Quiz { questions: self.questions.clone() })
///     }
/// }
/// ```
pub trait StateroomServiceFactory: Send + Sync + 'static {
    /// The type of the services.
    type Service: StateroomService;
    /// The error returned when a service cannot be created.
    type Error: Debug;

    /// Creates the service of the room `room_id`. Effects requested through `context` here are applied after `init`.
    ///
    /// # Errors
    ///
    /// If the service cannot be created. The room does not start, and the clients that wait to join it are closed with
    /// 1011.
    fn build(&self, room_id: &str, context: Arc<impl StateroomContext>) -> Result<Self::Service, Self::Error>;

    /// Returns whether there is capacity for one more service, in addition to those of `rooms` rooms, which the calling
    /// server runs or is about to start. Other servers may take the capacity first, so [`create`](Self::create) may
    /// still fail.
    #[doc(hidden)]
    fn has_space(&self, rooms: usize) -> bool {
        let _ = rooms;
        true
    }

    /// Creates the service, and turns a panic or an error into a fault. Hosts create every service through this method;
    /// a factory that takes long overrides it to yield.
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

    /// Returns the hash of the code that durable rooms run.
    ///
    /// # Errors
    ///
    /// If the rooms cannot be durable: by default, because nothing can make an [image](StateroomService::image) of a native
    /// service.
    #[doc(hidden)]
    fn durable_code(&self) -> Result<CodeHash, NotDurable> {
        Err(NotDurable("the state of a native service cannot be stored: compile it to a WebAssembly module".to_owned()))
    }

    /// Creates the service of a durable room. Called only if there is a [`durable_code`](Self::durable_code).
    #[doc(hidden)]
    fn create_durable(
        &self,
        room_id: &str,
        origin: Origin<'_>,
    ) -> impl Future<Output = Result<Self::Service, Fault>> + Send {
        let _ = (room_id, origin);
        async { Err(Fault::new(FaultKind::Build, "the service cannot be durable")) }
    }

    /// Returns the module that [`durable_code`](Self::durable_code) is the hash of, to be stored for
    /// [`with_module`](Self::with_module).
    #[doc(hidden)]
    fn durable_module(&self) -> Option<Arc<[u8]>> {
        None
    }

    /// Creates a factory that differs in its code alone: that of a stored [`durable_module`](Self::durable_module). Both share the
    /// places for services. Blocks the thread while the module is compiled.
    ///
    /// # Errors
    ///
    /// If the module cannot be loaded.
    #[doc(hidden)]
    fn with_module(&self, module: &[u8]) -> Result<Self, Fault>
    where
        Self: Sized,
    {
        let _ = module;
        Err(Fault::new(FaultKind::Build, "the service is not a module"))
    }
}

/// A factory that creates services with their `Default` implementation.
pub struct DefaultStateroomFactory<T: StateroomService + Default> {
    service: PhantomData<T>,
}

// Not derived: a derive would require the trait of the service, too.
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
