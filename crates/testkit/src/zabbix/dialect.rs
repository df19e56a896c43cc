//! What differs between versions, computed once from the version.

/// The differences between Zabbix 6.0 and 7.4 that a client meets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dialect {
    /// As `apiinfo.version` tells it.
    pub version: String,
    /// `Authorization: Bearer` counts (6.4).
    pub bearer: bool,
    /// `auth` in the body counts (to 7.0).
    pub body_auth: bool,
    /// `user.login` takes `user` for `username` (to 6.2).
    pub login_user: bool,
    /// `selectHostGroups`, template groups apart from host groups (6.2).
    pub split_groups: bool,
    /// `selectGroups` of hosts is known (to 7.0); later it is passed over.
    pub select_groups: bool,
    /// `real_hosts`, `monitored_hosts` of host groups and `hostids`, `groupids` of maintenances (to 7.0).
    pub old_parameters: bool,
    /// `host.*` checks properties by path, refuses unknown keys below `groups` and `templates`, and more (7.0).
    pub modern: bool,
    /// Proxies are objects of their own with a name; hosts have `monitored_by` (7.0).
    pub proxy_objects: bool,
    /// `proxy.get` and getters of groups refuse what they do not know (6.4).
    pub strict_getters: bool,
    /// SNMP `max_repetitions` (6.4).
    pub max_repetitions: bool,
    /// `automatic` on tags and macros, `active_available` (6.4).
    pub automatic: bool,
    /// `excludeSearch` of getters turns a search round; 6.0.14 passes it over.
    pub exclude_search: bool,
    /// One identity has one pre-shared key (7.0).
    pub one_key_per_identity: bool,
    /// Longest `url_a` and its like in an inventory.
    pub inventory_url: usize,
    /// Only super admins hear what a database error is (7.0).
    pub secret_database_errors: bool,
    /// A database error has the code -32603 and loses the answer of a batch: 7.0 before 7.0.22.
    pub frail_database_errors: bool,
}

impl Dialect {
    /// The dialect of a version such as `7.0.9`. A version newer than all known ones speaks the newest dialect.
    pub fn of(version: &str) -> Self {
        let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        let numbers = (parts.next().unwrap_or(0), parts.next().unwrap_or(0), parts.next().unwrap_or(0));
        let from = |major, minor| (numbers.0, numbers.1) >= (major, minor);
        Self {
            version: version.to_owned(),
            bearer: from(6, 4),
            body_auth: !from(7, 2),
            login_user: !from(6, 4),
            split_groups: from(6, 2),
            select_groups: !from(7, 2),
            old_parameters: !from(7, 2),
            modern: from(7, 0),
            proxy_objects: from(7, 0),
            strict_getters: from(6, 4),
            max_repetitions: from(6, 4),
            automatic: from(6, 4),
            exclude_search: from(6, 2),
            one_key_per_identity: from(7, 0),
            inventory_url: if from(7, 0) { 2048 } else { 255 },
            secret_database_errors: from(7, 0),
            frail_database_errors: (numbers.0, numbers.1) == (7, 0) && numbers.2 < 22,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Dialect;

    #[test]
    fn versions_are_compared_as_numbers() {
        let seven = Dialect::of("7.0.9");
        assert!(seven.bearer && seven.body_auth && seven.modern && seven.frail_database_errors);
        assert!(!Dialect::of("7.0.22").frail_database_errors);
        assert!(!Dialect::of("6.0.14").bearer && Dialect::of("6.4.21").bearer && !Dialect::of("6.4.21").modern);
        let newest = Dialect::of("7.4.1");
        assert_eq!(Dialect { version: newest.version.clone(), ..Dialect::of("10.0.0") }, newest);
    }
}
