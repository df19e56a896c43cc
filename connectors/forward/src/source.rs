//! Forward as a data source.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use syncline_core::Result;
use syncline_core::connector::ConnectContext;
use syncline_core::describe::{CheckReport, ConfigItem};
use syncline_core::event::{Events, Level};
use syncline_core::fields::ModelFields;
use syncline_core::read::ReadRequest;
use syncline_core::snapshot::SnapshotSink;
use syncline_core::source::{Absence, DataSource};
use syncline_model::AnyKey;
use syncline_model::models::{
    Device, DeviceRole, DeviceType, Interface, IpAddress, MacAddress, Manufacturer, Platform, Prefix, Site, Tag,
    VirtualChassis, Vlan, Vrf,
};
use tokio::sync::OnceCell;

use crate::absence::{Inventory, LastRead};
use crate::client::{Api, Network, Version};
use crate::error::{Error, Problem};
use crate::nqe::Reader;
use crate::queries::{Bound, Query};
use crate::read;
use crate::settings::{Connection, Execution, Parameters, SnapshotSelector};
use crate::snapshots::{self, ForwardSnapshot};

/// One network of a Forward server, as one sync reads it.
pub struct ForwardSource {
    api: Api,
    connection: Connection,
    parameters: Parameters,
    events: Events,
    place: OnceCell<Place>,
    /// What was read last.
    last: Mutex<Option<Arc<LastRead>>>,
    /// What there is beside that.
    inventory: OnceCell<Inventory>,
}

/// What does not change while a source lives.
struct Place {
    version: Version,
    network: Network,
}

impl ForwardSource {
    /// Makes a source; sends nothing yet.
    pub(crate) fn new(connection: Connection, parameters: Parameters, context: ConnectContext) -> Result<Self> {
        Ok(Self {
            api: Api::new(&connection, &context)?,
            connection,
            parameters,
            events: context.events,
            place: OnceCell::new(),
            last: Mutex::default(),
            inventory: OnceCell::new(),
        })
    }

    async fn place(&self) -> Result<&Place, Error> {
        self.place
            .get_or_try_init(|| async {
                let version = self.api.version().await?;
                let network = self.api.network(self.connection.network.0.trim()).await?;
                Ok(Place { version, network })
            })
            .await
    }

    fn reader(&self, place: &Place, snapshot: &ForwardSnapshot) -> Result<Reader, Error> {
        let has_executions = place.version.has_executions();
        if self.connection.execution == Execution::Async && !has_executions {
            return Err(Problem::Settings(format!(
                "Forward {} has no executions (26.6 and later have): set `execution` to `auto` or `sync`",
                place.version.text
            ))
            .into());
        }
        let (network, snapshot) = (&place.network.id.0, &snapshot.id.0);
        Ok(Reader::new(&self.api, &self.connection, has_executions, network, snapshot, self.events.clone()))
    }

    /// The Forward snapshot that a run reads, resolved once: two queries must not read two states.
    async fn choose(&self, place: &Place) -> Result<ForwardSnapshot, Error> {
        let network = &place.network;
        let listed = snapshots::list(&self.api, network).await?;
        match &self.parameters.snapshot {
            SnapshotSelector::LatestProcessed => snapshots::latest(listed, network),
            SnapshotSelector::Id(id) => snapshots::pinned(listed, id, network),
            SnapshotSelector::LatestCollected => self.latest_collected(place, listed).await,
        }
    }

    /// The newest one in which the query for devices finds any.
    async fn latest_collected(&self, place: &Place, listed: Vec<ForwardSnapshot>) -> Result<ForwardSnapshot, Error> {
        let count = listed.len();
        let candidates = snapshots::candidates(listed);
        let Some(newest) = candidates.first() else { return Err(snapshots::none(&place.network, count)) };
        let reader = self.reader(place, newest)?;
        let bound = Bound::resolve(&self.api, Query::Devices, &self.parameters).await?;
        let looked_at = candidates.len().min(snapshots::LOOKED_AT);
        for candidate in candidates.into_iter().take(looked_at) {
            if reader.on(&candidate.id.0).probe(&bound).await?.first.is_some() {
                return Ok(candidate);
            }
        }
        Err(Problem::NoSnapshot(format!(
            "in none of the newest {looked_at} of the network `{}` a device of the sync's scope was collected; check `sites` and `tags`, or collect the network in Forward",
            place.network.name
        ))
        .into())
    }

