//! The generator's random numbers: SplitMix64, so that an estate is the same on every machine and in every version of
//! every library.

/// A small deterministic generator. Not for secrets.
#[derive(Debug, Clone)]
pub(crate) struct Rng(u64);

impl Rng {
    /// A generator for one thing, named by numbers: equal names give equal sequences, whatever else is generated.
    pub(crate) fn of(seed: u64, name: &[u64]) -> Self {
        let mut rng = Self(seed ^ 0x51ec_ea5e_5eed_0001);
        for part in name {
            rng.0 = rng.next() ^ part.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
        rng
    }

    /// The next 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit` (0 if `limit` is 0).
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % limit).unwrap_or(0)
    }

    /// True in `percent` of 100 cases.
    pub(crate) fn percent(&mut self, percent: u8) -> bool {
        self.next() % 100 < u64::from(percent)
    }

    /// One of `items`, which must not be empty.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::Rng;

    #[test]
    fn equal_names_give_equal_numbers() {
        let mut a = Rng::of(7, &[1, 2]);
        let mut b = Rng::of(7, &[1, 2]);
        let mut c = Rng::of(7, &[2, 1]);
        let first = a.next();
        assert_eq!(first, b.next());
        assert_ne!(first, c.next());
    }
}
