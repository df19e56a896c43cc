//! Where prefixes and addresses are: the questions that are asked of networks.

use std::collections::BTreeMap;

use super::address::Net;
use super::schema::Kind;
use super::state::Store;
use super::value::{Id, Object};

/// Prefixes and addresses by their place.
#[derive(Default)]
pub(super) struct Nets {
    /// Prefixes by namespace, family, lowest address and length.
    networks: BTreeMap<(Id, u8, u128, u8), Id>,
    /// Addresses by prefix, family and address.
    hosts: BTreeMap<(Id, u8, u128), Id>,
}

impl Nets {
    /// Notes where an object is, if it is anywhere.
    pub fn place(&mut self, kind: Kind, object: &Object) {
        if let Some((namespace, net)) = network_of(kind, object) {
            self.networks.insert((namespace, net.version(), net.first(), net.length), object.id);
        }
        if let Some((parent, net)) = host_of(kind, object) {
            self.hosts.insert((parent, net.version(), net.number()), object.id);
        }
    }

    /// Forgets where an object is.
    pub fn lift(&mut self, kind: Kind, object: &Object) {
        if let Some((namespace, net)) = network_of(kind, object) {
            self.networks.remove(&(namespace, net.version(), net.first(), net.length));
        }
        if let Some((parent, net)) = host_of(kind, object) {
            self.hosts.remove(&(parent, net.version(), net.number()));
        }
    }
}

fn network_of(kind: Kind, object: &Object) -> Option<(Id, Net)> {
    (kind == Kind::Prefix).then(|| object.ref_of(kind, "namespace").zip(object.get(kind, "prefix").net())).flatten()
}

fn host_of(kind: Kind, object: &Object) -> Option<(Id, Net)> {
    (kind == Kind::IpAddress).then(|| object.ref_of(kind, "parent").zip(object.get(kind, "address").net())).flatten()
}

impl Store {
    /// Prefixes of a namespace within this network, the same one included.
    pub fn prefixes_within(&self, namespace: Id, net: Net) -> impl Iterator<Item = Id> + '_ {
        let from = (namespace, net.version(), net.first(), 0);
        let to = (namespace, net.version(), net.last(), u8::MAX);
        self.nets.networks.range(from..=to).filter(move |(key, _)| key.3 >= net.length).map(|(_, id)| *id)
    }

    /// The prefixes of this network, one a namespace.
    pub fn prefixes_at(&self, net: Net) -> Vec<Id> {
        let namespaces = self.ordered(Kind::Namespace).map(|namespace| namespace.id);
        let found = namespaces.filter_map(|id| self.nets.networks.get(&(id, net.version(), net.first(), net.length)));
        found.copied().collect()
    }

    /// The addresses with this host part, one a namespace.
    pub fn addresses_at(&self, net: Net) -> Vec<Id> {
        let alone = net.alone();
        let namespaces = self.ordered(Kind::Namespace).map(|namespace| namespace.id);
        let parents = namespaces.filter_map(|id| self.closest_prefix(id, alone, Some(alone.length)));
        let found = parents.filter_map(|id| self.nets.hosts.get(&(id, alone.version(), alone.number())));
        found.copied().collect()
    }

    /// The narrowest prefix of a namespace that holds this network and is not longer than `longest`.
    pub fn closest_prefix(&self, namespace: Id, net: Net, longest: Option<u8>) -> Option<Id> {
        let longest = longest?;
        (0..=longest).rev().find_map(|length| {
            self.nets.networks.get(&(namespace, net.version(), net.widened(length).first(), length)).copied()
        })
    }

    /// Addresses of a prefix that lie within this network, by address.
    pub fn addresses_within(&self, parent: Id, net: Net) -> impl Iterator<Item = Id> + '_ {
        let from = (parent, net.version(), net.first());
        self.nets.hosts.range(from..=(parent, net.version(), net.last())).map(|(_, id)| *id)
    }
}