    async fn read_all(&self, request: &ReadRequest, sink: &SnapshotSink) -> Result<()> {
        let place = self.place().await?;
        let snapshot = self.choose(place).await?;
        self.note(place, &snapshot, sink).await?;
        let reader = self.reader(place, &snapshot)?;
        let devices = Box::pin(read::read(&self.api, &reader, &self.parameters, request, sink)).await?;
        let last = LastRead { snapshot: snapshot.id.0, devices };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(last));
        Ok(())
    }

    /// What there is beside what was read; looked at once.
    async fn inventory(&self) -> Result<&Inventory> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let last = last.ok_or_else(|| {
            let message = "Forward was asked why something is absent before it was read";
            syncline_core::Error::new(syncline_core::ErrorKind::Internal, message)
        })?;
        let read = async {
            let place = self.place().await?;
            Inventory::read(&self.api, &place.network.id.0, &last, self.parameters.is_scoped()).await
        };
        Ok(self.inventory.get_or_try_init(|| read).await?)
    }

    /// Keeps for the history what is read, and tells how its collection went.
    async fn note(&self, place: &Place, snapshot: &ForwardSnapshot, sink: &SnapshotSink) -> Result<()> {
        let Place { version, network } = place;
        sink.note("forward.version", &version.text);
        sink.note("forward.network", format!("{} (id {})", network.name, network.id));
        sink.note("forward.snapshot", &snapshot.id.0);
        if let Some(created) = &snapshot.created_at {
            sink.note("forward.snapshot.created", created);
        }
        if let Some(processed) = &snapshot.processed_at {
            sink.note("forward.snapshot.processed", processed);
        }
        let metrics = snapshots::metrics(&self.api, snapshot).await?;
        let counts = [
            ("forward.collection.succeeded", metrics.successful),
            ("forward.collection.failed", metrics.not_collected),
            ("forward.processing.failed", metrics.not_processed),
        ];
        for (name, count) in counts {
            if let Some(count) = count {
                sink.note(name, count.to_string());
            }
        }
        if let Some(concern) = metrics.concern() {
            sink.events().message(Level::Warning, concern);
        }
        let created = snapshot.created_at.as_deref().unwrap_or("an unknown time");
        let text =
            format!("reading the Forward snapshot {} of {created} of the network `{}`", snapshot.id, network.name);
        sink.events().message(Level::Info, text);
        Ok(())
    }
}

#[async_trait]
impl DataSource for ForwardSource {
    fn knows(&self) -> ModelFields {
        // What Forward does not tell is not set, so that a person's value stays: colours, descriptions, and where in its
        // life a thing is, but for devices, which were collected.
        ModelFields::new()
            .except::<Site>(&["status"])
            .all::<Manufacturer>()
            .all::<DeviceType>()
            .except::<DeviceRole>(&["color"])
            .all::<Platform>()
            .except::<Device>(&["tenant", "cluster", "custom_fields", "config_context"])
            // A device that was collected is active, until a person says otherwise.
            .initial::<Device>(&["status"])
            .all::<VirtualChassis>()
            // Which member speaks for all is a guess, but better than none.
            .initial::<VirtualChassis>(&["master"])
            .all::<Interface>()
            // The form of a port is guessed from its speed: whoever has seen the port knows better.
            .initial::<Interface>(&["type"])
            .all::<MacAddress>()
            .except::<Vlan>(&["status"])
            .except::<Vrf>(&["description", "enforce_unique"])
            .only::<Prefix>(&[])
            .only::<IpAddress>(&["interface"])
            .except::<Tag>(&["color"])
    }

