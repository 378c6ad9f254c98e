//! Suggestions for misspelled names.

/// Returns the name with the fewest edits to `name`, if these are few.
pub(crate) fn closest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let max_distance = (name.chars().count() / 2).max(1);
    let distances = names.into_iter().map(|known| (strsim::osa_distance(name, known), known));
    distances.filter(|(distance, _)| *distance <= max_distance).min().map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_for_a_typo_but_not_for_another_word() {
        let names = ["port", "rooms", "static_files", "room_id_bytes"];
        for (name, known) in [("prot", "port"), ("max_rooms", "rooms"), ("static_fils", "static_files")] {
            assert_eq!(closest(name, names), Some(known));
        }
        assert_eq!(closest("colour", names), None);
    }
}
