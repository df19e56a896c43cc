//! The catalogues that devices refer to. Records and references take their keys from here, so that they agree.

use std::collections::BTreeMap;

use serde::Deserialize;
use syncline_core::Result;
use syncline_core::snapshot::ModelSink;
use syncline_model::models::{Device, DeviceRole, DeviceType, Manufacturer, Platform, Site, Tag};
use syncline_model::{Key, Model, Text};

use super::{Collected, Run};
use crate::names::{self, Catalogue};

/// Names and slugs of everything that devices share.
#[derive(Debug, Default)]
pub(crate) struct Catalogues {
    pub sites: Catalogue,
    pub manufacturers: Catalogue,
    /// By manufacturer: a hardware model is unique there only.
    pub types: BTreeMap<Text, Catalogue>,
    pub roles: Catalogue,
    pub platforms: Catalogue,
    pub tags: Catalogue,
}

/// A manufacturer.
#[derive(Debug, Deserialize)]
pub(crate) struct VendorRow {
    pub vendor: String,
}

/// A device role.
#[derive(Debug, Deserialize)]
pub(crate) struct RoleRow {
    pub role: String,
}

impl Catalogues {
    pub fn site(&self, name: &str) -> Option<Key<Site>> {
        let (name, _) = names::site(name)?;
        Some(Site::key_of(self.sites.slug(&name)?))
    }

    pub fn manufacturer(&self, vendor: &str) -> Option<Key<Manufacturer>> {
        let (name, _) = names::manufacturer(vendor)?;
        Some(Manufacturer::key_of(self.manufacturers.slug(&name)?))
    }

    pub fn device_type(&self, vendor: &str, model: Option<&str>) -> Option<Key<DeviceType>> {
        let (maker, _) = names::manufacturer(vendor)?;
        let (model, _) = names::model(model);
        let slug = self.types.get(&maker)?.slug(&model)?;
        Some(DeviceType::key_of(&self.manufacturer(vendor)?, slug))
    }

    pub fn role(&self, constant: &str) -> Option<Key<DeviceRole>> {
        let (name, _) = names::role(constant)?;
        Some(DeviceRole::key_of(self.roles.slug(&name)?))
    }

    pub fn platform(&self, constant: &str) -> Option<Key<Platform>> {
        let (name, _) = names::platform(constant)?;
        Some(Platform::key_of(self.platforms.slug(&name)?))
    }

    pub fn tag(&self, name: &str) -> Option<Key<Tag>> {
        let (name, _) = names::tag(name)?;
        Some(Tag::key_of(self.tags.slug(&name)?))
    }

    /// Tells of every name that could not have its own slug.
    pub fn report(&self, run: &Run<'_>) {
        let catalogues = [
            ("site", &self.sites),
            ("manufacturer", &self.manufacturers),
            ("device role", &self.roles),
            ("platform", &self.platforms),
            ("tag", &self.tags),
        ];
        let types = self.types.values().map(|catalogue| ("device type", catalogue));
        for (label, catalogue) in catalogues.into_iter().chain(types) {
            for collision in catalogue.collisions() {
                run.warn(format!(
                    "the {label} `{}` has the slug `{}`, because another {label} has `{}`; if both are the same, give them one name in Forward",
                    collision.name, collision.given, collision.wanted
                ));
            }
        }
    }
}

/// Pushes the manufacturers.
pub(crate) async fn push_manufacturers(run: &Run<'_>, all: &Catalogues, mut read: Collected<VendorRow>) -> Result<()> {
    let mut records = run.sink.open::<Manufacturer>()?;
    read.report(&mut records);
    reject_nameless(&mut records, "vendor", read.rows.iter().map(|row| row.vendor.as_str()));
    for (name, slug) in all.manufacturers.iter() {
        records.push(&Manufacturer { slug: slug.clone(), name: name.clone() }, None).await?;
    }
    run.end(records, read.doubt).await
}

/// Pushes the device roles.
pub(crate) async fn push_roles(run: &Run<'_>, all: &Catalogues, mut read: Collected<RoleRow>) -> Result<()> {
    let mut records = run.sink.open::<DeviceRole>()?;
    read.report(&mut records);
    reject_nameless(&mut records, "role", read.rows.iter().map(|row| row.role.as_str()));
    for (name, slug) in all.roles.iter() {
        records.push(&DeviceRole { slug: slug.clone(), name: name.clone(), color: None }, None).await?;
    }
    run.end(records, read.doubt).await
}

/// Rejects rows whose name is blank: they can be no record.
pub(crate) fn reject_nameless<'a, M: Model>(
    records: &mut ModelSink<M>,
    column: &str,
    names: impl Iterator<Item = &'a str>,
) {
    for name in names.filter(|name| Text::new(name).is_none()) {
        records.reject(format!("a {} without a name", M::SCHEMA.label), column, format!("`{name}` is blank"));
    }
}

/// The key of a device at a site.
pub(crate) fn device_key(site: &Key<Site>, name: &str) -> Option<Key<Device>> {
    Some(Device::key_of(site, &Text::new(name)?))
}
