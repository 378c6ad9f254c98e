//! The rooms of a server: which exist, who may join or create them, and how they all stop.
mod backoff;
mod decide;
mod ended;
mod factory;
mod info;
mod names;
mod refusal;
pub(crate) mod registry;
mod stop;

pub(crate) use self::decide::Want;
pub use self::{factory::OnSwap, info::RoomInfo, refusal::Refusal};
