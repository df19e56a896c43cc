//! The names of NetBox's GraphQL schema: the fields of each type with their types, and the fields of each filter with
//! theirs, as the server's introspection gives them.

use super::super::schema::Kind;

/// Fields of a kind's type as `name:Type`, separated by blanks.
pub(super) fn fields(kind: Kind) -> &'static str {
    match kind {
        Kind::Region => {
            "vlan_groups:[VLANGroupType!]! contacts:[ContactAssignmentType!]! changelog:[ObjectChangeType!]! \
             display:String! class_type:String! owner:OwnerType tags:[TagType!]! journal_entries:[JournalEntryType!]! \
             custom_fields:JSON! sites:[SiteType!]! children:[RegionType!]! id:ID! created:DateTime \
             last_updated:DateTime custom_field_data:JSON! name:String! slug:String! description:String! \
             comments:String! lft:Int! rght:Int! tree_id:Int! level:Int! parent:RegionType clusters:[ClusterType!]! \
             circuit_terminations:[CircuitTerminationType!]!"
        }
        Kind::SiteGroup => {
            "vlan_groups:[VLANGroupType!]! contacts:[ContactAssignmentType!]! changelog:[ObjectChangeType!]! \
             display:String! class_type:String! owner:OwnerType tags:[TagType!]! journal_entries:[JournalEntryType!]! \
             custom_fields:JSON! sites:[SiteType!]! children:[SiteGroupType!]! id:ID! created:DateTime \
             last_updated:DateTime custom_field_data:JSON! name:String! slug:String! description:String! \
             comments:String! lft:Int! rght:Int! tree_id:Int! level:Int! parent:SiteGroupType \
             clusters:[ClusterType!]! circuit_terminations:[CircuitTerminationType!]!"
        }
        Kind::TenantGroup => {
            "contacts:[ContactAssignmentType!]! changelog:[ObjectChangeType!]! display:String! class_type:String! \
             owner:OwnerType tags:[TagType!]! journal_entries:[JournalEntryType!]! custom_fields:JSON! \
             parent:TenantGroupType tenants:[TenantType!]! children:[TenantGroupType!]! id:ID! created:DateTime \
             last_updated:DateTime custom_field_data:JSON! name:String! slug:String! description:String! \
             comments:String! lft:Int! rght:Int! tree_id:Int! level:Int!"
        }
        Kind::Tenant => {
            "contacts:[ContactAssignmentType!]! changelog:[ObjectChangeType!]! display:String! class_type:String! \
             owner:OwnerType tags:[TagType!]! journal_entries:[JournalEntryType!]! custom_fields:JSON! \
             group:TenantGroupType asns:[ASNType!]! circuits:[CircuitType!]! sites:[SiteType!]! vlans:[VLANType!]! \
             wireless_lans:[WirelessLANType!]! route_targets:[RouteTargetType!]! locations:[LocationType!]! \
             ip_ranges:[IPRangeType!]! rackreservations:[RackReservationType!]! racks:[RackType!]! \
             vdcs:[VirtualDeviceContextType!]! prefixes:[PrefixType!]! cables:[CableType!]! \
             virtual_machines:[VirtualMachineType!]! vrfs:[VRFType!]! asn_ranges:[ASNRangeType!]! \
             wireless_links:[WirelessLinkType!]! aggregates:[AggregateType!]! power_feeds:[PowerFeedType!]! \
             devices:[DeviceType!]! tunnels:[TunnelType!]! ip_addresses:[IPAddressType!]! clusters:[ClusterType!]! \
             l2vpns:[L2VPNType!]! id:ID! created:DateTime last_updated:DateTime custom_field_data:JSON! \
             description:String! comments:String! name:String! slug:String!"
        }
        Kind::Tag => {
            "owner:OwnerType changelog:[ObjectChangeType!]! display:String! class_type:String! color:String! \
             object_types:[ContentTypeType!]! name:String! slug:String! created:DateTime last_updated:DateTime id:ID! \
             description:String! weight:Int!"
        }
        Kind::Site => {
            "vlan_groups:[VLANGroupType!]! image_attachments:[ImageAttachmentType!]! \
             contacts:[ContactAssignmentType!]! changelog:[ObjectChangeType!]! display:String! class_type:String! \
             owner:OwnerType tags:[TagType!]! journal_entries:[JournalEntryType!]! custom_fields:JSON! \
             time_zone:String region:RegionType group:SiteGroupType tenant:TenantType prefixes:[PrefixType!]! \
             virtual_machines:[VirtualMachineType!]! racks:[RackType!]! cabletermination_set:[CableTerminationType!]! \
             powerpanel_set:[PowerPanelType!]! devices:[DeviceType!]! locations:[LocationType!]! asns:[ASNType!]! \
             vlans:[VLANType!]! id:ID! created:DateTime last_updated:DateTime custom_field_data:JSON! \
             description:String! comments:String! name:String! slug:String! status:String! facility:String! \
             physical_address:String! shipping_address:String! latitude:Decimal longitude:Decimal \
             clusters:[ClusterType!]! circuit_terminations:[CircuitTerminationType!]!"
        }
        Kind::Manufacturer => {
            "changelog:[ObjectChangeType!]! contacts:[ContactAssignmentType!]! display:String! class_type:String! \
             owner:OwnerType tags:[TagType!]! journal_entries:[JournalEntryType!]! custom_fields:JSON! \
             platforms:[PlatformType!]! device_types:[DeviceTypeType!]! \
             inventory_item_templates:[InventoryItemTemplateType!]! inventory_items:[InventoryItemType!]! \
             module_types:[ModuleTypeType!]! id:ID! created:DateTime last_updated:DateTime custom_field_data:JSON! \
             name:String! slug:String! description:String! comments:String!"
        }
        Kind::Platform => {
            "changelog:[ObjectChangeType!]! display:String! class_type:String! owner:OwnerType tags:[TagType!]! \
             journal_entries:[JournalEntryType!]! custom_fields:JSON! parent:PlatformType children:[PlatformType!]! \
             manufacturer:ManufacturerType config_template:ConfigTemplateType virtual_machines:[VirtualMachineType!]! \
             devices:[DeviceType!]! id:ID! created:DateTime last_updated:DateTime custom_field_data:JSON! \
             name:String! slug:String! description:String! comments:String! lft:Int! rght:Int! tree_id:Int! \
             level:Int!"
        }
        Kind::DeviceType => {
            "changelog:[ObjectChangeType!]! display:String! class_type:String! owner:OwnerType tags:[TagType!]! \
             journal_entries:[JournalEntryType!]! custom_fields:JSON! console_port_template_count:BigInt! \
             console_server_port_template_count:BigInt! power_port_template_count:BigInt! \
             power_outlet_template_count:BigInt! interface_template_count:BigInt! front_port_template_count:BigInt! \
             rear_port_template_count:BigInt! device_bay_template_count:BigInt! module_bay_template_count:BigInt! \
             inventory_item_template_count:BigInt! device_count:BigInt! front_image:DjangoImageType \
             rear_image:DjangoImageType manufacturer:ManufacturerType! default_platform:PlatformType \
             frontporttemplates:[FrontPortTemplateType!]! modulebaytemplates:[ModuleBayTemplateType!]! \
             instances:[DeviceType!]! poweroutlettemplates:[PowerOutletTemplateType!]! \
             powerporttemplates:[PowerPortTemplateType!]! inventoryitemtemplates:[InventoryItemTemplateType!]! \
             rearporttemplates:[RearPortTemplateType!]! consoleserverporttemplates:[ConsoleServerPortTemplateType!]! \
             interfacetemplates:[InterfaceTemplateType!]! devicebaytemplates:[DeviceBayTemplateType!]! \
             consoleporttemplates:[ConsolePortTemplateType!]! id:ID! created:DateTime last_updated:DateTime \
             custom_field_data:JSON! weight:Decimal weight_unit:String _abs_weight:Int description:String! \
             comments:String! model:String! slug:String! part_number:String! u_height:Decimal! \
             exclude_from_utilization:Boolean! is_full_depth:Boolean! subdevice_role:String airflow:String"
        }
        Kind::DeviceRole => {
            "changelog:[ObjectChangeType!]! display:String! class_type:String! owner:OwnerType tags:[TagType!]! \
             journal_entries:[JournalEntryType!]! custom_fields:JSON! parent:DeviceRoleType \
             children:[DeviceRoleType!]! color:String! config_template:ConfigTemplateType \
             virtual_machines:[VirtualMachineType!]! devices:[DeviceType!]! id:ID! created:DateTime \
             last_updated:DateTime custom_field_data:JSON! name:String! slug:String! description:String! \
             comments:String! vm_role:Boolean! lft:Int! rght:Int! tree_id:Int! level:Int!"
        }
        Kind::Device => {
            "config_context:JSON! image_attachments:[ImageAttachmentType!]! contacts:[ContactAssignmentType!]! \
             changelog:[ObjectChangeType!]! display:String! class_type:String! owner:OwnerType tags:[TagType!]! \
             journal_entries:[JournalEntryType!]! custom_fields:JSON! console_port_count:BigInt! \
             console_server_port_count:BigInt! power_port_count:BigInt! power_outlet_count:BigInt! \
             interface_count:BigInt! front_port_count:BigInt! rear_port_count:BigInt! device_bay_count:BigInt! \
             module_bay_count:BigInt! inventory_item_count:BigInt! config_template:ConfigTemplateType \
             device_type:DeviceTypeType! role:DeviceRoleType! tenant:TenantType platform:PlatformType site:SiteType! \
             location:LocationType rack:RackType primary_ip4:IPAddressType primary_ip6:IPAddressType \
             oob_ip:IPAddressType cluster:ClusterType virtual_chassis:VirtualChassisType \
             virtual_machines:[VirtualMachineType!]! modules:[ModuleType!]! interfaces:[InterfaceType!]! \
             rearports:[RearPortType!]! consoleports:[ConsolePortType!]! powerports:[PowerPortType!]! \
             cabletermination_set:[CableTerminationType!]! consoleserverports:[ConsoleServerPortType!]! \
             poweroutlets:[PowerOutletType!]! frontports:[FrontPortType!]! devicebays:[DeviceBayType!]! \
             modulebays:[ModuleBayType!]! services:[ServiceType!]! inventoryitems:[InventoryItemType!]! \
             vdcs:[VirtualDeviceContextType!]! id:ID! created:DateTime last_updated:DateTime custom_field_data:JSON! \
             description:String! comments:String! local_context_data:JSON name:String serial:String! asset_tag:String \
             position:Decimal face:String status:String! airflow:String vc_position:Int vc_priority:Int \
             latitude:Decimal longitude:Decimal vc_master_for:VirtualChassisType parent_bay:DeviceBayType"
        }
        Kind::VirtualChassis => {
            "changelog:[ObjectChangeType!]! display:String! class_type:String! owner:OwnerType tags:[TagType!]! \
             journal_entries:[JournalEntryType!]! custom_fields:JSON! member_count:BigInt! master:DeviceType \
             members:[DeviceType!]! id:ID! created:DateTime last_updated:DateTime custom_field_data:JSON! \
             description:String! comments:String! name:String! domain:String!"
        }
        Kind::Interface => {
            "ip_addresses:[IPAddressType!]! owner:OwnerType changelog:[ObjectChangeType!]! display:String! \
             class_type:String! tags:[TagType!]! journal_entries:[JournalEntryType!]! custom_fields:JSON! \
             device:DeviceType! module:ModuleType cable:CableType link_peers:[LinkPeerType!]! \
             connected_endpoints:[ConnectedEndpointType!]! _name:String! speed:BigInt wwn:String parent:InterfaceType \
             bridge:InterfaceType lag:InterfaceType wireless_link:WirelessLinkType untagged_vlan:VLANType vrf:VRFType \
             primary_mac_address:MACAddressType qinq_svlan:VLANType vlan_translation_policy:VLANTranslationPolicyType \
             l2vpn_termination:L2VPNTerminationType vdcs:[VirtualDeviceContextType!]! tagged_vlans:[VLANType!]! \
             bridge_interfaces:[InterfaceType!]! wireless_lans:[WirelessLANType!]! \
             member_interfaces:[InterfaceType!]! child_interfaces:[InterfaceType!]! mac_addresses:[MACAddressType!]! \
             id:ID! created:DateTime last_updated:DateTime custom_field_data:JSON! name:String! label:String! \
             description:String! _site:DjangoModelType _location:DjangoModelType _rack:DjangoModelType \
             cable_end:String cable_connector:Int cable_positions:[Int!] mark_connected:Boolean! enabled:Boolean! \
             mtu:Int mode:String type:String! mgmt_only:Boolean! duplex:String rf_role:String rf_channel:String \
             rf_channel_frequency:Decimal rf_channel_width:Decimal tx_power:Int poe_mode:String poe_type:String"
        }
        Kind::MacAddress => {
            "changelog:[ObjectChangeType!]! display:String! class_type:String! owner:OwnerType tags:[TagType!]! \
             journal_entries:[JournalEntryType!]! custom_fields:JSON! mac_address:String! id:ID! created:DateTime \
             last_updated:DateTime custom_field_data:JSON! description:String! comments:String! \
             assigned_object:MACAddressAssignmentType"
        }
        Kind::Role => {
            "changelog:[ObjectChangeType!]! display:String! class_type:String! owner:OwnerType tags:[TagType!]! \
             journal_entries:[JournalEntryType!]! custom_fields:JSON! prefixes:[PrefixType!]! \
             ip_ranges:[IPRangeType!]! vlans:[VLANType!]! id:ID! created:DateTime last_updated:DateTime \
             custom_field_data:JSON! name:String! slug:String! description:String! comments:String! weight:Int!"
        }
        Kind::VlanGroup => {
            "changelog:[ObjectChangeType!]! display:String! class_type:String! owner:OwnerType tags:[TagType!]! \
             journal_entries:[JournalEntryType!]! custom_fields:JSON! vlans:[VLANType!]! vid_ranges:[String!]! \
             total_vlan_ids:BigInt! tenant:TenantType id:ID! created:DateTime last_updated:DateTime \
             custom_field_data:JSON! description:String! comments:String! name:String! slug:String! \
             scope:VLANGroupScopeType"
        }
        Kind::Vlan => {
            "changelog:[ObjectChangeType!]! display:String! class_type:String! owner:OwnerType tags:[TagType!]! \
             journal_entries:[JournalEntryType!]! custom_fields:JSON! site:SiteType group:VLANGroupType \
             tenant:TenantType role:RoleType interfaces_as_untagged:[InterfaceType!]! \
             vminterfaces_as_untagged:[VMInterfaceType!]! wirelesslan_set:[WirelessLANType!]! prefixes:[PrefixType!]! \
             interfaces_as_tagged:[InterfaceType!]! vminterfaces_as_tagged:[VMInterfaceType!]! id:ID! \
             created:DateTime last_updated:DateTime custom_field_data:JSON! description:String! comments:String! \
             vid:Int! name:String! status:String! qinq_role:String qinq_svlan:VLANType"
        }
        Kind::Vrf => {
            "changelog:[ObjectChangeType!]! display:String! class_type:String! owner:OwnerType tags:[TagType!]! \
             journal_entries:[JournalEntryType!]! custom_fields:JSON! tenant:TenantType interfaces:[InterfaceType!]! \
             ip_addresses:[IPAddressType!]! vminterfaces:[VMInterfaceType!]! ip_ranges:[IPRangeType!]! \
             export_targets:[RouteTargetType!]! import_targets:[RouteTargetType!]! prefixes:[PrefixType!]! id:ID! \
             created:DateTime last_updated:DateTime custom_field_data:JSON! description:String! comments:String! \
             name:String! rd:String enforce_unique:Boolean!"
        }
        Kind::Prefix => {
            "contacts:[ContactAssignmentType!]! changelog:[ObjectChangeType!]! display:String! class_type:String! \
             owner:OwnerType tags:[TagType!]! journal_entries:[JournalEntryType!]! custom_fields:JSON! prefix:String! \
             vrf:VRFType tenant:TenantType vlan:VLANType role:RoleType id:ID! created:DateTime last_updated:DateTime \
             custom_field_data:JSON! description:String! comments:String! status:String! is_pool:Boolean! \
             mark_utilized:Boolean! _depth:Int! _children:Int! family:IPAddressFamilyType! scope:PrefixScopeType"
        }
        Kind::IpAddress => {
            "contacts:[ContactAssignmentType!]! changelog:[ObjectChangeType!]! display:String! class_type:String! \
             owner:OwnerType tags:[TagType!]! journal_entries:[JournalEntryType!]! custom_fields:JSON! \
             address:String! vrf:VRFType tenant:TenantType nat_inside:IPAddressType nat_outside:[IPAddressType!]! \
             tunnel_terminations:[TunnelTerminationType!]! services:[ServiceType!]! id:ID! created:DateTime \
             last_updated:DateTime custom_field_data:JSON! description:String! comments:String! status:String! \
             role:String dns_name:String! family:IPAddressFamilyType! assigned_object:IPAddressAssignmentType"
        }
        Kind::CustomField => "id:ID! name:String!",
        Kind::ClusterType => {
            "changelog:[ObjectChangeType!]! display:String! class_type:String! owner:OwnerType tags:[TagType!]! \
             journal_entries:[JournalEntryType!]! custom_fields:JSON! clusters:[ClusterType!]! id:ID! \
             created:DateTime last_updated:DateTime custom_field_data:JSON! description:String! comments:String! \
             name:String! slug:String!"
        }
        Kind::ClusterGroup => {
            "vlan_groups:[VLANGroupType!]! contacts:[ContactAssignmentType!]! changelog:[ObjectChangeType!]! \
             display:String! class_type:String! owner:OwnerType tags:[TagType!]! \
             journal_entries:[JournalEntryType!]! custom_fields:JSON! clusters:[ClusterType!]! id:ID! \
             created:DateTime last_updated:DateTime custom_field_data:JSON! description:String! comments:String! \
             name:String! slug:String!"
        }
        Kind::Cluster => {
            "vlan_groups:[VLANGroupType!]! contacts:[ContactAssignmentType!]! changelog:[ObjectChangeType!]! \
             display:String! class_type:String! owner:OwnerType tags:[TagType!]! \
             journal_entries:[JournalEntryType!]! custom_fields:JSON! type:ClusterTypeType group:ClusterGroupType \
             tenant:TenantType virtual_machines:[VirtualMachineType!]! devices:[DeviceType!]! \
             scope:ClusterScopeType id:ID! created:DateTime last_updated:DateTime custom_field_data:JSON! \
             description:String! comments:String! name:String! status:String!"
        }
        Kind::VirtualMachine => {
            "config_context:JSON! image_attachments:[ImageAttachmentType!]! contacts:[ContactAssignmentType!]! \
             changelog:[ObjectChangeType!]! display:String! class_type:String! owner:OwnerType tags:[TagType!]! \
             journal_entries:[JournalEntryType!]! custom_fields:JSON! interface_count:BigInt! \
             virtual_disk_count:BigInt! virtual_machine_type:VirtualMachineTypeType \
             config_template:ConfigTemplateType site:SiteType cluster:ClusterType device:DeviceType \
             tenant:TenantType platform:PlatformType role:DeviceRoleType primary_ip4:IPAddressType \
             primary_ip6:IPAddressType interfaces:[VMInterfaceType!]! services:[ServiceType!]! \
             virtualdisks:[VirtualDiskType!]! id:ID! created:DateTime last_updated:DateTime \
             custom_field_data:JSON! local_context_data:JSON description:String! comments:String! name:String! \
             status:String! start_on_boot:String! vcpus:Decimal memory:Int disk:Int serial:String!"
        }
        Kind::VmInterface => {
            "ip_addresses:[IPAddressType!]! changelog:[ObjectChangeType!]! display:String! class_type:String! \
             owner:OwnerType tags:[TagType!]! journal_entries:[JournalEntryType!]! custom_fields:JSON! \
             virtual_machine:VirtualMachineType! _name:String! mac_address:String parent:VMInterfaceType \
             bridge:VMInterfaceType untagged_vlan:VLANType vrf:VRFType primary_mac_address:MACAddressType \
             qinq_svlan:VLANType vlan_translation_policy:VLANTranslationPolicyType tagged_vlans:[VLANType!]! \
             bridge_interfaces:[VMInterfaceType!]! child_interfaces:[VMInterfaceType!]! \
             mac_addresses:[MACAddressType!]! id:ID! created:DateTime last_updated:DateTime \
             custom_field_data:JSON! name:String! description:String! enabled:Boolean! mtu:Int mode:String"
        }
    }
}

