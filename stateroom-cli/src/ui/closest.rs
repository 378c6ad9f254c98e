//! What was meant by a name that nobody knows.

/// The one of `names` that takes the fewest changes to get to, if these are few.
pub(crate) fn closest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let few = (name.chars().count() / 2).max(1);
    let distances = names.into_iter().map(|known| (strsim::osa_distance(name, known), known));
    distances.filter(|(distance, _)| *distance <= few).min().map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_is_close_and_another_word_is_not() {
        let names = ["port", "rooms", "static_files", "room_id_bytes"];
        for (name, known) in [("prot", "port"), ("max_rooms", "rooms"), ("static_fils", "static_files")] {
            assert_eq!(closest(name, names), Some(known));
        }
        assert_eq!(closest("colour", names), None);
    }
}
