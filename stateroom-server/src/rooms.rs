//! The rooms of a server: their registry, the decision about joins and creations, and the shutdown.
mod backoff;
mod decide;
mod ended;
mod eviction;
mod factory;
mod fault_log;
mod forget;
mod info;
mod makers;
mod names;
mod refusal;
pub(crate) mod registry;
mod relief;
mod rest;
mod state;
mod stop;
mod stored;
mod wake;

pub(crate) use self::{decide::Want, makers::Maker, refusal::seconds};
pub use self::{factory::OnSwap, info::RoomInfo, refusal::Refusal};