/// Fields of a kind's filter as `name:Type`, separated by blanks.
pub(super) fn filters(kind: Kind) -> &'static str {
    match kind {
        Kind::Region => {
            "id:IDComparisonFilterLookup created:DatetimeFilterLookup last_updated:DatetimeFilterLookup \
             tags:TagFilter journal_entries:JournalEntryFilter custom_field_data:JSONFilter name:StrFilterLookup \
             slug:StrFilterLookup description:StrFilterLookup parent_id:ID contacts:ContactAssignmentFilter \
             prefixes:PrefixFilter vlan_groups:VLANGroupFilter AND:RegionFilter OR:RegionFilter NOT:RegionFilter \
             DISTINCT:Boolean"
        }
        Kind::SiteGroup => {
            "id:IDComparisonFilterLookup created:DatetimeFilterLookup last_updated:DatetimeFilterLookup \
             tags:TagFilter journal_entries:JournalEntryFilter custom_field_data:JSONFilter name:StrFilterLookup \
             slug:StrFilterLookup description:StrFilterLookup parent_id:ID contacts:ContactAssignmentFilter \
             prefixes:PrefixFilter vlan_groups:VLANGroupFilter AND:SiteGroupFilter OR:SiteGroupFilter \
             NOT:SiteGroupFilter DISTINCT:Boolean"
        }
        Kind::TenantGroup => {
            "id:IDComparisonFilterLookup created:DatetimeFilterLookup last_updated:DatetimeFilterLookup \
             tags:TagFilter journal_entries:JournalEntryFilter custom_field_data:JSONFilter name:StrFilterLookup \
             slug:StrFilterLookup description:StrFilterLookup parent:TenantGroupFilter parent_id:ID \
             tenants:TenantFilter children:TenantGroupFilter AND:TenantGroupFilter OR:TenantGroupFilter \
             NOT:TenantGroupFilter DISTINCT:Boolean"
        }
        Kind::Tenant => {
            "id:IDComparisonFilterLookup created:DatetimeFilterLookup last_updated:DatetimeFilterLookup \
             tags:TagFilter journal_entries:JournalEntryFilter custom_field_data:JSONFilter \
             description:StrFilterLookup comments:StrFilterLookup contacts:ContactAssignmentFilter \
             name:StrFilterLookup slug:StrFilterLookup group:TenantGroupFilter group_id:TreeNodeFilter \
             aggregates:AggregateFilter asns:ASNFilter asn_ranges:ASNRangeFilter cables:CableFilter \
             circuit_groups:CircuitGroupFilter circuits:CircuitFilter clusters:ClusterFilter devices:DeviceFilter \
             ip_addresses:IPAddressFilter ip_ranges:IPRangeFilter l2vpns:L2VPNFilter locations:LocationFilter \
             power_feeds:PowerFeedFilter prefixes:PrefixFilter racks:RackFilter \
             rackreservations:RackReservationFilter route_targets:RouteTargetFilter sites:SiteFilter \
             tunnels:TunnelFilter vdcs:VirtualDeviceContextFilter virtual_machines:VirtualMachineFilter \
             vlan_groups:VLANGroupFilter vlans:VLANFilter virtual_circuits:VirtualCircuitFilter vrfs:VRFFilter \
             wireless_lans:WirelessLANFilter wireless_links:WirelessLinkFilter AND:TenantFilter OR:TenantFilter \
             NOT:TenantFilter DISTINCT:Boolean"
        }
        Kind::Tag => {
            "id:IDComparisonFilterLookup created:DatetimeFilterLookup last_updated:DatetimeFilterLookup \
             name:StrFilterLookup slug:StrFilterLookup color:ColorEnumBaseFilterLookup description:StrFilterLookup \
             AND:TagFilter OR:TagFilter NOT:TagFilter DISTINCT:Boolean"
        }
        Kind::Site => {
            "id:IDComparisonFilterLookup created:DatetimeFilterLookup last_updated:DatetimeFilterLookup \
             tags:TagFilter journal_entries:JournalEntryFilter custom_field_data:JSONFilter \
             description:StrFilterLookup comments:StrFilterLookup tenant:TenantFilter tenant_id:ID \
             tenant_group:TenantGroupFilter tenant_group_id:TreeNodeFilter images:ImageAttachmentFilter \
             contacts:ContactAssignmentFilter name:StrFilterLookup slug:StrFilterLookup \
             status:SiteStatusEnumBaseFilterLookup region:RegionFilter region_id:TreeNodeFilter group:SiteGroupFilter \
             group_id:TreeNodeFilter facility:StrFilterLookup asns:ASNFilter time_zone:StrFilterLookup \
             physical_address:StrFilterLookup shipping_address:StrFilterLookup latitude:FloatLookup \
             longitude:FloatLookup prefixes:PrefixFilter vlan_groups:VLANGroupFilter AND:SiteFilter OR:SiteFilter \
             NOT:SiteFilter DISTINCT:Boolean"
        }
        Kind::Manufacturer => {
            "id:IDComparisonFilterLookup created:DatetimeFilterLookup last_updated:DatetimeFilterLookup \
             tags:TagFilter journal_entries:JournalEntryFilter custom_field_data:JSONFilter name:StrFilterLookup \
             slug:StrFilterLookup description:StrFilterLookup comments:StrFilterLookup \
             contacts:ContactAssignmentFilter AND:ManufacturerFilter OR:ManufacturerFilter NOT:ManufacturerFilter \
             DISTINCT:Boolean"
        }
        Kind::Platform => {
            "id:IDComparisonFilterLookup created:DatetimeFilterLookup last_updated:DatetimeFilterLookup \
             tags:TagFilter journal_entries:JournalEntryFilter custom_field_data:JSONFilter name:StrFilterLookup \
             slug:StrFilterLookup description:StrFilterLookup comments:StrFilterLookup \
             manufacturer:ManufacturerFilter manufacturer_id:ID config_template:ConfigTemplateFilter \
             config_template_id:ID AND:PlatformFilter OR:PlatformFilter NOT:PlatformFilter DISTINCT:Boolean"
        }
        Kind::DeviceType => {
            "id:IDComparisonFilterLookup created:DatetimeFilterLookup last_updated:DatetimeFilterLookup \
             tags:TagFilter journal_entries:JournalEntryFilter custom_field_data:JSONFilter \
             description:StrFilterLookup comments:StrFilterLookup weight:FloatFilterLookup \
             weight_unit:WeightUnitEnumBaseFilterLookup images:ImageAttachmentFilter manufacturer:ManufacturerFilter \
             manufacturer_id:ID model:StrFilterLookup slug:StrFilterLookup default_platform:PlatformFilter \
             default_platform_id:ID part_number:StrFilterLookup instances:DeviceFilter u_height:FloatLookup \
             exclude_from_utilization:BoolFilterLookup is_full_depth:BoolFilterLookup \
             subdevice_role:SubdeviceRoleEnumBaseFilterLookup airflow:DeviceAirflowEnumBaseFilterLookup \
             front_image:ImageAttachmentFilter rear_image:ImageAttachmentFilter \
             console_port_templates:ConsolePortTemplateFilter \
             console_server_port_templates:ConsoleServerPortTemplateFilter \
             power_port_templates:PowerPortTemplateFilter power_outlet_templates:PowerOutletTemplateFilter \
             interface_templates:InterfaceTemplateFilter front_port_templates:FrontPortTemplateFilter \
             rear_port_templates:RearPortTemplateFilter device_bay_templates:DeviceBayTemplateFilter \
             module_bay_templates:ModuleBayTemplateFilter inventory_item_templates:InventoryItemTemplateFilter \
             console_port_template_count:IntFilterLookup console_server_port_template_count:IntFilterLookup \
             power_port_template_count:IntFilterLookup power_outlet_template_count:IntFilterLookup \
             interface_template_count:IntFilterLookup front_port_template_count:IntFilterLookup \
             rear_port_template_count:IntFilterLookup device_bay_template_count:IntFilterLookup \
             module_bay_template_count:IntFilterLookup inventory_item_template_count:IntFilterLookup \
             device_count:IntComparisonFilterLookup AND:DeviceTypeFilter OR:DeviceTypeFilter NOT:DeviceTypeFilter \
             DISTINCT:Boolean"
        }
        Kind::DeviceRole => {
            "id:IDComparisonFilterLookup created:DatetimeFilterLookup last_updated:DatetimeFilterLookup \
             tags:TagFilter journal_entries:JournalEntryFilter custom_field_data:JSONFilter name:StrFilterLookup \
             slug:StrFilterLookup description:StrFilterLookup comments:StrFilterLookup \
             config_template:ConfigTemplateFilter config_template_id:ID color:ColorEnumBaseFilterLookup \
             vm_role:BoolFilterLookup AND:DeviceRoleFilter OR:DeviceRoleFilter NOT:DeviceRoleFilter DISTINCT:Boolean"
        }
        Kind::Device => {
            "id:IDComparisonFilterLookup created:DatetimeFilterLookup last_updated:DatetimeFilterLookup \
             tags:TagFilter journal_entries:JournalEntryFilter custom_field_data:JSONFilter \
             description:StrFilterLookup comments:StrFilterLookup local_context_data:JSONFilter \
             config_template:ConfigTemplateFilter config_template_id:ID images:ImageAttachmentFilter \
             tenant:TenantFilter tenant_id:ID tenant_group:TenantGroupFilter tenant_group_id:TreeNodeFilter \
             contacts:ContactAssignmentFilter device_type:DeviceTypeFilter device_type_id:ID role:DeviceRoleFilter \
             role_id:ID platform:PlatformFilter name:StrFilterLookup serial:StrFilterLookup asset_tag:StrFilterLookup \
             site:SiteFilter site_id:ID location:LocationFilter location_id:TreeNodeFilter rack:RackFilter rack_id:ID \
             position:FloatLookup face:DeviceFaceEnumBaseFilterLookup status:DeviceStatusEnumBaseFilterLookup \
             airflow:DeviceAirflowEnumBaseFilterLookup primary_ip4:IPAddressFilter primary_ip4_id:ID \
             primary_ip6:IPAddressFilter primary_ip6_id:ID oob_ip:IPAddressFilter oob_ip_id:ID cluster:ClusterFilter \
             cluster_id:ID virtual_chassis:VirtualChassisFilter virtual_chassis_id:ID vc_position:IntegerLookup \
             vc_priority:IntegerLookup latitude:FloatLookup longitude:FloatLookup console_ports:ConsolePortFilter \
             console_server_ports:ConsoleServerPortFilter power_outlets:PowerOutletFilter power_ports:PowerPortFilter \
             interfaces:InterfaceFilter front_ports:FrontPortFilter rear_ports:RearPortFilter \
             device_bays:DeviceBayFilter module_bays:ModuleBayFilter modules:ModuleFilter \
             console_port_count:IntFilterLookup console_server_port_count:IntFilterLookup \
             power_port_count:IntFilterLookup power_outlet_count:IntFilterLookup interface_count:IntFilterLookup \
             front_port_count:IntFilterLookup rear_port_count:IntFilterLookup device_bay_count:IntFilterLookup \
             module_bay_count:IntFilterLookup inventory_item_count:IntFilterLookup AND:DeviceFilter OR:DeviceFilter \
             NOT:DeviceFilter DISTINCT:Boolean"
        }
        Kind::VirtualChassis => {
            "id:IDComparisonFilterLookup created:DatetimeFilterLookup last_updated:DatetimeFilterLookup \
             tags:TagFilter journal_entries:JournalEntryFilter custom_field_data:JSONFilter \
             description:StrFilterLookup comments:StrFilterLookup master:DeviceFilter master_id:ID \
             name:StrFilterLookup domain:StrFilterLookup members:DeviceFilter member_count:IntFilterLookup \
             AND:VirtualChassisFilter OR:VirtualChassisFilter NOT:VirtualChassisFilter DISTINCT:Boolean"
        }
        Kind::Interface => {
            "id:IDComparisonFilterLookup created:DatetimeFilterLookup last_updated:DatetimeFilterLookup \
             tags:TagFilter journal_entries:JournalEntryFilter custom_field_data:JSONFilter cable:CableFilter \
             cable_id:ID cable_end:CableEndEnumBaseFilterLookup mark_connected:BoolFilterLookup \
             enabled:BoolFilterLookup mtu:IntegerLookup mode:InterfaceModeEnumBaseFilterLookup bridge:InterfaceFilter \
             bridge_id:ID untagged_vlan:VLANFilter tagged_vlans:VLANFilter qinq_svlan:VLANFilter \
             vlan_translation_policy:VLANTranslationPolicyFilter primary_mac_address:MACAddressFilter \
             primary_mac_address_id:ID site:SiteFilter location:LocationFilter rack:RackFilter device:DeviceFilter \
             device_id:ID name:StrFilterLookup label:StrFilterLookup description:StrFilterLookup module:ModuleFilter \
             module_id:ID inventory_items:InventoryItemFilter vcdcs:VirtualDeviceContextFilter lag:InterfaceFilter \
             lag_id:ID type:InterfaceTypeEnumBaseFilterLookup mgmt_only:BoolFilterLookup speed:BigIntegerLookup \
             duplex:InterfaceDuplexEnumBaseFilterLookup wwn:StrFilterLookup parent:InterfaceFilter parent_id:ID \
             rf_role:WirelessRoleEnumBaseFilterLookup rf_channel:WirelessChannelEnumBaseFilterLookup \
             rf_channel_frequency:FloatLookup rf_channel_width:FloatLookup tx_power:IntegerLookup \
             poe_mode:InterfacePoEModeEnumBaseFilterLookup poe_type:InterfacePoETypeEnumBaseFilterLookup \
             wireless_link:WirelessLinkFilter wireless_link_id:ID wireless_lans:WirelessLANFilter vrf:VRFFilter \
             vrf_id:ID ip_addresses:IPAddressFilter mac_addresses:MACAddressFilter \
             fhrp_group_assignments:FHRPGroupAssignmentFilter tunnel_terminations:TunnelTerminationFilter \
             l2vpn_terminations:L2VPNFilter AND:InterfaceFilter OR:InterfaceFilter NOT:InterfaceFilter \
             DISTINCT:Boolean cabled:Boolean connected:Boolean kind:InterfaceKindEnum"
        }
        Kind::MacAddress => {
            "id:IDComparisonFilterLookup created:DatetimeFilterLookup last_updated:DatetimeFilterLookup \
             tags:TagFilter journal_entries:JournalEntryFilter custom_field_data:JSONFilter \
             description:StrFilterLookup comments:StrFilterLookup mac_address:StrFilterLookup \
             assigned_object_type:ContentTypeFilter assigned_object_id:ID AND:MACAddressFilter OR:MACAddressFilter \
             NOT:MACAddressFilter DISTINCT:Boolean assigned:Boolean primary:Boolean"
        }
        Kind::Role => {
            "id:IDComparisonFilterLookup created:DatetimeFilterLookup last_updated:DatetimeFilterLookup \
             tags:TagFilter journal_entries:JournalEntryFilter custom_field_data:JSONFilter name:StrFilterLookup \
             slug:StrFilterLookup description:StrFilterLookup comments:StrFilterLookup weight:IntegerLookup \
             AND:RoleFilter OR:RoleFilter NOT:RoleFilter DISTINCT:Boolean"
        }
        Kind::VlanGroup => {
            "id:IDComparisonFilterLookup created:DatetimeFilterLookup last_updated:DatetimeFilterLookup \
             tags:TagFilter journal_entries:JournalEntryFilter custom_field_data:JSONFilter name:StrFilterLookup \
             slug:StrFilterLookup description:StrFilterLookup comments:StrFilterLookup scope_type:ContentTypeFilter \
             scope_id:ID location:LocationFilter region:RegionFilter site_group:SiteGroupFilter site:SiteFilter \
             vid_ranges:IntegerRangeArrayLookup total_vlan_ids:IntComparisonFilterLookup AND:VLANGroupFilter \
             OR:VLANGroupFilter NOT:VLANGroupFilter DISTINCT:Boolean"
        }
        Kind::Vlan => {
            "id:IDComparisonFilterLookup created:DatetimeFilterLookup last_updated:DatetimeFilterLookup \
             tags:TagFilter journal_entries:JournalEntryFilter custom_field_data:JSONFilter \
             description:StrFilterLookup comments:StrFilterLookup tenant:TenantFilter tenant_id:ID \
             tenant_group:TenantGroupFilter tenant_group_id:TreeNodeFilter site:SiteFilter site_id:ID \
             group:VLANGroupFilter group_id:ID vid:IntegerLookup name:StrFilterLookup \
             status:VLANStatusEnumBaseFilterLookup role:RoleFilter role_id:ID qinq_svlan:VLANFilter qinq_svlan_id:ID \
             qinq_cvlans:VLANFilter qinq_role:VLANQinQRoleEnumBaseFilterLookup l2vpn_terminations:L2VPNFilter \
             AND:VLANFilter OR:VLANFilter NOT:VLANFilter DISTINCT:Boolean"
        }
        Kind::Vrf => {
            "id:IDComparisonFilterLookup created:DatetimeFilterLookup last_updated:DatetimeFilterLookup \
             tags:TagFilter journal_entries:JournalEntryFilter custom_field_data:JSONFilter \
             description:StrFilterLookup comments:StrFilterLookup tenant:TenantFilter tenant_id:ID \
             tenant_group:TenantGroupFilter tenant_group_id:TreeNodeFilter name:StrFilterLookup rd:StrFilterLookup \
             enforce_unique:BoolFilterLookup import_targets:RouteTargetFilter export_targets:RouteTargetFilter \
             AND:VRFFilter OR:VRFFilter NOT:VRFFilter DISTINCT:Boolean"
        }
        Kind::Prefix => {
            "id:IDComparisonFilterLookup created:DatetimeFilterLookup last_updated:DatetimeFilterLookup \
             tags:TagFilter journal_entries:JournalEntryFilter custom_field_data:JSONFilter \
             description:StrFilterLookup comments:StrFilterLookup tenant:TenantFilter tenant_id:ID \
             tenant_group:TenantGroupFilter tenant_group_id:TreeNodeFilter scope_type:ContentTypeFilter scope_id:ID \
             location:LocationFilter region:RegionFilter site_group:SiteGroupFilter site:SiteFilter \
             contacts:ContactAssignmentFilter prefix:StrFilterLookup vrf:VRFFilter vrf_id:ID vlan:VLANFilter \
             vlan_id:ID status:PrefixStatusEnumBaseFilterLookup role:RoleFilter role_id:ID is_pool:BoolFilterLookup \
             mark_utilized:BoolFilterLookup AND:PrefixFilter OR:PrefixFilter NOT:PrefixFilter DISTINCT:Boolean \
             contains:[String!] family:IPAddressFamilyEnum"
        }
        Kind::IpAddress => {
            "id:IDComparisonFilterLookup created:DatetimeFilterLookup last_updated:DatetimeFilterLookup \
             tags:TagFilter journal_entries:JournalEntryFilter custom_field_data:JSONFilter \
             description:StrFilterLookup comments:StrFilterLookup tenant:TenantFilter tenant_id:ID \
             tenant_group:TenantGroupFilter tenant_group_id:TreeNodeFilter contacts:ContactAssignmentFilter \
             address:StrFilterLookup vrf:VRFFilter vrf_id:ID status:IPAddressStatusEnumBaseFilterLookup \
             role:IPAddressRoleEnumBaseFilterLookup assigned_object_type:ContentTypeFilter assigned_object_id:ID \
             nat_inside:IPAddressFilter nat_inside_id:ID nat_outside:IPAddressFilter nat_outside_id:ID \
             dns_name:StrFilterLookup AND:IPAddressFilter OR:IPAddressFilter NOT:IPAddressFilter DISTINCT:Boolean \
             assigned:Boolean parent:[String!] family:IPAddressFamilyEnum"
        }
        Kind::CustomField => "id:IDComparisonFilterLookup name:StrFilterLookup",
        Kind::ClusterType => {
            "id:IDComparisonFilterLookup created:DatetimeFilterLookup last_updated:DatetimeFilterLookup \
             tags:TagFilter journal_entries:JournalEntryFilter custom_field_data:JSONFilter name:StrFilterLookup \
             slug:StrFilterLookup description:StrFilterLookup comments:StrFilterLookup AND:ClusterTypeFilter \
             OR:ClusterTypeFilter NOT:ClusterTypeFilter DISTINCT:Boolean"
        }
        Kind::ClusterGroup => {
            "id:IDComparisonFilterLookup created:DatetimeFilterLookup last_updated:DatetimeFilterLookup \
             tags:TagFilter journal_entries:JournalEntryFilter custom_field_data:JSONFilter name:StrFilterLookup \
             slug:StrFilterLookup description:StrFilterLookup comments:StrFilterLookup \
             contacts:ContactAssignmentFilter vlan_groups:VLANGroupFilter AND:ClusterGroupFilter \
             OR:ClusterGroupFilter NOT:ClusterGroupFilter DISTINCT:Boolean"
        }
        Kind::Cluster => {
            "id:IDComparisonFilterLookup created:DatetimeFilterLookup last_updated:DatetimeFilterLookup \
             tags:TagFilter journal_entries:JournalEntryFilter custom_field_data:JSONFilter \
             description:StrFilterLookup comments:StrFilterLookup tenant:TenantFilter tenant_id:ID \
             tenant_group:TenantGroupFilter tenant_group_id:TreeNodeFilter contacts:ContactAssignmentFilter \
             name:StrFilterLookup type:ClusterTypeFilter type_id:ID group:ClusterGroupFilter group_id:ID \
             status:ClusterStatusEnumBaseFilterLookup vlan_groups:VLANGroupFilter AND:ClusterFilter \
             OR:ClusterFilter NOT:ClusterFilter DISTINCT:Boolean"
        }
        Kind::VirtualMachine => {
            "id:IDComparisonFilterLookup created:DatetimeFilterLookup last_updated:DatetimeFilterLookup \
             tags:TagFilter journal_entries:JournalEntryFilter custom_field_data:JSONFilter \
             description:StrFilterLookup comments:StrFilterLookup local_context_data:JSONFilter \
             config_template:ConfigTemplateFilter config_template_id:ID images:ImageAttachmentFilter \
             tenant:TenantFilter tenant_id:ID tenant_group:TenantGroupFilter tenant_group_id:TreeNodeFilter \
             contacts:ContactAssignmentFilter name:StrFilterLookup site:SiteFilter site_id:ID \
             cluster:ClusterFilter cluster_id:ID device:DeviceFilter device_id:ID platform:PlatformFilter \
             platform_id:ID status:VirtualMachineStatusEnumBaseFilterLookup role:DeviceRoleFilter role_id:ID \
             primary_ip4:IPAddressFilter primary_ip4_id:ID primary_ip6:IPAddressFilter primary_ip6_id:ID \
             vcpus:FloatLookup memory:IntegerLookup disk:IntegerLookup serial:StrFilterLookup \
             interfaces:VMInterfaceFilter AND:VirtualMachineFilter OR:VirtualMachineFilter \
             NOT:VirtualMachineFilter DISTINCT:Boolean"
        }
        Kind::VmInterface => {
            "id:IDComparisonFilterLookup created:DatetimeFilterLookup last_updated:DatetimeFilterLookup \
             tags:TagFilter custom_field_data:JSONFilter name:StrFilterLookup description:StrFilterLookup \
             enabled:BoolFilterLookup mtu:IntegerLookup virtual_machine:VirtualMachineFilter \
             virtual_machine_id:ID ip_addresses:IPAddressFilter vrf:VRFFilter vrf_id:ID AND:VMInterfaceFilter \
             OR:VMInterfaceFilter NOT:VMInterfaceFilter DISTINCT:Boolean"
        }
    }
}