    async fn check(&self) -> Result<CheckReport> {
        let place = self.place().await?;
        let mut report =
            CheckReport { system: format!("Forward Enterprise {}", place.version.text), ..CheckReport::default() };
        let mut fact = |name: &str, value: String| report.facts.push(ConfigItem::new(name, value));
        fact("Network", format!("{} (id {})", place.network.name, place.network.id));
        match self.api.current_user().await {
            Ok(current) => {
                fact("User", current.user.username);
                let of_network = current.roles.network.get(&place.network.id.0);
                let roles: Vec<_> = current.roles.org.iter().chain(of_network).map(String::as_str).collect();
                fact("Roles", if roles.is_empty() { "none".to_owned() } else { roles.join(", ") });
            }
            // Not every release and not every user is told.
            Err(error) if matches!(error.problem(), Problem::NoEndpoint { .. } | Problem::Denied(_)) => {}
            Err(error) => return Err(error.into()),
        }
        let executions = if place.version.has_executions() && self.connection.execution != Execution::Sync {
            "as executions"
        } else {
            "page by page"
        };
        fact("Queries are run", executions.to_owned());
        let mut warnings = Vec::new();
        match self.choose(place).await {
            Ok(snapshot) => {
                let processed = snapshot.processed_at.as_deref().unwrap_or("an unknown time");
                fact("Forward snapshot", format!("{} (processed {processed})", snapshot.id));
                warnings.extend(snapshots::metrics(&self.api, &snapshot).await?.concern());
                let probe = self.reader(place, &snapshot)?;
                let bound = Bound::resolve(&self.api, Query::Devices, &self.parameters).await;
                let devices = match bound {
                    Ok(bound) => probe.probe(&bound).await,
                    Err(error) => Err(error),
                };
                match devices {
                    Ok(probe) => {
                        if let Some(total) = probe.total {
                            fact("Devices in scope", total.to_string());
                        }
                        if probe.first.is_none() {
                            warnings.push(
                                "no device that was collected is in the sync's scope: check `sites` and `tags`"
                                    .to_owned(),
                            );
                        }
                    }
                    Err(error) => warnings.push(warning(error)?),
                }
            }
            Err(error) => warnings.push(warning(error)?),
        }
        report.warnings = warnings;
        Ok(report)
    }

    async fn load(&self, request: &ReadRequest, sink: &SnapshotSink) -> Result<()> {
        request.unless_cancelled(Box::pin(self.read_all(request, sink))).await
    }

    async fn explain_absence(&self, model: &str, keys: &[AnyKey]) -> Result<Vec<Absence>> {
        if !matches!(model, "device" | "site") {
            return Ok(vec![Absence::Unknown; keys.len()]);
        }
        Ok(self.inventory().await?.explain(model, keys))
    }

    fn config_information(&self) -> Vec<ConfigItem> {
        let Self { connection, parameters, .. } = self;
        let list = |names: &[String]| if names.is_empty() { "all".to_owned() } else { names.join(", ") };
        let mut items = vec![
            ConfigItem::new("Base URL", connection.url.clone().with_suffix("api")),
            ConfigItem::new("Access key", &connection.access_key),
            ConfigItem::new("Secret", &connection.secret),
            ConfigItem::new("Network", &connection.network),
            ConfigItem::new("Certificate is checked", if connection.tls.verify { "yes" } else { "no" }),
            ConfigItem::new("Execution", format!("{:?}", connection.execution).to_lowercase()),
            ConfigItem::new("Page size", connection.page_size),
            ConfigItem::new("Queries at the same time", connection.concurrency),
            ConfigItem::new("Forward snapshot", &parameters.snapshot),
            ConfigItem::new("Sites", list(&parameters.sites)),
        ];
        if let Some(pace) = connection.paced_http().requests_per_minute {
            items.push(ConfigItem::new("Requests a minute", pace));
        }
        if !parameters.tags.include.is_empty() {
            let how = format!("{:?}", parameters.tags.include_match).to_lowercase();
            items.push(ConfigItem::new("Tags to include", format!("{how} of {}", parameters.tags.include.join(", "))));
        }
        if !parameters.tags.exclude.is_empty() {
            items.push(ConfigItem::new("Tags to exclude", parameters.tags.exclude.join(", ")));
        }
        for query in Query::ALL {
            let value = match parameters.queries.get(&query) {
                None => "shipped".to_owned(),
                Some(binding) => match (&binding.query_id, &binding.path, &binding.commit_id) {
                    (Some(id), _, Some(commit)) => format!("{id} at {commit}"),
                    (Some(id), _, None) => id.clone(),
                    (None, path, _) => path.clone().unwrap_or_default(),
                },
            };
            items.push(ConfigItem::new(format!("Query {query}"), value));
        }
        items
    }
}

/// What a check warns of, unless it is that nothing works.
fn warning(error: Error) -> Result<String> {
    let error = syncline_core::Error::from(error);
    if crate::models::ends_the_run(&error) { Err(error) } else { Ok(error.report()) }
}
