//! Random choices that can be made again, and the numbers that the environment sets.

/// SplitMix64: the same choices for the same seed, on every machine.
pub struct Dice(u64);

impl Dice {
    /// Dice for one test.
    pub fn new(seed: u64) -> Self {
        Self(seed ^ 0x5eed_0bad_cafe_f00d)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which is not 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// One of several; none of none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        if items.is_empty() { None } else { items.get(usize::try_from(self.below(items.len() as u64)).unwrap()) }
    }

    /// One of several, each as often as its weight says.
    pub fn weighted<T: Copy>(&mut self, items: &[(T, u64)]) -> T {
        let mut place = self.below(items.iter().map(|(_, weight)| weight).sum());
        for (item, weight) in items {
            if place < *weight {
                return *item;
            }
            place -= weight;
        }
        unreachable!("the place is below the sum of the weights")
    }
}

/// A number of the environment.
pub fn setting(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|error| panic!("`{name}` is `{text}`: {error}")),
        Err(_) => default,
    }
}

/// How much a test is to do; none where it is left out.
pub fn wanted(name: &str, default: u64) -> Option<u64> {
    let wanted = setting(name, default);
    if wanted == 0 {
        println!("left out: `{name}` is 0");
    }
    Some(wanted).filter(|wanted| *wanted > 0)
}

/// Where the random choices begin.
pub fn seed() -> u64 {
    setting("DURABLE_SEED", 1)
}

/// Says which seed a test had, when it fails.
pub struct OnFailure(pub String);

impl Drop for OnFailure {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("FAILED: {}", self.0);
        }
    }
}
