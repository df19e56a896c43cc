//! Interfaces.

use super::{Device, Vlan};
use crate::choices::choices;
use crate::{Key, Model, Text};

/// A network interface of a device, physical or logical.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(label = "interface", plural = "interfaces", deletion = Part)]
pub struct Interface {
    /// The device it belongs to.
    #[model(key)]
    pub device: Key<Device>,
    /// Its name as the device spells it.
    #[model(key)]
    pub name: Text,
    /// Medium and speed, or its kind when it is logical.
    pub r#type: InterfaceType,
    /// Whether it is administratively up. The operational state is no part of the record: a flapping link would be
    /// written again in every run.
    pub enabled: bool,
    /// Largest layer-2 payload, in bytes.
    #[model(preserve)]
    pub mtu: Option<u32>,
    /// Speed in kbit/s.
    #[model(preserve)]
    pub speed: Option<u64>,
    /// What its operators say of it.
    #[model(preserve)]
    pub description: Option<Text>,
    /// The aggregate that it is a member of.
    #[model(deferred)]
    pub lag: Option<Key<Interface>>,
    /// How it handles VLAN tags; null when it does not switch.
    pub mode: Option<InterfaceMode>,
    /// The access or native VLAN.
    pub untagged_vlan: Option<Key<Vlan>>,
}

choices! {
    /// How an interface handles VLAN tags.
    pub enum InterfaceMode {
        Access = "access",
        Tagged = "tagged",
        TaggedAll = "tagged-all",
        QInQ = "q-in-q",
    }
}

choices! {
    /// Medium and speed of an interface, or its kind when it is logical.
    ///
    /// Listed are the values that a speed or a kind leads to; NetBox knows some 230, and every other one is kept as it is.
    pub enum InterfaceType {
        Virtual = "virtual",
        Bridge = "bridge",
        Lag = "lag",
        Base100Tx = "100base-tx",
        Base1000T = "1000base-t",
        Gbase2_5T = "2.5gbase-t",
        Gbase5T = "5gbase-t",
        Gbase10T = "10gbase-t",
        Gbase25Sfp28 = "25gbase-x-sfp28",
        Gbase40Qsfpp = "40gbase-x-qsfpp",
        Gbase50Sfp56 = "50gbase-x-sfp56",
        Gbase100Qsfp28 = "100gbase-x-qsfp28",
        Gbase200Qsfp56 = "200gbase-x-qsfp56",
        Gbase400QsfpDd = "400gbase-x-qsfpdd",
        Gbase800QsfpDd = "800gbase-x-qsfpdd",
        Tbase1_6Osfp = "1.6tbase-x-osfp1600",
        OtherWireless = "other-wireless",
        Unknown = "other",
    }
}

impl InterfaceType {
    /// The type of an Ethernet interface of which only the speed is known, in Mbit/s.
    ///
    /// The copper or pluggable form that carries most ports of that speed; [`InterfaceType::Unknown`] for a speed that has
    /// no form of its own.
    pub fn of_ethernet_speed(mbps: u64) -> Self {
        match mbps {
            100 => Self::Base100Tx,
            1_000 => Self::Base1000T,
            2_500 => Self::Gbase2_5T,
            5_000 => Self::Gbase5T,
            10_000 => Self::Gbase10T,
            25_000 => Self::Gbase25Sfp28,
            40_000 => Self::Gbase40Qsfpp,
            50_000 => Self::Gbase50Sfp56,
            100_000 => Self::Gbase100Qsfp28,
            200_000 => Self::Gbase200Qsfp56,
            400_000 => Self::Gbase400QsfpDd,
            800_000 => Self::Gbase800QsfpDd,
            1_600_000 => Self::Tbase1_6Osfp,
            _ => Self::Unknown,
        }
    }
}
