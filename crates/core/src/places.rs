//! Sets of places in a plan, kept as stretches.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A set of places in a plan, each from 1. Stretches are kept as first and last, so that a batch of a hundred neighbours, or
/// an approval of all but one of a million changes, takes a few bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Places {
    stretches: Vec<(u64, u64)>,
}

impl Places {
    /// Whether a place is in the set.
    pub fn contains(&self, place: u64) -> bool {
        let after = self.stretches.partition_point(|(first, _)| *first <= place);
        after > 0 && place <= self.stretches[after - 1].1
    }

    /// The places in order.
    pub fn iter(&self) -> impl Iterator<Item = u64> {
        self.stretches.iter().flat_map(|(first, last)| *first..=*last)
    }

    /// How many places there are.
    pub fn len(&self) -> u64 {
        self.stretches.iter().map(|(first, last)| last - first + 1).sum()
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.stretches.is_empty()
    }
}

impl FromIterator<u64> for Places {
    fn from_iter<I: IntoIterator<Item = u64>>(places: I) -> Self {
        let mut places: Vec<_> = places.into_iter().collect();
        places.sort_unstable();
        let mut stretches: Vec<(u64, u64)> = Vec::new();
        for place in places {
            match stretches.last_mut() {
                Some((_, last)) if place <= last.saturating_add(1) => *last = place,
                _ => stretches.push((place, place)),
            }
        }
        Self { stretches }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn neighbours_are_one_stretch() {
        let places: Places = [3, 1, 2, 2, 7].into_iter().collect();
        assert_eq!(serde_json::to_string(&places).unwrap(), "[[1,3],[7,7]]");
        assert_eq!(places.len(), 4);
    }

    proptest! {
        #[test]
        fn it_is_a_set(members in proptest::collection::btree_set(0_u64..60, 0..40), asked in 0_u64..70) {
            let places: Places = members.iter().copied().collect();
            prop_assert_eq!(places.iter().collect::<BTreeSet<_>>(), members.clone());
            prop_assert_eq!(places.contains(asked), members.contains(&asked));
            let json = serde_json::to_string(&places).unwrap();
            prop_assert_eq!(serde_json::from_str::<Places>(&json).unwrap(), places);
        }
    }
}
