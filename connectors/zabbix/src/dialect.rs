//! How versions of the API differ. Chosen once, from the version: Zabbix ignores properties that it does not know without a word,
//! so a wrong name does not fail, it does nothing.
//!
//! <https://www.zabbix.com/documentation/current/en/manual/api/changes>

use syncline_core::version::Version;

/// What a version of the API wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// Where the token goes.
    pub auth: AuthPlace,
    /// How `host.get` is asked for groups, and under which name they come.
    pub host_groups: (&'static str, &'static str),
    /// How a host says who monitors it.
    pub monitoring: Monitoring,
    /// The property of a proxy that has its name.
    pub proxy_name: &'static str,
    /// Whether SNMP interfaces have `max_repetitions`: before, it is taken and dropped.
    pub max_repetitions: bool,
}

/// Where the token goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AuthPlace {
    /// Into the body only; a header is ignored.
    Body,
    /// Into the header; the body is taken too, which helps where a web server in front drops the header.
    HeaderOrBody,
    /// Into the header only.
    Header,
}

/// How a host says who monitors it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Monitoring {
    /// By `proxy_hostid`.
    ProxyHostid,
    /// By `monitored_by` and `proxyid` or `proxy_groupid`.
    MonitoredBy,
}

impl Dialect {
    /// The dialect of a version; of a newer one, the newest that is known.
    pub fn of(version: Version) -> Self {
        let since = |major, minor| version.is_at_least(major, minor);
        Self {
            auth: match (since(6, 4), since(7, 2)) {
                (false, _) => AuthPlace::Body,
                (true, false) => AuthPlace::HeaderOrBody,
                (true, true) => AuthPlace::Header,
            },
            host_groups: if since(6, 2) { ("selectHostGroups", "hostgroups") } else { ("selectGroups", "groups") },
            monitoring: if since(7, 0) { Monitoring::MonitoredBy } else { Monitoring::ProxyHostid },
            proxy_name: if since(7, 0) { "name" } else { "host" },
            max_repetitions: since(6, 4),
        }
    }

    /// Whether templates are in groups of their own, and not in those of hosts.
    pub fn splits_groups(&self) -> bool {
        self.host_groups.1 == "hostgroups"
    }

    /// Whether there are groups of proxies.
    pub fn proxy_groups(&self) -> bool {
        self.monitoring == Monitoring::MonitoredBy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of differences, as it is: a change to it shows in review.
    #[test]
    fn versions_speak_differently() {
        let lines = ["6.0.14", "6.2.9", "6.4.21", "7.0.22", "7.2.0", "7.4.5", "8.0.0"].map(|text| {
            let Dialect { auth, host_groups, monitoring, proxy_name, max_repetitions } =
                Dialect::of(Version::parse(text).unwrap());
            format!(
                "{text}: {auth:?}, {}, {monitoring:?}, proxy {proxy_name}, repetitions {max_repetitions}",
                host_groups.0
            )
        });
        insta::assert_snapshot!(lines.join("\n"), @r#"
6.0.14: Body, selectGroups, ProxyHostid, proxy host, repetitions false
6.2.9: Body, selectHostGroups, ProxyHostid, proxy host, repetitions false
6.4.21: HeaderOrBody, selectHostGroups, ProxyHostid, proxy host, repetitions true
7.0.22: HeaderOrBody, selectHostGroups, MonitoredBy, proxy name, repetitions true
7.2.0: Header, selectHostGroups, MonitoredBy, proxy name, repetitions true
7.4.5: Header, selectHostGroups, MonitoredBy, proxy name, repetitions true
8.0.0: Header, selectHostGroups, MonitoredBy, proxy name, repetitions true
"#);
    }
}
