//! Maintenance windows.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::access::Access;
use super::check::{self, Field, Rule, Shape, below, may, must};
use super::groups::ids_of;
use super::hosts;
use super::methods::{Ctx, options};
use super::php::{self, Object, id_list};
use super::query::{self, Found, Spec, Wanted};
use super::refusal::{NO_PERMISSIONS, Refusal};
use super::state::{Column, Maintenance, Row, show as show_row};

const FIELDS: &[Column] = &[
    ("name", ""),
    ("maintenance_type", "0"),
    ("description", ""),
    ("active_since", "0"),
    ("active_till", "0"),
    ("tags_evaltype", "0"),
];
const PERIOD: &[Column] = &[
    ("timeperiod_type", "0"),
    ("every", "1"),
    ("month", "0"),
    ("dayofweek", "0"),
    ("day", "0"),
    ("start_time", "0"),
    ("period", "3600"),
    ("start_date", "0"),
];
const TAG: &[Column] = &[("tag", ""), ("operator", "2"), ("value", "")];

const MINUTE: i64 = 60;
/// Shortest period, in seconds.
const SHORTEST: i64 = 300;
const LATEST: i64 = 2_147_483_647;

const SPEC: Spec = Spec {
    id: "maintenanceid",
    sort: &["maintenanceid", "name", "maintenance_type", "active_till", "active_since"],
    id_always: true,
};

const PERIODS: Shape = Shape {
    fields: &[
        may("timeperiod_type", Rule::OneOf(&[0, 2, 3, 4])),
        may("every", Rule::Range(1, LATEST)),
        may("month", Rule::Range(0, 4095)),
        may("dayofweek", Rule::Range(0, 127)),
        may("day", Rule::Range(0, 31)),
        may("start_time", Rule::Range(0, 86_399)),
        may("period", Rule::Range(SHORTEST, LATEST)),
        may("start_date", Rule::Range(0, LATEST)),
    ],
    unique: &[],
    not_empty: true,
    open: false,
};
const GROUPS: Shape =
    Shape { fields: &[must("groupid", Rule::Id)], unique: &["groupid"], not_empty: false, open: false };
const HOSTS: Shape = Shape { fields: &[must("hostid", Rule::Id)], unique: &["hostid"], not_empty: false, open: false };
const TAGS: Shape = Shape {
    fields: &[must("tag", Rule::Name(255)), may("operator", Rule::OneOf(&[0, 2])), may("value", Rule::Text(255))],
    unique: &[],
    not_empty: false,
    open: false,
};

/// Common fields; `required` ones are required when a window is made.
fn fields(ctx: &Ctx<'_>, create: bool) -> Vec<Field> {
    let required = if create { must } else { may };
    let mut fields = vec![
        required("name", Rule::Name(128)),
        may("maintenance_type", Rule::OneOf(&[0, 1])),
        may("description", Rule::Text(65_535)),
        required("active_since", Rule::Time),
        required("active_till", Rule::Time),
        may("tags_evaltype", Rule::OneOf(&[0, 2])),
        may("tags", Rule::Objects(&TAGS)),
        may("groups", Rule::Objects(&GROUPS)),
        may("hosts", Rule::Objects(&HOSTS)),
        required("timeperiods", Rule::Objects(&PERIODS)),
    ];
    if ctx.dialect.old_parameters {
        fields.extend([may("groupids", Rule::Ids), may("hostids", Rule::Ids)]);
    }
    if !create {
        fields.push(must("maintenanceid", Rule::Id));
    }
    fields
}

/// Down to the minute.
fn floor(text: &str) -> String {
    let seconds: i64 = text.parse().unwrap_or(0);
    (seconds - seconds.rem_euclid(MINUTE)).to_string()
}

fn columns(row: &mut Row, table: &[Column], given: &Object) {
    for (name, _) in table {
        let Some(value) = php::get_text(given, name) else { continue };
        let is_time = matches!(*name, "active_since" | "active_till" | "start_date" | "period" | "start_time");
        row.insert(name, if is_time { floor(&value) } else { value });
    }
}

fn rows(given: &Object, list: &str, table: &[Column]) -> Vec<Row> {
    let entries = given.get(list).map(php::list).unwrap_or_default();
    let row = |entry: &Json| {
        let mut row = Row::new();
        columns(&mut row, table, entry.as_object().unwrap_or(&Object::new()));
        row
    };
    entries.into_iter().map(row).collect()
}

/// The ids under `hosts` or the older `hostids`; `None` if neither is given.
fn members(given: &Object, list: &str, name: &str, old: &str) -> Option<BTreeSet<u64>> {
    if given.contains_key(list) {
        return Some(ids_of(given, list, name).into_iter().collect());
    }
    given.get(old).map(|ids| php::list(ids).into_iter().filter_map(php::id).collect())
}

