//! What an estate consists of: the facts that Forward's data model has about a network, as plain data.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

/// A place where devices stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// Forward's id; survives a renaming.
    pub id: String,
    /// Spelled as a person entered it.
    pub name: String,
    /// City, if entered.
    pub city: Option<String>,
    /// Country, name or code, if entered.
    pub country: Option<String>,
}

/// A network device, with everything in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Unique in the estate.
    pub name: String,
    /// `None`: nobody has placed it.
    pub location: Option<Arc<Location>>,
    /// Constant of Forward's `Vendor`, e.g. `PALO_ALTO_NETWORKS`.
    pub vendor: String,
    /// Hardware model, if Forward can tell.
    pub model: Option<String>,
    /// Constant of Forward's `DeviceType`, e.g. `SWITCH`.
    pub role: String,
    /// Constant of Forward's `OS`, e.g. `IOS_XE`.
    pub os: String,
    /// Version of the operating system.
    pub os_version: Option<String>,
    /// Serial number of the chassis.
    pub serial: Option<String>,
    /// Management addresses.
    pub management_ips: Vec<IpAddr>,
    /// The address at which Forward collects the device.
    pub collection_ip: Option<IpAddr>,
    /// For a virtual context: the name of the device that it lives in.
    pub parent: Option<String>,
    /// Forward device tags.
    pub tags: Vec<String>,
    /// Whether Forward could collect it.
    pub collection: Collection,
    /// Serial numbers of all switches of its stack in the order of their numbers; empty outside stacks.
    pub stack_serials: Vec<String>,
    /// VLANs that the device defines: number and name.
    pub vlans: Arc<Vec<(u16, Option<String>)>>,
    /// Sorted by name.
    pub interfaces: Vec<Interface>,
}

/// How collecting a device went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Collection {
    /// Collected for this Forward snapshot.
    Completed,
    /// Not collected now; the data is that of an older Forward snapshot.
    Backfilled,
    /// Not collected: an error code such as `CONNECTION_TIMEOUT`. Queries do not see the device.
    Failed(String),
}

/// An interface of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Unique in the device.
    pub name: String,
    /// What it is.
    pub kind: InterfaceKind,
    /// What the configuration wants.
    pub admin_up: bool,
    /// What the link does.
    pub oper_up: bool,
    /// Mb/s.
    pub speed_mbps: Option<u32>,
    /// Octets.
    pub mtu: Option<u32>,
    /// May be empty or carry surrounding blanks, as on real devices.
    pub description: Option<String>,
    /// May be all zero, as on real devices.
    pub mac: Option<Mac>,
    /// Name of the aggregate that it is a member of.
    pub aggregate: Option<String>,
    /// `None` for interfaces that do not switch.
    pub mode: Option<VlanMode>,
    /// Access VLAN in access mode, native VLAN in trunk mode.
    pub untagged_vlan: Option<u16>,
    /// Addresses, those of subinterfaces included.
    pub addresses: Vec<Address>,
}

/// Kind of an interface: the constants of Forward's `IfaceType` that estates use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InterfaceKind {
    /// A port.
    Ethernet,
    /// A LAG.
    Aggregate,
    /// A loopback.
    Loopback,
    /// An SVI or IRB.
    RoutedVlan,
    /// A bridge.
    Bridge,
    /// A GRE tunnel over IPv4.
    TunnelGre4,
    /// A VXLAN tunnel end.
    TunnelVxlan,
}

/// How a port switches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VlanMode {
    /// One VLAN, untagged.
    Access,
    /// Many VLANs.
    Trunk,
}

/// An address of an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// `None` is the global table.
    pub vrf: Option<Arc<str>>,
    /// Host address with its mask.
    pub address: IpNet,
}

/// A MAC address; displays in lower case with colons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub [u8; 6]);

impl InterfaceKind {
    /// The name of Forward's constant.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ethernet => "IF_ETHERNET",
            Self::Aggregate => "IF_AGGREGATE",
            Self::Loopback => "IF_LOOPBACK",
            Self::RoutedVlan => "IF_ROUTED_VLAN",
            Self::Bridge => "IF_BRIDGE",
            Self::TunnelGre4 => "IF_TUNNEL_GRE4",
            Self::TunnelVxlan => "IF_TUNNEL_VXLAN",
        }
    }
}

impl VlanMode {
    /// The name of Forward's constant.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Access => "ACCESS",
            Self::Trunk => "TRUNK",
        }
    }
}

impl Mac {
    /// True for 00:00:00:00:00:00.
    pub fn is_zero(self) -> bool {
        self.0 == [0; 6]
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [head, tail @ ..] = self.0;
        write!(formatter, "{head:02x}")?;
        tail.iter().try_for_each(|octet| write!(formatter, ":{octet:02x}"))
    }
}

impl Interface {
    /// An interface that is up and has nothing else.
    pub fn new(name: impl Into<String>, kind: InterfaceKind) -> Self {
        Self {
            name: name.into(),
            kind,
            admin_up: true,
            oper_up: true,
            speed_mbps: None,
            mtu: None,
            description: None,
            mac: None,
            aggregate: None,
            mode: None,
            untagged_vlan: None,
            addresses: Vec::new(),
        }
    }
}

impl Device {
    /// The name of its location, or `unknown`.
    pub fn site(&self) -> &str {
        self.location.as_ref().map_or("unknown", |location| location.name.as_str())
    }

    /// The interface of that name.
    pub fn interface(&self, name: &str) -> Option<&Interface> {
        self.interfaces.iter().find(|interface| interface.name == name)
    }

    /// The interface of that name, to edit.
    pub fn interface_mut(&mut self, name: &str) -> Option<&mut Interface> {
        self.interfaces.iter_mut().find(|interface| interface.name == name)
    }

    /// True if queries see the device: collected (or carried over), and no synthetic node.
    pub fn is_queryable(&self) -> bool {
        !matches!(self.collection, Collection::Failed(_)) && self.vendor != "FORWARD_CUSTOM"
    }
}
