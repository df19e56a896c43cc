//! Which Zabbix it is.

use syncline_core::version::Known;

/// The releases whose API is known. Older ones have no API tokens, and other rules for templates; newer ones are spoken to as the newest of
/// these.
pub(crate) const KNOWN: Known = Known { system: "Zabbix", oldest: (6, 0), newest: (7, 4) };
