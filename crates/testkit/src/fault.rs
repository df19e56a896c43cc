//! Faults of requests: which ones are met, how often, and what happens to them. What can happen depends on the system.

/// One fault: which requests it meets, how often, and what it does to them.
///
/// A request is met when its HTTP method fits and one of the texts that its simulator looks at contains the text of
/// [`Fault::on`]: path and query, the text of a GraphQL query, the methods of a JSON-RPC body.
#[derive(Clone, Debug)]
pub struct Fault<E> {
    text: String,
    method: Option<String>,
    skip: u32,
    times: u32,
    pub(crate) effect: E,
}

impl<E> Fault<E> {
    /// A fault for requests with `text` in one of their texts; it stays until it is cleared.
    pub fn on(text: &str, effect: E) -> Self {
        Self { text: text.to_owned(), method: None, skip: 0, times: u32::MAX, effect }
    }

    /// Only requests with this HTTP method.
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// The first requests that it would meet pass unharmed.
    pub fn after(mut self, requests: u32) -> Self {
        self.skip = requests;
        self
    }

    /// It meets this many requests and then is spent.
    pub fn times(mut self, requests: u32) -> Self {
        self.times = requests;
        self
    }
}

/// The effects on one request; counts it.
pub(crate) fn meet<E: Clone>(faults: &mut [Fault<E>], method: &str, texts: &[&str]) -> Vec<E> {
    let mut effects = Vec::new();
    for fault in faults {
        let right_method = fault.method.as_deref().is_none_or(|wanted| wanted == method);
        let right_text = texts.iter().any(|text| text.contains(&fault.text));
        if !right_method || !right_text || fault.times == 0 {
            continue;
        }
        if fault.skip > 0 {
            fault.skip -= 1;
            continue;
        }
        fault.times = fault.times.saturating_sub(u32::from(fault.times != u32::MAX));
        effects.push(fault.effect.clone());
    }
    effects
}