/// What a period may have besides its type and length, by type.
fn check_periods(given: &Object, path: &str) -> Result<(), Refusal> {
    for (number, period) in given.get("timeperiods").map(php::list).unwrap_or_default().into_iter().enumerate() {
        let Some(period) = period.as_object() else { continue };
        let known: &[&str] = match php::get_id(period, "timeperiod_type") {
            0 => &["timeperiod_type", "period", "start_date"],
            2 => &["timeperiod_type", "period", "every", "start_time"],
            3 => &["timeperiod_type", "period", "every", "dayofweek", "start_time"],
            _ => &["timeperiod_type", "period", "every", "dayofweek", "day", "month", "start_time"],
        };
        if let Some(unknown) = period.keys().find(|name| !known.contains(&name.as_str())) {
            let path = below(&below(path, "timeperiods"), number + 1);
            return Err(Refusal::invalid(&path, &format!("unexpected parameter \"{unknown}\"")));
        }
    }
    Ok(())
}

fn fill(ctx: &Ctx<'_>, maintenance: &mut Maintenance, given: &Object, path: &str) -> Result<(), Refusal> {
    check_periods(given, path)?;
    // Compared as given, kept to the minute.
    let time = |name: &str| -> i64 {
        let given = php::get_text(given, name).or_else(|| maintenance.row.get(name).cloned());
        given.and_then(|text| text.parse().ok()).unwrap_or(0)
    };
    if time("active_till") <= time("active_since") {
        let problem =
            format!("cannot be less than or equal to the value of parameter \"{}\"", below(path, "active_since"));
        return Err(Refusal::invalid(&below(path, "active_till"), &problem));
    }
    columns(&mut maintenance.row, FIELDS, given);
    let no_data = maintenance.row.get("maintenance_type").is_some_and(|kind| kind == "1");
    if no_data && given.get("tags").is_some_and(|tags| !php::is_empty(tags)) {
        return Err(Refusal::invalid(path, "unexpected parameter \"tags\""));
    }
    if given.contains_key("tags") {
        maintenance.tags = rows(given, "tags", TAG);
    }
    if given.contains_key("timeperiods") {
        maintenance.periods = rows(given, "timeperiods", PERIOD);
    }
    if let Some(hosts) = members(given, "hosts", "hostid", "hostids") {
        maintenance.hosts = hosts;
    }
    if let Some(groups) = members(given, "groups", "groupid", "groupids") {
        maintenance.groups = groups;
    }
    if maintenance.hosts.is_empty() && maintenance.groups.is_empty() {
        return Err(Refusal::parameters("At least one host group or host must be selected."));
    }
    let may_host = |id: &u64| ctx.state.hosts.get(id).is_some_and(|host| ctx.user.may(host, Access::Write));
    let may_group = |id: &u64| ctx.state.groups.contains_key(id) && ctx.user.may_group(*id, Access::Write);
    match maintenance.hosts.iter().all(may_host) && maintenance.groups.iter().all(may_group) {
        true => Ok(()),
        false => Err(Refusal::application(NO_PERMISSIONS)),
    }
}

fn check_name(ctx: &Ctx<'_>, maintenance: &Maintenance, id: u64) -> Result<(), Refusal> {
    let name = maintenance.row.get("name");
    let same = |(other, known): (&u64, &Maintenance)| *other != id && known.row.get("name") == name;
    match ctx.state.maintenances.iter().any(same) {
        true => {
            Err(Refusal::parameters(format!("Maintenance \"{}\" already exists.", name.map_or("", String::as_str))))
        }
        false => Ok(()),
    }
}

fn entries(params: &Json) -> Result<Vec<&Json>, Refusal> {
    let entries = php::list(params);
    if entries.is_empty() { Err(Refusal::invalid("/", "cannot be empty")) } else { Ok(entries) }
}

pub(super) fn create(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let mut created = Vec::new();
    for (number, entry) in entries(params)?.into_iter().enumerate() {
        let path = below("/", number + 1);
        let given = check::object(entry, &path, &fields(ctx, true), false)?;
        let mut maintenance = Maintenance::default();
        let mut row = Row::new();
        columns(&mut row, FIELDS, &given);
        check_name(ctx, &Maintenance { row, ..Maintenance::default() }, 0)?;
        fill(ctx, &mut maintenance, &given, &path)?;
        let id = ctx.state.next("maintenances");
        ctx.state.maintenances.insert(id, maintenance);
        ctx.state.written += 1;
        created.push(id);
    }
    Ok(serde_json::json!({"maintenanceids": id_list(created)}))
}

