//! The types of interfaces that both systems take, with their labels. Nautobot has them from NetBox, and each has added
//! its own between them.

use super::Choice;

/// Ethernet over backplanes, as far as both know it.
#[rustfmt::skip]
pub(crate) const BACKPLANES: &[Choice] = &[
    ("10gbase-kr", "10GBASE-KR (10GE)"),
    ("10gbase-kx4", "10GBASE-KX4 (10GE)"),
    ("25gbase-kr", "25GBASE-KR (25GE)"),
    ("40gbase-kr4", "40GBASE-KR4 (40GE)"),
    ("50gbase-kr", "50GBASE-KR (50GE)"),
    ("100gbase-kp4", "100GBASE-KP4 (100GE)"),
    ("100gbase-kr2", "100GBASE-KR2 (100GE)"),
    ("100gbase-kr4", "100GBASE-KR4 (100GE)"),
];

/// SONET, Fibre Channel, InfiniBand and serial lines.
#[rustfmt::skip]
pub(crate) const LINES: &[Choice] = &[
    ("sonet-oc3", "OC-3/STM-1"),
    ("sonet-oc12", "OC-12/STM-4"),
    ("sonet-oc48", "OC-48/STM-16"),
    ("sonet-oc192", "OC-192/STM-64"),
    ("sonet-oc768", "OC-768/STM-256"),
    ("sonet-oc1920", "OC-1920/STM-640"),
    ("sonet-oc3840", "OC-3840/STM-1234"),
    ("1gfc-sfp", "SFP (1GFC)"),
    ("2gfc-sfp", "SFP (2GFC)"),
    ("4gfc-sfp", "SFP (4GFC)"),
    ("8gfc-sfpp", "SFP+ (8GFC)"),
    ("16gfc-sfpp", "SFP+ (16GFC)"),
    ("32gfc-sfp28", "SFP28 (32GFC)"),
    ("32gfc-sfpp", "SFP+ (32GFC)"),
    ("64gfc-qsfpp", "QSFP+ (64GFC)"),
    ("64gfc-sfpdd", "SFP-DD (64GFC)"),
    ("64gfc-sfpp", "SFP+ (64GFC)"),
    ("128gfc-qsfp28", "QSFP28 (128GFC)"),
    ("infiniband-sdr", "SDR (2 Gbps)"),
    ("infiniband-ddr", "DDR (4 Gbps)"),
    ("infiniband-qdr", "QDR (8 Gbps)"),
    ("infiniband-fdr10", "FDR10 (10 Gbps)"),
    ("infiniband-fdr", "FDR (13.5 Gbps)"),
    ("infiniband-edr", "EDR (25 Gbps)"),
    ("infiniband-hdr", "HDR (50 Gbps)"),
    ("infiniband-ndr", "NDR (100 Gbps)"),
    ("infiniband-xdr", "XDR (250 Gbps)"),
    ("t1", "T1 (1.544 Mbps)"),
    ("e1", "E1 (2.048 Mbps)"),
    ("t3", "T3 (45 Mbps)"),
    ("e3", "E3 (34 Mbps)"),
];

/// Stacks, and what is nothing else.
#[rustfmt::skip]
pub(crate) const STACKS: &[Choice] = &[
    ("cisco-stackwise", "Cisco StackWise"),
    ("cisco-stackwise-plus", "Cisco StackWise Plus"),
    ("cisco-flexstack", "Cisco FlexStack"),
    ("cisco-flexstack-plus", "Cisco FlexStack Plus"),
    ("cisco-stackwise-80", "Cisco StackWise-80"),
    ("cisco-stackwise-160", "Cisco StackWise-160"),
    ("cisco-stackwise-320", "Cisco StackWise-320"),
    ("cisco-stackwise-480", "Cisco StackWise-480"),
    ("cisco-stackwise-1t", "Cisco StackWise-1T"),
    ("juniper-vcp", "Juniper VCP"),
    ("extreme-summitstack", "Extreme SummitStack"),
    ("extreme-summitstack-128", "Extreme SummitStack-128"),
    ("extreme-summitstack-256", "Extreme SummitStack-256"),
    ("extreme-summitstack-512", "Extreme SummitStack-512"),
    ("other", "Other"),
];

/// How long some lists are together.
pub(crate) const fn length(lists: &[&[Choice]]) -> usize {
    let (mut length, mut list) = (0, 0);
    while list < lists.len() {
        length += lists[list].len();
        list += 1;
    }
    length
}

/// Lists one behind the other; `N` is their [`length`].
pub(crate) const fn joined<const N: usize>(lists: &[&[Choice]]) -> [Choice; N] {
    let mut all = [("", ""); N];
    let (mut at, mut list) = (0, 0);
    while list < lists.len() {
        let mut row = 0;
        while row < lists[list].len() {
            all[at] = lists[list][row];
            at += 1;
            row += 1;
        }
        list += 1;
    }
    all
}
