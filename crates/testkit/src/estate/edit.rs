//! Changes to an estate: what happens in a network between two Forward snapshots.

use std::sync::Arc;

use super::{Collection, Device, Estate, Interface, InterfaceKind, Origin, Slot};

/// There is no such device or interface in the estate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no `{0}` in the estate")]
pub struct Missing(pub String);

impl Estate {
    /// Changes a device in any way, its name included.
    pub fn edit(&mut self, device: &str, change: impl FnOnce(&mut Device)) -> Result<(), Missing> {
        let position = self.position(device).map_err(|_| Missing(device.to_owned()))?;
        let mut edited = Device::clone(&self.device_at(position));
        change(&mut edited);
        edited.interfaces.sort_by(|a, b| a.name.cmp(&b.name));
        self.slots.remove(position);
        self.add_device(edited);
        Ok(())
    }

    /// Changes an interface in any way.
    pub fn edit_interface(
        &mut self,
        device: &str,
        interface: &str,
        change: impl FnOnce(&mut Interface),
    ) -> Result<(), Missing> {
        let known = self.device(device).is_some_and(|device| device.interface(interface).is_some());
        if !known {
            return Err(Missing(format!("{device} {interface}")));
        }
        self.edit(device, |device| {
            if let Some(interface) = device.interface_mut(interface) {
                change(interface);
            }
        })
    }

    /// Adds a device; replaces the one that has its name.
    pub fn add_device(&mut self, device: Device) {
        let slot = Slot { name: device.name.clone(), origin: Origin::Given(Arc::new(device)) };
        match self.position(&slot.name) {
            Ok(position) => self.slots[position] = slot,
            Err(position) => self.slots.insert(position, slot),
        }
    }

    /// Adds a copy of a device under another name: no serial number, addresses or MAC addresses, so that nothing collides.
    pub fn add_device_like(&mut self, model: &str, name: &str) -> Result<(), Missing> {
        let mut device = Device::clone(&*self.device(model).ok_or_else(|| Missing(model.to_owned()))?);
        name.clone_into(&mut device.name);
        device.serial = None;
        device.collection = Collection::Completed;
        device.management_ips.clear();
        device.collection_ip = None;
        device.stack_serials.clear();
        for interface in &mut device.interfaces {
            interface.addresses.clear();
            interface.mac = None;
        }
        self.add_device(device);
        Ok(())
    }

    /// Takes a device out, as when it is disabled or decommissioned: Forward shows no difference.
    pub fn remove_device(&mut self, device: &str) -> Result<(), Missing> {
        let position = self.position(device).map_err(|_| Missing(device.to_owned()))?;
        self.slots.remove(position);
        Ok(())
    }

    /// Gives a device another name, everything else unchanged.
    pub fn rename_device(&mut self, device: &str, name: &str) -> Result<(), Missing> {
        self.edit(device, |device| name.clone_into(&mut device.name))
    }

    /// Sets or clears the description of an interface. Returns false if there is no such interface.
    pub fn describe_interface(&mut self, device: &str, interface: &str, description: Option<&str>) -> bool {
        self.edit_interface(device, interface, |interface| interface.description = description.map(str::to_owned))
            .is_ok()
    }

    /// Takes an interface out.
    pub fn remove_interface(&mut self, device: &str, interface: &str) -> Result<(), Missing> {
        let known = self.device(device).is_some_and(|device| device.interface(interface).is_some());
        if !known {
            return Err(Missing(format!("{device} {interface}")));
        }
        self.edit(device, |device| device.interfaces.retain(|candidate| candidate.name != interface))
    }

    /// Adds a port that is up and has nothing else.
    pub fn add_interface(&mut self, device: &str, name: &str) -> Result<(), Missing> {
        self.edit(device, |device| device.interfaces.push(Interface::new(name, InterfaceKind::Ethernet)))
    }

    /// Sets or clears the serial number, as when hardware is exchanged.
    pub fn set_serial(&mut self, device: &str, serial: Option<&str>) -> Result<(), Missing> {
        self.edit(device, |device| device.serial = serial.map(str::to_owned))
    }

    /// Lets the collection of a device fail: queries lose it, the device list keeps it.
    pub fn fail_collection(&mut self, device: &str, code: &str) -> Result<(), Missing> {
        self.edit(device, |device| device.collection = Collection::Failed(code.to_owned()))
    }

    /// Gives a device a serial number of 60 characters, which NetBox refuses (50).
    pub fn spoil_serial(&mut self, device: &str) -> Result<(), Missing> {
        self.set_serial(device, Some(&"S".repeat(60)))
    }

    /// Gives an interface an MTU of 2,000,000,000, which NetBox refuses (65,536).
    pub fn spoil_mtu(&mut self, device: &str, interface: &str) -> Result<(), Missing> {
        self.edit_interface(device, interface, |interface| interface.mtu = Some(2_000_000_000))
    }

    /// Gives a device a name of 80 characters, which NetBox refuses (64). Returns the new name.
    pub fn spoil_name(&mut self, device: &str) -> Result<String, Missing> {
        let name = format!("{device:x<80}");
        self.rename_device(device, &name)?;
        Ok(name)
    }
}

#[cfg(test)]
mod tests {
    use crate::estate::{Estate, EstateOptions};

    #[test]
    fn edits_keep_the_rest_and_the_copy() {
        let before = Estate::generate(EstateOptions::small());
        let name = before.device_names().next().unwrap().to_owned();
        let mut after = before.clone();
        let port = before.device(&name).unwrap().interfaces[0].name.clone();
        assert!(after.describe_interface(&name, &port, Some("moved")));
        after.rename_device(&name, "zz-last").unwrap();
        assert!(after.device(&name).is_none());
        assert_eq!(after.device("zz-last").unwrap().interface(&port).unwrap().description.as_deref(), Some("moved"));
        assert!(before.device(&name).is_some());
        assert_eq!(before.len(), after.len());
        assert!(after.remove_device("nobody").is_err());
        assert_eq!(after.device_names().last(), Some("zz-last"));
    }
}
