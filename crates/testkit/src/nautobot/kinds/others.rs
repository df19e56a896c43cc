//! Fields of GraphQL's types that lead to what is not simulated: they are there, and there is nothing behind them.

use crate::nautobot::schema::Kind;

/// Name and type.
pub(in crate::nautobot) type Other = (&'static str, &'static str);

/// What every primary kind has.
const COMMON: &[Other] = &[
    ("associated_contacts", "[ContactAssociationType]"),
    ("associated_data_compliance", "[DataComplianceType]"),
    ("associated_object_metadata", "[ObjectMetadataType]"),
    ("dynamic_groups", "[DynamicGroupType]"),
    ("static_group_association_set", "[StaticGroupAssociationType]"),
];

/// What links have.
const LINKS: &[Other] =
    &[("associated_data_compliance", "[DataComplianceType]"), ("associated_object_metadata", "[ObjectMetadataType]")];

/// The fields of a kind that lead nowhere.
pub(in crate::nautobot) fn others(kind: Kind) -> impl Iterator<Item = &'static Other> {
    let common = if kind.def().primary { COMMON } else { LINKS };
    own(kind).iter().chain(common)
}

#[rustfmt::skip]
fn own(kind: Kind) -> &'static [Other] {
    match kind {
        Kind::Tag => &[
            ("providernetwork_set", "[ProviderNetworkType]"), ("provider_set", "[ProviderType]"),
            ("circuit_set", "[CircuitType]"), ("circuittermination_set", "[CircuitTerminationType]"),
            ("cloudaccount_set", "[CloudAccountType]"), ("cloudresourcetype_set", "[CloudResourceTypeType]"),
            ("cloudnetwork_set", "[CloudNetworkType]"), ("cloudservice_set", "[CloudServiceType]"),
            ("regularexpressionvalidationrule_set", "[RegularExpressionValidationRuleType]"),
            ("minmaxvalidationrule_set", "[MinMaxValidationRuleType]"),
            ("requiredvalidationrule_set", "[RequiredValidationRuleType]"),
            ("uniquevalidationrule_set", "[UniqueValidationRuleType]"), ("consoleport_set", "[ConsolePortType]"),
            ("consoleserverport_set", "[ConsoleServerPortType]"), ("powerport_set", "[PowerPortType]"),
            ("poweroutlet_set", "[PowerOutletType]"),
            ("interfaceredundancygroup_set", "[InterfaceRedundancyGroupType]"), ("frontport_set", "[FrontPortType]"),
            ("rearport_set", "[RearPortType]"), ("devicebay_set", "[DeviceBayType]"),
            ("inventoryitem_set", "[InventoryItemType]"), ("modulebay_set", "[ModuleBayType]"),
            ("cabletype_set", "[CableTypeType]"), ("cable_set", "[CableType]"),
            ("devicefamily_set", "[DeviceFamilyType]"),
            ("deviceredundancygroup_set", "[DeviceRedundancyGroupType]"),
            ("softwareimagefile_set", "[SoftwareImageFileType]"), ("softwareversion_set", "[SoftwareVersionType]"),
            ("controller_set", "[ControllerType]"),
            ("controllermanageddevicegroup_set", "[ControllerManagedDeviceGroupType]"),
            ("modulefamily_set", "[ModuleFamilyType]"), ("moduletype_set", "[ModuleTypeType]"),
            ("module_set", "[ModuleType]"), ("virtualdevicecontext_set", "[VirtualDeviceContextType]"),
            ("powerpanel_set", "[PowerPanelType]"),
            ("powerfeed_set", "[PowerFeedType]"), ("rack_set", "[RackType]"),
            ("rackreservation_set", "[RackReservationType]"),
            ("approvalworkflowdefinition_set", "[ApprovalWorkflowDefinitionType]"), ("contact_set", "[ContactType]"),
            ("team_set", "[TeamType]"), ("gitrepository_set", "[GitRepositoryType]"),
            ("dynamicgroup_set", "[DynamicGroupType]"), ("job_set", "[JobType]"), ("jobqueue_set", "[JobQueueType]"),
            ("metadatatype_set", "[MetadataTypeType]"), ("secret_set", "[SecretType]"),
            ("routetarget_set", "[RouteTargetType]"),
            ("ipaddressrange_set", "[IPAddressRangeType]"), ("vlangroup_set", "[VLANGroupType]"),
            ("service_set", "[ServiceType]"),
            ("virtualserver_set", "[VirtualServerType]"), ("loadbalancerpool_set", "[LoadBalancerPoolType]"),
            ("loadbalancerpoolmember_set", "[LoadBalancerPoolMemberType]"),
            ("healthcheckmonitor_set", "[HealthCheckMonitorType]"),
            ("certificateprofile_set", "[CertificateProfileType]"),
            ("vminterface_set", "[VMInterfaceType]"), ("vpnprofile_set", "[VPNProfileType]"),
            ("vpnphase1policy_set", "[VPNPhase1PolicyType]"), ("vpnphase2policy_set", "[VPNPhase2PolicyType]"),
            ("vpn_set", "[VPNType]"), ("vpntunnel_set", "[VPNTunnelType]"),
            ("vpntunnelendpoint_set", "[VPNTunnelEndpointType]"), ("vpntermination_set", "[VPNTerminationType]"),
            ("supporteddatarate_set", "[SupportedDataRateType]"), ("radioprofile_set", "[RadioProfileType]"),
            ("wirelessnetwork_set", "[WirelessNetworkType]"),
        ],
        Kind::Role => &[
            ("contact_associations", "[ContactAssociationType]"), ("controllers", "[ControllerType]"),
            ("modules", "[ModuleType]"), ("virtual_device_contexts", "[VirtualDeviceContextType]"),
            ("racks", "[RackType]"), ("vm_interfaces", "[VMInterfaceType]"),
            ("ip_address_ranges", "[IPAddressRangeType]"), ("vpn_profiles", "[VPNProfileType]"),
            ("vpns", "[VPNType]"), ("vpn_tunnels", "[VPNTunnelType]"),
            ("vpn_tunnel_endpoints", "[VPNTunnelEndpointType]"),
        ],
        Kind::Status => &[
            ("contact_associations", "[ContactAssociationType]"),
            ("interface_redundancy_groups", "[InterfaceRedundancyGroupType]"), ("cables", "[CableType]"),
            ("device_redundancy_groups", "[DeviceRedundancyGroupType]"),
            ("software_image_files", "[SoftwareImageFileType]"), ("software_versions", "[SoftwareVersionType]"),
            ("controllers", "[ControllerType]"), ("modules", "[ModuleType]"),
            ("virtual_device_contexts", "[VirtualDeviceContextType]"), ("power_feeds", "[PowerFeedType]"),
            ("racks", "[RackType]"), ("circuits", "[CircuitType]"), ("vm_interfaces", "[VMInterfaceType]"),
            ("ip_address_ranges", "[IPAddressRangeType]"),
            ("load_balancer_pool_members", "[LoadBalancerPoolMemberType]"), ("vpns", "[VPNType]"),
            ("vpn_tunnels", "[VPNTunnelType]"),
        ],
        Kind::Tenant => &[
            ("managed_dynamic_groups", "[DynamicGroupType]"), ("job_queues", "[JobQueueType]"),
            ("wireless_networks", "[WirelessNetworkType]"), ("controllers", "[ControllerType]"),
            ("controller_managed_device_groups", "[ControllerManagedDeviceGroupType]"), ("modules", "[ModuleType]"),
            ("virtual_device_contexts", "[VirtualDeviceContextType]"), ("racks", "[RackType]"),
            ("rack_reservations", "[RackReservationType]"), ("circuits", "[CircuitType]"),
            ("route_targets", "[RouteTargetType]"), ("ip_address_ranges", "[IPAddressRangeType]"),
            ("virtual_servers", "[VirtualServerType]"), ("load_balancer_pools", "[LoadBalancerPoolType]"),
            ("load_balancer_pool_members", "[LoadBalancerPoolMemberType]"),
            ("health_check_monitors", "[HealthCheckMonitorType]"),
            ("certificate_profiles", "[CertificateProfileType]"), ("vpn_profiles", "[VPNProfileType]"),
            ("vpn_phase_1_policies", "[VPNPhase1PolicyType]"), ("vpn_phase_2_policies", "[VPNPhase2PolicyType]"),
            ("vpns", "[VPNType]"), ("vpn_tunnels", "[VPNTunnelType]"),
            ("vpn_tunnel_endpoints", "[VPNTunnelEndpointType]"),
        ],
        Kind::Location => &[
            ("controllers", "[ControllerType]"), ("modules", "[ModuleType]"), ("power_panels", "[PowerPanelType]"),
            ("rack_groups", "[RackGroupType]"), ("circuit_terminations", "[CircuitTerminationType]"),
            ("vlan_groups", "[VLANGroupType]"),
        ],
        Kind::Manufacturer => &[
            ("inventory_items", "[InventoryItemType]"), ("cable_types", "[CableTypeType]"),
            ("module_types", "[ModuleTypeType]"), ("cloud_accounts", "[CloudAccountType]"),
            ("cloud_resource_types", "[CloudResourceTypeType]"),
        ],
        Kind::DeviceType => &[
            ("console_port_templates", "[ConsolePortTemplateType]"),
            ("console_server_port_templates", "[ConsoleServerPortTemplateType]"),
            ("power_port_templates", "[PowerPortTemplateType]"),
            ("power_outlet_templates", "[PowerOutletTemplateType]"),
            ("interface_templates", "[InterfaceTemplateType]"), ("front_port_templates", "[FrontPortTemplateType]"),
            ("rear_port_templates", "[RearPortTemplateType]"), ("device_bay_templates", "[DeviceBayTemplateType]"),
            ("module_bay_templates", "[ModuleBayTemplateType]"),
            ("software_image_file_mappings", "[DeviceTypeToSoftwareImageFileType]"),
        ],
        Kind::Platform => &[
            ("softwareversion_set", "[SoftwareVersionType]"), ("controllers", "[ControllerType]"),
        ],
        Kind::Vrf => &[
            ("vm_interfaces", "[VMInterfaceType]"), ("device_assignments", "[VRFDeviceAssignmentType]"),
        ],
        Kind::Vlan => &[
            ("controller_managed_device_group_wireless_network_assignments", "[ControllerManagedDeviceGroupWirelessNetworkAssignmentType]"),
            ("vminterfaces_as_untagged", "[VMInterfaceType]"), ("vminterfaces_as_tagged", "[VMInterfaceType]"),
            ("vpn_terminations", "[VPNTerminationType]"),
        ],
        Kind::Prefix => &[
            ("cloud_networks", "[CloudNetworkType]"),
            ("cloud_network_assignments", "[CloudNetworkPrefixAssignmentType]"),
            ("ip_address_ranges", "[IPAddressRangeType]"), ("virtual_servers", "[VirtualServerType]"),
            ("vpn_tunnel_endpoints", "[VPNTunnelEndpointType]"),
        ],
        Kind::VirtualChassis => &[
            ("virtual_servers", "[VirtualServerType]"),
        ],
        Kind::Device => &[
            ("local_config_context_data_owner_content_type", "ContentTypeType"),
            ("local_config_context_data_owner_object_id", "UUID"), ("console_ports", "[ConsolePortType]"),
            ("console_server_ports", "[ConsoleServerPortType]"), ("power_ports", "[PowerPortType]"),
            ("power_outlets", "[PowerOutletType]"), ("front_ports", "[FrontPortType]"),
            ("rear_ports", "[RearPortType]"), ("device_bays", "[DeviceBayType]"),
            ("inventory_items", "[InventoryItemType]"), ("module_bays", "[ModuleBayType]"),
            ("cluster_assignments", "[DeviceClusterAssignmentType]"), ("controllers", "[ControllerType]"),
            ("virtual_device_contexts", "[VirtualDeviceContextType]"), ("vrfs", "[VRFType]"),
            ("vrf_assignments", "[VRFDeviceAssignmentType]"), ("services", "[ServiceType]"),
            ("virtual_servers", "[VirtualServerType]"), ("vpn_tunnel_endpoints", "[VPNTunnelEndpointType]"),
            ("all_console_ports", "[ConsolePortType]"), ("all_console_server_ports", "[ConsoleServerPortType]"),
            ("all_front_ports", "[FrontPortType]"), ("all_module_bays", "[ModuleBayType]"),
            ("all_modules", "[ModuleType]"), ("all_power_ports", "[PowerPortType]"),
            ("all_power_outlets", "[PowerOutletType]"), ("all_rear_ports", "[RearPortType]"),
        ],
        Kind::Interface => &[
            ("interface_redundancy_groups", "[InterfaceRedundancyGroupType]"),
            ("interface_redundancy_group_associations", "[InterfaceRedundancyGroupAssociationType]"),
            ("cable_termination", "CableToCableTerminationType"),
            ("virtual_device_contexts", "[VirtualDeviceContextType]"),
            ("virtual_device_context_assignments", "[InterfaceVDCAssignmentType]"),
            ("vpn_tunnel_endpoints_src_int", "VPNTunnelEndpointType"),
            ("vpn_tunnel_endpoints_tunnel", "VPNTunnelEndpointType"), ("vpn_terminations", "[VPNTerminationType]"),
            ("connected_endpoint", "PathEndpointTypes"), ("path", "CablePathType"),
            ("cable_peer", "CableTerminationTypes"), ("cable_peer_circuit_termination", "CircuitTerminationType"),
            ("cable_peer_front_port", "FrontPortType"), ("cable_peer_interface", "InterfaceType"),
            ("cable_peer_rear_port", "RearPortType"), ("connected_circuit_termination", "CircuitTerminationType"),
            ("cable_paths", "[CablePathType]"),
        ],
        Kind::IpAddress => &[
            ("interface_redundancy_groups", "[InterfaceRedundancyGroupType]"),
            ("ip4_vdcs", "[VirtualDeviceContextType]"), ("ip6_vdcs", "[VirtualDeviceContextType]"),
            ("services", "[ServiceType]"), ("virtual_servers", "[VirtualServerType]"),
            ("load_balancer_pool_members", "[LoadBalancerPoolMemberType]"),
            ("vpn_tunnel_endpoints_src_ip", "[VPNTunnelEndpointType]"),
        ],
        Kind::Cluster => &[
            ("device_assignments", "[DeviceClusterAssignmentType]"),
        ],
        Kind::VirtualMachine => &[
            ("local_config_context_data_owner_content_type", "ContentTypeType"),
            ("local_config_context_data_owner_object_id", "UUID"), ("vrfs", "[VRFType]"),
            ("vrf_assignments", "[VRFDeviceAssignmentType]"), ("services", "[ServiceType]"),
        ],
        Kind::TenantGroup
        | Kind::LocationType
        | Kind::Namespace
        | Kind::VlanLocation
        | Kind::PrefixLocation
        | Kind::VrfPrefix
        | Kind::IpToInterface
        | Kind::ClusterType
        | Kind::ClusterGroup => &[],
    }
}
