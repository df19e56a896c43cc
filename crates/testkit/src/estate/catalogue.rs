//! Tables of names that make an estate look like one: places, hardware, software, words.

/// City, three-letter code, country.
pub(crate) const CITIES: &[(&str, &str, &str)] = &[
    ("Frankfurt", "fra", "Germany"),
    ("Atlanta", "atl", "United States"),
    ("Singapore", "sin", "Singapore"),
    ("London", "lon", "United Kingdom"),
    ("São Paulo", "sao", "Brazil"),
    ("Tokyo", "tyo", "Japan"),
    ("Amsterdam", "ams", "Netherlands"),
    ("San Jose", "sjc", "United States"),
    ("Zürich", "zrh", "Switzerland"),
    ("Sydney", "syd", "Australia"),
    ("Chicago", "chi", "United States"),
    ("Paris", "par", "France"),
    ("Mumbai", "bom", "India"),
    ("Toronto", "tor", "Canada"),
    ("Madrid", "mad", "Spain"),
    ("Stockholm", "sto", "Sweden"),
    ("Dallas", "dal", "United States"),
    ("Warsaw", "waw", "Poland"),
    ("Dublin", "dub", "Ireland"),
    ("Seoul", "sel", "South Korea"),
    ("Johannesburg", "jnb", "South Africa"),
    ("Mexico City", "mex", "Mexico"),
    ("Milan", "mil", "Italy"),
    ("Seattle", "sea", "United States"),
];

/// What the site of a city may be called: its number picks one.
pub(crate) const SITE_KINDS: &[&str] = &["DC", "Campus", "Office", "Plant", "Branch"];

/// How a platform spells its interfaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Naming {
    /// `TenGigabitEthernet1/0/1`, `Port-channel1`, `Vlan100`.
    CiscoIos,
    /// `HundredGigE0/0/0/1`, `Bundle-Ether1`, `BVI100`.
    CiscoXr,
    /// `Ethernet1/1`, `port-channel1`, `Vlan100`, `mgmt0`.
    CiscoNexus,
    /// `Ethernet1`, `Port-Channel1`, `Vlan100`, `Management1`.
    Arista,
    /// `xe-0/0/1`, `ae1`, `irb.100`, `fxp0`.
    Juniper,
    /// `ethernet1/1`, `ae1`, `vlan.100`, `management`.
    PaloAlto,
    /// `port1`, `agg1`, `vlan100`, `mgmt`.
    Fortinet,
    /// `1.1`, `trunk1`, `vlan100`, `mgmt`.
    F5,
    /// `1/1/1`, `lag1`, `vlan100`, `mgmt`.
    Aruba,
}

/// A kind of device as a vendor sells it.
#[derive(Debug)]
pub(crate) struct Platform {
    pub(crate) vendor: &'static str,
    pub(crate) os: &'static str,
    pub(crate) role: &'static str,
    pub(crate) models: &'static [&'static str],
    pub(crate) versions: &'static [&'static str],
    pub(crate) serial_prefix: &'static str,
    pub(crate) oui: [u8; 3],
    pub(crate) naming: Naming,
    /// Speeds of ports in Mb/s: the first for links between devices, the others for ports.
    pub(crate) speeds: &'static [u32],
}

pub(crate) const CORES: &[Platform] = &[
    Platform {
        vendor: "CISCO",
        os: "NXOS",
        role: "SWITCH",
        models: &["N9K-C93180YC-EX", "N9K-C9336C-FX2", "N9K-C9364D-GX2A"],
        versions: &["9.3(8)", "10.2(5)", "10.3(4a)"],
        serial_prefix: "FDO",
        oui: [0x00, 0xde, 0xfb],
        naming: Naming::CiscoNexus,
        speeds: &[100_000, 25_000, 100_000, 400_000],
    },
    Platform {
        vendor: "ARISTA",
        os: "ARISTA_EOS",
        role: "SWITCH",
        models: &["DCS-7050SX3-48YC8", "DCS-7280CR3-32P4"],
        versions: &["4.28.3M", "4.31.2F"],
        serial_prefix: "JPE",
        oui: [0x44, 0x4c, 0xa8],
        naming: Naming::Arista,
        speeds: &[400_000, 25_000, 50_000, 800_000],
    },
];

