//! The one decision whether a room may be joined, called or created. A pure function.
//!
//! *Invariant:* the decision before a WebSocket's 101 and the one under the registry's lock apply the same rules in the same
//! order.
use std::time::Duration;

use super::Refusal;
use crate::settings::{Limit, Limits, RoomStrategy};

/// The access to a room that a caller requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Want {
    /// To join it.
    Join {
        /// Whether the client has a token: it may replace its own connection in a full room, which only the room knows.
        has_token: bool,
    },
    /// To send it an HTTP request.
    Request {
        /// Whether the request may create the room: a `GET` may not.
        may_begin: bool,
    },
    /// To create it under the given ID.
    Create,
    /// To create a room whose ID the server generates.
    CreateUnnamed,
}

/// The outcome of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// Use the room that exists.
    Existing,
    /// Create the room.
    MayBegin,
    /// Create the room once an empty one has ended, or another sleeps: this limit is reached.
    NeedsPlace { limit: Limit },
    /// Refuse. `limit` is the limit that was reached, if that is the reason.
    Refused { refusal: Refusal, limit: Option<Limit> },
}

/// The part of the registry's state that a decision depends on.
pub(super) struct Facts<'a> {
    pub(super) strategy: RoomStrategy,
    pub(super) limits: &'a Limits,
    pub(super) stopping: bool,
    /// Number of connections of the room, if it exists and has not ended.
    pub(super) connections: Option<usize>,
    /// Number of other rooms.
    pub(super) other_rooms: usize,
    /// Whether the room was created earlier and has ended, so that it can be joined again under every strategy.
    pub(super) existed: bool,
    /// Whether the room sleeps in the store.
    pub(super) is_stored: bool,
    /// Whether the stored state of the room cannot be restored.
    pub(super) is_broken: bool,
    /// Whether the process is short of memory.
    pub(super) memory_is_short: bool,
    /// Returns the remaining backoff of the room after failures.
    pub(super) rest: &'a dyn Fn() -> Option<Duration>,
    /// Returns whether the caller may create a room, as far as the limits of its address go.
    pub(super) may_make: &'a dyn Fn() -> Result<(), (Refusal, Limit)>,
    /// Returns whether an empty room of the caller's address may be ended for the new one.
    pub(super) may_evict_own: &'a dyn Fn() -> bool,
    /// Returns whether an empty room may be ended for the new one.
    pub(super) may_evict: &'a dyn Fn() -> bool,
    /// Returns whether a room may be put to sleep for the new one.
    pub(super) may_rest: &'a dyn Fn() -> bool,
    /// Whether the factory has space for a service beside those of the other rooms.
    pub(super) has_space: &'a dyn Fn() -> bool,
}

/// Decides about a caller that wants something from the room `room_id`. The ID is ignored for [`Want::CreateUnnamed`].
pub(super) fn decide(facts: &Facts<'_>, room_id: &str, want: Want) -> Decision {
    let Facts { strategy, limits, .. } = *facts;
    let is_named = want != Want::CreateUnnamed;
    let by_name = matches!(strategy, RoomStrategy::Implicit | RoomStrategy::Api);
    if is_named && room_id.is_empty() {
        return refused(Refusal::IdEmpty);
    }
    if is_named && room_id.len() > limits.room_id_bytes {
        return at_limit(Refusal::IdTooLong { limit: limits.room_id_bytes }, Limit::RoomIdBytes);
    }
    match want {
        Want::Create if !by_name => return refused(Refusal::CreatedUnnamed),
        Want::CreateUnnamed if strategy == RoomStrategy::Api => return refused(Refusal::CreatedByName),
        _ => {}
    }
    if facts.stopping {
        return refused(Refusal::Stopping);
    }
    if let Some(connections) = facts.connections {
        return match want {
            Want::Join { has_token: false } if connections >= limits.room_connections => {
                at_limit(Refusal::RoomFull, Limit::RoomConnections)
            }
            Want::Join { .. } if facts.memory_is_short => at_limit(Refusal::NoMemory, Limit::TotalMemoryBytes),
            Want::Join { .. } | Want::Request { .. } => Decision::Existing,
            Want::Create | Want::CreateUnnamed => refused(Refusal::Exists),
        };
    }
    let may_exist = strategy == RoomStrategy::Implicit || facts.existed || facts.is_stored;
    match want {
        Want::Create | Want::CreateUnnamed if facts.is_stored => return refused(Refusal::Exists),
        Want::Request { may_begin: false } if !facts.is_stored => return refused(Refusal::NotFound),
        Want::Join { .. } | Want::Request { .. } if !may_exist => return refused(Refusal::NotFound),
        _ => {}
    }
    if facts.is_broken {
        return refused(Refusal::Broken);
    }
    if facts.memory_is_short {
        return at_limit(Refusal::NoMemory, Limit::TotalMemoryBytes);
    }
    if let Some(rest) = (facts.rest)() {
        return refused(Refusal::BackingOff { rest });
    }
    if !facts.is_stored
        && let Err((refusal, limit)) = (facts.may_make)()
    {
        let may_evict = limit == Limit::AddressRooms && (facts.may_evict_own)();
        return if may_evict { Decision::NeedsPlace { limit } } else { at_limit(refusal, limit) };
    }
    let limit = if facts.other_rooms >= limits.rooms {
        Limit::Rooms
    } else if (facts.has_space)() {
        return Decision::MayBegin;
    } else {
        Limit::Instances
    };
    let may_rest = limit == Limit::Instances && (facts.may_rest)();
    if may_rest || (facts.may_evict)() { Decision::NeedsPlace { limit } } else { at_limit(Refusal::Full, limit) }
}

