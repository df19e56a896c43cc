//! How objects are found by model and key.

use crate::bindings;

/// The hash of an object's model and key: 4 bytes for its surroundings, 12 for itself.
///
/// Two keys that differ in their last part only, such as the interfaces of a device, begin alike. So a run that goes through
/// them in order fills neighbouring places of an index, instead of touching a page of it for every single one.
pub(super) fn hash(model: &str, key: &str) -> u128 {
    let surroundings = key.rsplit_once(',').map_or("", |(surroundings, _)| surroundings);
    let place = bindings::hash(model, surroundings) & u128::from(u32::MAX);
    (place << 96) | (bindings::hash(model, key) >> 32)
}

/// The half of a hash that finds the changes of an object, where model and key are compared as well.
pub(super) fn half(hash: u128) -> i64 {
    let upper = u64::try_from(hash >> 64).expect("64 of 128 bits are left");
    upper.cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_begin_alike() {
        let place = |model: &str, key: &str| hash(model, key) >> 96;
        let port = r#"[["atlanta-dc1","atl-core-1"],"Ethernet1/1"]"#;
        assert_eq!(place("interface", port), place("interface", r#"[["atlanta-dc1","atl-core-1"],"Ethernet1/2"]"#));
        assert_ne!(place("interface", port), place("interface", r#"[["atlanta-dc1","atl-core-2"],"Ethernet1/1"]"#));
        assert_ne!(place("interface", port), place("inventory_item", port));
        assert_eq!(place("site", r#"["a"]"#), place("site", r#"["b"]"#));
        assert_ne!(hash("site", r#"["a"]"#), hash("site", r#"["b"]"#));
        assert_ne!(half(hash("site", r#"["a"]"#)), half(hash("site", r#"["b"]"#)));
    }
}