pub(crate) const ROUTERS: &[Platform] = &[
    Platform {
        vendor: "CISCO",
        os: "IOS_XR",
        role: "ROUTER",
        models: &["ASR-9906", "NCS-55A1-24H"],
        versions: &["7.5.2", "7.9.21"],
        serial_prefix: "FOX",
        oui: [0x00, 0x8a, 0x96],
        naming: Naming::CiscoXr,
        speeds: &[100_000, 10_000, 100_000],
    },
    Platform {
        vendor: "JUNIPER",
        os: "JUNOS",
        role: "ROUTER",
        models: &["MX204", "MX480"],
        versions: &["21.4R3-S2.4", "22.2R1.9"],
        serial_prefix: "JN",
        oui: [0x2c, 0x6b, 0xf5],
        naming: Naming::Juniper,
        speeds: &[100_000, 10_000, 40_000],
    },
    Platform {
        vendor: "CISCO",
        os: "IOS_XE",
        role: "ROUTER",
        models: &["ISR4451-X/K9", "C8500-12X4QC"],
        versions: &["17.06.05", "17.09.04a"],
        serial_prefix: "FLM",
        oui: [0x70, 0x6d, 0x15],
        naming: Naming::CiscoIos,
        speeds: &[10_000, 1_000],
    },
];

pub(crate) const FIREWALLS: &[Platform] = &[
    Platform {
        vendor: "PALO_ALTO_NETWORKS",
        os: "PAN_OS",
        role: "FIREWALL",
        models: &["PA-5250", "PA-3260"],
        versions: &["10.1.9-h1", "10.2.7"],
        serial_prefix: "0130",
        oui: [0xb4, 0x0c, 0x25],
        naming: Naming::PaloAlto,
        speeds: &[10_000, 1_000, 10_000],
    },
    Platform {
        vendor: "FORTINET",
        os: "FORTINET",
        role: "FIREWALL",
        models: &["FortiGate-600E", "FortiGate-1801F"],
        versions: &["v7.0.12", "v7.2.5"],
        serial_prefix: "FG6H",
        oui: [0xe8, 0x1c, 0xba],
        naming: Naming::Fortinet,
        speeds: &[10_000, 1_000],
    },
];

pub(crate) const ACCESS: &[Platform] = &[
    Platform {
        vendor: "CISCO",
        os: "IOS_XE",
        role: "SWITCH",
        models: &["C9300-48P", "C9300-48UXM", "WS-C3850-48P"],
        versions: &["17.03.05", "16.12.08", "17.09.04a"],
        serial_prefix: "FCW",
        oui: [0x00, 0x2c, 0xc8],
        naming: Naming::CiscoIos,
        speeds: &[10_000, 1_000, 1_000, 2_500],
    },
    Platform {
        vendor: "ARUBA",
        os: "ARUBA_AOS_CX",
        role: "SWITCH",
        models: &["JL728A", "JL659A"],
        versions: &["10.10.1030", "10.13.0005"],
        serial_prefix: "SG",
        oui: [0x88, 0x3a, 0x30],
        naming: Naming::Aruba,
        speeds: &[10_000, 1_000],
    },
    Platform {
        vendor: "ARISTA",
        os: "ARISTA_EOS",
        role: "SWITCH",
        models: &["CCS-720XP-48ZC2", "DCS-7020SR-24C2"],
        versions: &["4.28.3M"],
        serial_prefix: "WTW",
        oui: [0x94, 0x8e, 0xd3],
        naming: Naming::Arista,
        speeds: &[25_000, 1_000, 5_000],
    },
];

pub(crate) const BALANCERS: &[Platform] = &[Platform {
    vendor: "F5",
    os: "F5",
    role: "LOAD_BALANCER",
    models: &["BIG-IP i5800"],
    versions: &["15.1.8", "16.1.3.3"],
    serial_prefix: "f5-",
    oui: [0x00, 0x94, 0xa1],
    naming: Naming::F5,
    speeds: &[10_000, 10_000, 40_000],
}];

/// Forward device tags.
pub(crate) const TAGS: &[&str] = &["prod", "pci", "lab", "Mgmt_Vlan10", "wave-1", "wave-2"];

/// Names of VLANs, used in turn.
pub(crate) const VLAN_NAMES: &[&str] =
    &["users", "voice", "printers", "servers", "storage", "guest", "cameras", "mgmt", "dmz", "iot", "backup", "wifi"];

/// Names of VRFs, used in turn before numbered ones.
pub(crate) const VRF_NAMES: &[&str] = &["CUST-A", "GUEST", "VOICE", "DMZ"];

/// What people write on ports.
pub(crate) const PORT_WORDS: &[&str] = &[
    "user port",
    "printer 2nd floor",
    "access point",
    "hypervisor vmnic0",
    "camera north gate",
    "spare - do not use",
    "badge reader",
    "meeting room \"Everest\"",
];
