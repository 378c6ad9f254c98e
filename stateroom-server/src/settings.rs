//! The settings of a server: the rooms' [`RoomStrategy`] and [`ShutdownPolicy`], and all [`Limits`].
mod limits;
mod policy;
mod strategy;

pub use self::{
    limits::Limits,
    policy::{ParseShutdownPolicyError, ShutdownPolicy},
    strategy::{ParseRoomStrategyError, RoomStrategy, ShortLength},
};