/// A window is visible if all its hosts and groups are.
fn may_see(ctx: &Ctx<'_>, maintenance: &Maintenance, access: Access) -> bool {
    let may_host = |id: &u64| ctx.state.hosts.get(id).is_none_or(|host| ctx.user.may(host, access));
    maintenance.hosts.iter().all(may_host) && maintenance.groups.iter().all(|id| ctx.user.may_group(*id, access))
}

pub(super) fn update(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let mut changed = Vec::new();
    for (number, entry) in entries(params)?.into_iter().enumerate() {
        let path = below("/", number + 1);
        let given = check::object(entry, &path, &fields(ctx, false), false)?;
        let id = php::get_id(&given, "maintenanceid");
        let known = ctx.state.maintenances.get(&id).filter(|known| may_see(ctx, known, Access::Write));
        let mut maintenance = known.cloned().ok_or_else(|| Refusal::application(NO_PERMISSIONS))?;
        fill(ctx, &mut maintenance, &given, &path)?;
        check_name(ctx, &maintenance, id)?;
        ctx.state.maintenances.insert(id, maintenance);
        ctx.state.written += 1;
        changed.push(id);
    }
    Ok(serde_json::json!({"maintenanceids": id_list(changed)}))
}

pub(super) fn delete(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let ids = check::ids(params, "/", true)?;
    for id in &ids {
        let known = ctx.state.maintenances.get(id).filter(|known| may_see(ctx, known, Access::Write));
        if known.is_none() {
            return Err(Refusal::application(NO_PERMISSIONS));
        }
    }
    for id in &ids {
        ctx.state.maintenances.remove(id);
        ctx.state.written += 1;
    }
    Ok(serde_json::json!({"maintenanceids": id_list(ids)}))
}

pub(super) fn get(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let options = options(ctx, params);
    let access = if php::flag(&options, "editable") { Access::Write } else { Access::Read };
    let [ids, hosts, groups] = ["maintenanceids", "hostids", "groupids"].map(|name| php::id_set(&options, name));
    let in_groups =
        |id: &u64, groups: &BTreeSet<u64>| ctx.state.hosts.get(id).is_some_and(|host| !host.groups.is_disjoint(groups));
    let visible = ctx.state.maintenances.iter().filter(|(id, maintenance)| {
        may_see(ctx, maintenance, access)
            && ids.as_ref().is_none_or(|ids| ids.contains(id))
            && hosts.as_ref().is_none_or(|hosts| !maintenance.hosts.is_disjoint(hosts))
            && groups.as_ref().is_none_or(|groups| {
                !maintenance.groups.is_disjoint(groups) || maintenance.hosts.iter().any(|id| in_groups(id, groups))
            })
    });
    let found: Vec<Found> = visible
        .map(|(id, maintenance)| {
            let mut shown = show_row(&maintenance.row, FIELDS);
            shown.insert("maintenanceid".to_owned(), id.to_string().into());
            (*id, shown)
        })
        .collect();
    let found = query::narrow(found, &options, &SPEC)?;
    let wanted = |name: &str| Wanted::of(&options, name);
    let group_lists = [
        ("groups", if ctx.dialect.select_groups { wanted("selectGroups") } else { Wanted::Nothing }),
        ("hostgroups", if ctx.dialect.split_groups { wanted("selectHostGroups") } else { Wanted::Nothing }),
    ];
    let [wanted_hosts, wanted_tags, wanted_periods] = ["selectHosts", "selectTags", "selectTimeperiods"].map(wanted);
    query::answer(found, &options, &SPEC, |id, object| {
        let Some(maintenance) = ctx.state.maintenances.get(&id) else { return Ok(()) };
        let mut put = |name: &str, wanted: &Wanted, list: Vec<Object>, always: &[&str]| {
            if *wanted != Wanted::Nothing {
                object.insert(name.to_owned(), wanted.list(list, always));
            }
        };
        let old_ids: &[&str] = if ctx.dialect.modern { &[] } else { &["groupid"] };
        for (name, wanted) in &group_lists {
            let list = maintenance.groups.iter().filter_map(|id| ctx.state.groups.get_key_value(id));
            let list = list.map(|(id, group)| group.show(*id, !ctx.dialect.split_groups, false)).collect();
            put(name, wanted, list, old_ids);
        }
        let list = maintenance.hosts.iter().filter_map(|id| ctx.state.hosts.get(id));
        put("hosts", &wanted_hosts, list.map(|host| hosts::show(host, ctx.dialect)).collect(), &["hostid"]);
        put("tags", &wanted_tags, maintenance.tags.iter().map(|row| show_row(row, TAG)).collect(), &[]);
        let periods = maintenance.periods.iter().map(|row| show_row(row, PERIOD)).collect();
        put("timeperiods", &wanted_periods, periods, &[]);
        Ok(())
    })
}
