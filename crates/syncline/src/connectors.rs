//! The connectors that this build links. The one file that names them: a connector registers itself, but only a crate that
//! something refers to is linked.

#[cfg(feature = "connector-files")]
use syncline_connector_files as _;
#[cfg(feature = "connector-forward")]
use syncline_connector_forward as _;
#[cfg(feature = "connector-nautobot")]
use syncline_connector_nautobot as _;
#[cfg(feature = "connector-netbox")]
use syncline_connector_netbox as _;
#[cfg(feature = "connector-rest")]
use syncline_connector_rest as _;
#[cfg(feature = "connector-zabbix")]
use syncline_connector_zabbix as _;

/// What this build is made to link, to tell a connector that was left out from one that the linker dropped.
pub(crate) const EXPECTED: &[&str] = &[
    #[cfg(feature = "connector-files")]
    "files",
    #[cfg(feature = "connector-forward")]
    "forward",
    #[cfg(feature = "connector-nautobot")]
    "nautobot",
    #[cfg(feature = "connector-netbox")]
    "netbox",
    #[cfg(feature = "connector-rest")]
    "rest",
    #[cfg(feature = "connector-zabbix")]
    "zabbix",
];