fn refused(refusal: Refusal) -> Decision {
    Decision::Refused { refusal, limit: None }
}

fn at_limit(refusal: Refusal, limit: Limit) -> Decision {
    Decision::Refused { refusal, limit: Some(limit) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::ShortLength;

    const JOIN: Want = Want::Join { has_token: false };
    const REJOIN: Want = Want::Join { has_token: true };
    const GET: Want = Want::Request { may_begin: false };
    const POST: Want = Want::Request { may_begin: true };
    const ALL: [Want; 6] = [JOIN, REJOIN, GET, POST, Want::Create, Want::CreateUnnamed];

    const REST: Duration = Duration::from_secs(2);

    /// Decides in a registry with a limit of 2 rooms, 2 connections and 8 bytes.
    fn decide_with(change: impl FnOnce(&mut Facts<'_>), room_id: &str, want: Want) -> Decision {
        let limits = Limits { rooms: 2, room_connections: 2, room_id_bytes: 8, ..Limits::default() };
        let mut facts = Facts {
            strategy: RoomStrategy::Implicit,
            limits: &limits,
            stopping: false,
            connections: None,
            other_rooms: 0,
            existed: false,
            is_stored: false,
            is_broken: false,
            memory_is_short: false,
            rest: &|| None,
            may_make: &|| Ok(()),
            may_evict_own: &|| false,
            may_evict: &|| false,
            may_rest: &|| false,
            has_space: &|| true,
        };
        change(&mut facts);
        decide(&facts, room_id, want)
    }

    fn check(change: impl Fn(&mut Facts<'_>), expected: [Decision; 6]) {
        let decisions = ALL.map(|want| decide_with(&change, "a", want));
        for ((want, decision), expected) in ALL.into_iter().zip(decisions).zip(expected) {
            assert_eq!(decision, expected, "{want:?}");
        }
    }

    /// One row for each state of the registry, one column for each of [`ALL`].
    #[test]
    fn decides_by_one_table() {
        use Decision::{Existing, MayBegin};
        let not_found = refused(Refusal::NotFound);
        let exists = refused(Refusal::Exists);
        let by_name = refused(Refusal::CreatedByName);
        let unnamed = refused(Refusal::CreatedUnnamed);
        let stopping = refused(Refusal::Stopping);
        let resting = refused(Refusal::BackingOff { rest: REST });
        let room_full = at_limit(Refusal::RoomFull, Limit::RoomConnections);
        let (full, no_space) = (at_limit(Refusal::Full, Limit::Rooms), at_limit(Refusal::Full, Limit::Instances));
        let no_memory = at_limit(Refusal::NoMemory, Limit::TotalMemoryBytes);
        let (api, uuid) = (RoomStrategy::Api, RoomStrategy::Uuid);

        check(|_| {}, [MayBegin, MayBegin, not_found, MayBegin, MayBegin, MayBegin]);
        check(|it| it.strategy = api, [not_found, not_found, not_found, not_found, MayBegin, by_name]);
        check(|it| it.strategy = uuid, [not_found, not_found, not_found, not_found, unnamed, MayBegin]);
        check(
            |it| (it.strategy, it.existed) = (api, true),
            [MayBegin, MayBegin, not_found, MayBegin, MayBegin, by_name],
        );
        check(
            |it| (it.strategy, it.existed) = (uuid, true),
            [MayBegin, MayBegin, not_found, MayBegin, unnamed, MayBegin],
        );
        check(|it| it.connections = Some(1), [Existing, Existing, Existing, Existing, exists, exists]);
        check(|it| it.connections = Some(2), [room_full, Existing, Existing, Existing, exists, exists]);
        check(
            |it| (it.connections, it.other_rooms, it.rest) = (Some(1), 2, &|| Some(REST)),
            [Existing, Existing, Existing, Existing, exists, exists],
        );
        check(|it| it.rest = &|| Some(REST), [resting, resting, not_found, resting, resting, resting]);
        check(
            |it| (it.rest, it.other_rooms) = (&|| Some(REST), 2),
            [resting, resting, not_found, resting, resting, resting],
        );
        check(|it| it.other_rooms = 2, [full, full, not_found, full, full, full]);
        check(|it| it.has_space = &|| false, [no_space, no_space, not_found, no_space, no_space, no_space]);
        check(|it| it.memory_is_short = true, [no_memory, no_memory, not_found, no_memory, no_memory, no_memory]);
        check(
            |it| (it.memory_is_short, it.connections) = (true, Some(1)),
            [no_memory, no_memory, Existing, Existing, exists, exists],
        );
        let place = Decision::NeedsPlace { limit: Limit::Rooms };
        check(|it| (it.other_rooms, it.may_evict) = (2, &|| true), [place, place, not_found, place, place, place]);
        let too_many = at_limit(Refusal::AddressFull, Limit::AddressRooms);
        check(
            |it| (it.other_rooms, it.may_make) = (2, &|| Err((Refusal::AddressFull, Limit::AddressRooms))),
            [too_many, too_many, not_found, too_many, too_many, too_many],
        );
        let own = Decision::NeedsPlace { limit: Limit::AddressRooms };
        check(
            |it| {
                it.may_make = &|| Err((Refusal::AddressFull, Limit::AddressRooms));
                it.may_evict_own = &|| true;
            },
            [own, own, not_found, own, own, own],
        );
        let refused_rate = at_limit(Refusal::AddressRate { wait: REST }, Limit::AddressRoomsPerMinute);
        check(
            |it| {
                it.may_make = &|| Err((Refusal::AddressRate { wait: REST }, Limit::AddressRoomsPerMinute));
                it.may_evict_own = &|| true;
            },
            [refused_rate, refused_rate, not_found, refused_rate, refused_rate, refused_rate],
        );
        let broken = refused(Refusal::Broken);
        check(
            |it| (it.is_stored, it.is_broken, it.rest) = (true, true, &|| Some(REST)),
            [broken, broken, broken, broken, exists, exists],
        );
        check(|it| it.stopping = true, [stopping; 6]);
        check(|it| (it.stopping, it.connections) = (true, Some(1)), [stopping; 6]);
    }

    #[test]
    fn checks_the_id_first() {
        let short = RoomStrategy::Short(ShortLength::new(4).unwrap());
        for strategy in [RoomStrategy::Implicit, RoomStrategy::Api, RoomStrategy::Uuid, short] {
            for want in [JOIN, REJOIN, GET, POST, Want::Create] {
                let decide = |room_id: &str| {
                    decide_with(
                        |it| (it.strategy, it.stopping, it.connections) = (strategy, true, Some(1)),
                        room_id,
                        want,
                    )
                };
                assert_eq!(decide(""), refused(Refusal::IdEmpty));
                assert_eq!(decide("123456789"), at_limit(Refusal::IdTooLong { limit: 8 }, Limit::RoomIdBytes));
            }
        }
    }
}
