//! The types of interfaces that Nautobot 3.2 takes, with their labels.

use crate::django::Choice;
use crate::django::interface_types::{BACKPLANES, LINES, STACKS, joined, length};

/// Without hardware, and Ethernet.
#[rustfmt::skip]
const ETHERNET: &[Choice] = &[
    ("virtual", "Virtual"),
    ("bridge", "Bridge"),
    ("lag", "Link Aggregation Group (LAG)"),
    ("tunnel", "Tunnel"),
    ("100base-fx", "100BASE-FX (10/100ME FIBER)"),
    ("100base-lfx", "100BASE-LFX (10/100ME FIBER)"),
    ("100base-tx", "100BASE-TX (10/100ME)"),
    ("100base-t1", "100BASE-T1 (10/100ME Single Pair)"),
    ("1000base-t", "1000BASE-T (1GE)"),
    ("2.5gbase-t", "2.5GBASE-T (2.5GE)"),
    ("5gbase-t", "5GBASE-T (5GE)"),
    ("10gbase-t", "10GBASE-T (10GE)"),
    ("10gbase-cx4", "10GBASE-CX4 (10GE)"),
    ("1000base-x-gbic", "GBIC (1GE)"),
    ("1000base-x-sfp", "SFP (1GE)"),
    ("10gbase-x-sfpp", "SFP+ (10GE)"),
    ("10gbase-x-xfp", "XFP (10GE)"),
    ("10gbase-x-xenpak", "XENPAK (10GE)"),
    ("10gbase-x-x2", "X2 (10GE)"),
    ("25gbase-x-sfp28", "SFP28 (25GE)"),
    ("50gbase-x-sfp56", "SFP56 (50GE)"),
    ("40gbase-x-qsfpp", "QSFP+ (40GE)"),
    ("50gbase-x-sfp28", "QSFP28 (50GE)"),
    ("100gbase-x-cfp", "CFP (100GE)"),
    ("100gbase-x-cfp2", "CFP2 (100GE)"),
    ("200gbase-x-cfp2", "CFP2 (200GE)"),
    ("400gbase-x-cfp2", "CFP2 (400GE)"),
    ("100gbase-x-cfp4", "CFP4 (100GE)"),
    ("100gbase-x-cpak", "Cisco CPAK (100GE)"),
    ("100gbase-x-qsfp28", "QSFP28 (100GE)"),
    ("100gbase-x-cxp", "CXP (100GE)"),
    ("100gbase-x-qsfpdd", "QSFP-DD (100GE)"),
    ("100gbase-x-dsfp", "DSFP (100GE)"),
    ("100gbase-x-sfpdd", "SFP-DD (100GE)"),
    ("200gbase-x-qsfp56", "QSFP56 (200GE)"),
    ("200gbase-x-qsfpdd", "QSFP-DD (200GE)"),
    ("400gbase-x-qsfp112", "QSFP112 (400GE)"),
    ("400gbase-x-qsfpdd", "QSFP-DD (400GE)"),
    ("400gbase-x-osfp", "OSFP (400GE)"),
    ("400gbase-x-osfp-rhs", "OSFP-RHS (400GE)"),
    ("400gbase-x-cdfp", "CDFP (400GE)"),
    ("400gbase-x-cfp8", "CPF8 (400GE)"),
    ("800gbase-x-qsfpdd", "QSFP-DD (800GE)"),
    ("800gbase-x-osfp", "OSFP (800GE)"),
    ("800gbase-x-osfp-xd", "OSFP-XD (800GE)"),
    ("1600gbase-x-osfp", "OSFP (1600GE)"),
    ("1600gbase-x-osfp-xd", "OSFP-XD (1600GE)"),
    ("1000base-kx", "1000BASE-KX (1GE)"),
];

/// Without a wire.
#[rustfmt::skip]
const RADIO: &[Choice] = &[
    ("ieee802.11a", "IEEE 802.11a"),
    ("ieee802.11g", "IEEE 802.11b/g"),
    ("ieee802.11n", "IEEE 802.11n"),
    ("ieee802.11ac", "IEEE 802.11ac"),
    ("ieee802.11ad", "IEEE 802.11ad"),
    ("ieee802.11ax", "IEEE 802.11ax"),
    ("ieee802.11ay", "IEEE 802.11ay"),
    ("ieee802.15.1", "IEEE 802.15.1 (Bluetooth)"),
    ("other-wireless", "Other (Wireless)"),
    ("gsm", "GSM"),
    ("cdma", "CDMA"),
    ("lte", "LTE"),
];

/// Plugs, and lines to subscribers.
#[rustfmt::skip]
const PLUGS: &[Choice] = &[
    ("da15", "DA15"),
    ("da26", "DA26"),
    ("da31", "DA31"),
    ("db25", "DB25"),
    ("db44", "DB44"),
    ("db60", "DB60"),
    ("dc37", "DC37"),
    ("dc62", "DC62"),
    ("dc79", "DC79"),
    ("dd50", "DD50"),
    ("dd78", "DD78"),
    ("dd100", "DD100"),
    ("de9", "DE9"),
    ("de15", "DE15"),
    ("de19", "DE19"),
    ("df104", "DF104"),
    ("xdsl", "xDSL"),
    ("docsis", "DOCSIS"),
    ("gpon", "GPON (2.5 Gbps / 1.25 Gps)"),
    ("xg-pon", "XG-PON (10 Gbps / 2.5 Gbps)"),
    ("xgs-pon", "XGS-PON (10 Gbps)"),
    ("ng-pon2", "NG-PON2 (TWDM-PON) (4x10 Gbps)"),
    ("epon", "EPON (1 Gbps)"),
    ("10g-epon", "10G-EPON (10 Gbps)"),
];

/// Everything in the order of the list.
const LISTS: &[&[Choice]] = &[ETHERNET, BACKPLANES, RADIO, LINES, PLUGS, STACKS];

/// Value and label of every type, in Nautobot's own order.
pub(super) const INTERFACE_TYPES: &[Choice] = &joined::<{ length(LISTS) }>(LISTS);

/// Types of interfaces that are no hardware.
pub(super) const VIRTUAL: &[&str] = &["virtual", "bridge", "lag", "tunnel"];

/// Types of interfaces without a wire.
#[rustfmt::skip]
pub(super) const WIRELESS: &[&str] = &["ieee802.11a", "ieee802.11g", "ieee802.11n", "ieee802.11ac", "ieee802.11ad", "ieee802.11ax", "ieee802.11ay", "ieee802.15.1", "other-wireless"];

/// Types of twisted pairs, which have a duplex mode.
pub(super) const TWISTED_PAIR: &[&str] = &["100base-tx", "1000base-t", "2.5gbase-t", "5gbase-t", "10gbase-t"];
