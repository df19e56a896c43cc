//! Everything that can go wrong: what is read, what is doubted, and what a person is told.

use std::time::Duration;

use serde_json::json;
use syncline_core::ErrorKind;
use syncline_core::event::{Events, Side};
use syncline_core::snapshot::SnapshotSink;
use syncline_core::source::DataSource;
use syncline_testkit::forward::{
    Break, BreakEnd, Canned, Dataset, Denial, Faults, ForwardSim, Outcome, QueryFailure, RateLimit,
};
use wiremock::matchers::{method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{Read, Reader, sim};

/// A read in which something goes wrong with the interfaces only.
async fn interfaces(sync: bool, change: impl FnOnce(&mut Faults)) -> Read {
    let sim = sim().await;
    sim.faults(|faults| {
        faults.only = Some(Dataset::Interfaces);
        change(faults);
    });
    let execution = if sync { "sync" } else { "auto" };
    let read = Reader::of(&sim).with("execution", execution).read().await.unwrap();
    assert!(read.model("device").verdict.is_complete(), "other models go on");
    assert!(read.model("mac_address").verdict.is_complete(), "other models go on");
    read
}

#[tokio::test]
async fn pages_that_do_not_add_up_are_doubted() {
    let told = [
        interfaces(true, |faults| faults.empty_from = Some(100)).await.doubt("interface"),
        interfaces(true, |faults| faults.repeat_page = true).await.doubt("interface"),
        interfaces(true, |faults| faults.missing_total = true).await.doubt("interface"),
        interfaces(true, |faults| faults.total_off_by = 1).await.doubt("interface"),
        interfaces(true, |faults| faults.total_off_by = -1).await.doubt("interface"),
        interfaces(false, |faults| {
            faults.json_only = true;
            faults.total_off_by = -1;
        })
        .await
        .doubt("interface"),
    ];
    insta::assert_snapshot!(told.join("\n"), @r"
    the pages of the result do not add up: they ended after 100 of 370 rows (query interfaces)
    the pages of the result do not add up: 100 of the 100 rows from row 100 on came before; either the paging does not advance, or the query has equal rows (each must be unique by its first columns) (query interfaces)
    the query `interfaces`: the answers state no total (`totalNumItems`), so that nothing proves that all rows came
    the pages of the result do not add up: they ended after 370 of 371 rows (query interfaces)
    the pages of the result do not add up: 370 rows came, and the server says that there are 369 (query interfaces)
    the pages of the result do not add up: the server said that there are 370 rows, and then 369 (query interfaces)
    ");
}

#[tokio::test]
async fn what_came_before_the_doubt_is_kept() {
    let read = interfaces(true, |faults| faults.empty_from = Some(100)).await;
    assert_eq!(read.count("interface"), 100);
    let read = interfaces(true, |faults| faults.missing_total = true).await;
    assert_eq!(read.count("interface"), 370);
}

#[tokio::test]
async fn a_stream_that_breaks_is_taken_up_where_it_broke() {
    for end in [BreakEnd::MidRow, BreakEnd::BetweenRows] {
        let read = interfaces(false, |faults| faults.break_after = Some(Break { rows: 60, end })).await;
        read.assert_complete();
        assert_eq!(read.count("interface"), 370, "{end:?}");
    }
}

/// A reset throws away what has not been read yet, so it can break a stream again and again before its first row.
#[tokio::test]
async fn a_stream_that_gives_nothing_any_more_is_given_up() {
    let cut = Break { rows: 60, end: BreakEnd::Cut };
    let read = interfaces(false, |faults| faults.break_after = Some(cut)).await;
    let doubt = read.doubt("interface");
    assert!(doubt.starts_with("the pages of the result do not add up: the stream broke"), "{doubt}");
    let often = Break { rows: 1, end: BreakEnd::BetweenRows };
    let read = interfaces(false, |faults| faults.break_after = Some(often)).await;
    insta::assert_snapshot!(read.doubt("interface"), @"the pages of the result do not add up: the stream broke 100 times, the last time after 100 of 370 rows (the stream ended after 100 of 370 rows) (query interfaces)");
    assert_eq!(read.count("interface"), 100);
}

#[tokio::test]
async fn columns_are_checked_before_anything_is_read() {
    let told = [
        interfaces(false, |faults| faults.drop_column = Some("mtu".to_owned())).await.doubt("interface"),
        interfaces(false, |faults| faults.null_column = Some("admin_status".to_owned())).await.doubt("interface"),
        interfaces(false, |faults| faults.retype_column = Some("speed_mbps".to_owned())).await.doubt("interface"),
    ];
    insta::assert_snapshot!(told.join("\n"), @r"
    the query `interfaces` has no column `mtu`: change its `select`, or remove `queries.interfaces` to use the shipped one (columns: device, name, interface_type, admin_status, speed_mbps, mtu, description, aggregate, mode, untagged_vlan) (query interfaces)
    the column `admin_status` of the query `interfaces` has another type than expected (invalid type: null, expected a string): change its `select`, or remove `queries.interfaces` to use the shipped one (query interfaces)
    the column `speed_mbps` of the query `interfaces` has another type than expected (invalid type: map, expected u64): change its `select`, or remove `queries.interfaces` to use the shipped one (query interfaces)
    ");
}

#[tokio::test]
async fn a_query_that_fails_leaves_the_others_alone() {
    let sim = sim().await;
    let failure = QueryFailure { message: "Record has no field 'nmae'.".to_owned(), start: (2, 9), end: (2, 13) };
    sim.faults(|faults| {
        faults.failing_queries.insert(Dataset::Vlans, failure);
        faults.denied_queries.insert(Dataset::Prefixes, Denial::LicenseTier("prefixes".to_owned()));
    });
    let read = Reader::of(&sim).read().await.unwrap();
    insta::assert_snapshot!([read.doubt("vlan"), read.doubt("prefix")].join("\n"), @r"
    the query does not run: Record has no field 'nmae' (line 3, column 10) (request POST /api/nqe?networkId=101&snapshotId=1042, query vlans)
    the tier of Forward's licence does not permit the query: leave its model out, or ask who licenses Forward (Query prefixes is not permitted for this organization’s license tier) (request POST /api/nqe?networkId=101&snapshotId=1042, query prefixes)
    ");
    for model in ["site", "device", "interface", "mac_address", "ip_address", "vrf"] {
        assert!(read.model(model).verdict.is_complete(), "{model}");
    }
    // That VLANs could not be read does not take them from interfaces.
    assert!(read.records("interface").values().any(|record| record["untagged_vlan"].is_array()));
}

#[tokio::test]
async fn without_devices_nothing_of_them_is_read() {
    let sim = sim().await;
    sim.faults(|faults| {
        faults.denied_queries.insert(Dataset::Devices, Denial::Unlicensed("NQE".to_owned()));
    });
    let read = Reader::of(&sim).read().await.unwrap();
    for model in ["device", "interface", "mac_address", "ip_address", "virtual_chassis"] {
        assert!(read.doubt(model).contains("licence does not include `NQE`"), "{}", read.doubt(model));
        assert_eq!(read.count(model), 0);
    }
    assert!(read.model("site").verdict.is_complete());
    assert_eq!(sim.count("POST /api/networks/101/nqe-executions"), 10, "nothing is computed for nothing");
}

#[tokio::test]
async fn outcomes_of_executions_are_told_apart() {
    let mut told = Vec::new();
    for outcome in [Outcome::UserError, Outcome::TimedOut, Outcome::SystemError] {
        let sim = sim().await;
        sim.faults(|faults| faults.outcome = outcome);
        told.push(Reader::of(&sim).only(&["site"]).read().await.unwrap().doubt("site"));
    }
    let sim = sim().await;
    sim.faults(|faults| faults.executions_expire = true);
    let read = Reader::of(&sim).only(&["site"]).read().await.unwrap();
    assert_eq!(sim.count("POST /api/networks/101/nqe-executions"), 2, "submitted anew once");
    let doubt = read.doubt("site");
    told.push(doubt.split(" X_").next().unwrap().to_owned());
    insta::assert_snapshot!(told.join("\n"), @r"
    the query does not run: Record has no field 'nmae' (line 3, column 10) (query sites)
    the query did not end within the 20 minutes that Forward allows: raise `query_minutes` or the limit in Forward, or read a smaller scope (query sites)
    Forward failed to run the query (outcome `SYSTEM_ERROR`): run the sync again; if it stays, ask Forward's support (query sites)
    Forward does not find it: Execution
    ");
}

#[tokio::test]
async fn a_server_that_goes_down_fails_the_run() {
    let sim = sim().await;
    sim.faults(|faults| faults.kill_after_rows = Some(500));
    let error = Reader::of(&sim).read().await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    let sim = self::sim().await;
    let reader = Reader::of(&sim);
    sim.kill();
    let text = reader.error().await;
    assert!(text.contains("refused the connection: check host and port"), "{text}");
}

#[tokio::test]
async fn passing_failures_are_ridden_out() {
    let sim = sim().await;
    sim.faults(|faults| {
        faults.reset_requests = 2;
        faults.canned.push_back(Canned::html("POST /api/nqe", 1, 503));
        faults.canned.push_back(Canned::too_many_requests("nqe-executions", 1, "0"));
        faults.poll_retry_after = Some(0);
        faults.polls = 3;
    });
    Reader::of(&sim).read().await.unwrap().assert_complete();
}

/// One failing answer to the first request, and the words for it.
async fn told(prepare: impl FnOnce(&mut Faults)) -> String {
    let sim = sim().await;
    sim.faults(prepare);
    let host = sim.url().replace("http://", "");
    Reader::of(&sim).error().await.replace(&host, "HOST")
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let canned = |status, message: &str| {
        let message = message.to_owned();
        move |faults: &mut Faults| faults.canned.push_back(Canned::error("GET /api/networks", 9, status, &message))
    };
    let texts = [
        told(canned(401, "Authentication failed")).await,
        told(canned(401, "API token has expired")).await,
        told(|faults| faults.account_locked = true).await,
        told(|faults| {
            faults.account_locked = true;
            faults.mislabelled_errors = true;
        })
        .await,
        told(|faults| faults.denied = Some(Denial::MissingPermission("NetworkOperation.USE_NQE".to_owned()))).await,
        told(canned(404, "No endpoint GET /api/networks.")).await,
        told(canned(404, "Network 101 not found")).await,
        told(canned(409, "Busy")).await,
        told(|faults| faults.canned.push_back(Canned::html("GET /api/networks", 9, 502))).await,
        told(|faults| faults.canned.push_back(Canned::html("GET /api/networks", 9, 200))).await,
        told(|faults| faults.canned.push_back(Canned::html("GET /api/networks", 9, 401))).await,
        told(|faults| faults.canned.push_back(Canned::too_many_requests("GET /api", 9, "3600"))).await,
    ];
    insta::assert_snapshot!(texts.join("\n"), @r#"
    Forward refused the access key or its secret: check that `access_key` and `secret` refer to an API token that is active (Authentication failed) (request GET /api/networks)
    the API token has expired: make a new one in Forward, and put it where `access_key` and `secret` refer to (API token has expired) (request GET /api/networks)
    the Forward account is locked: an administrator of Forward has to unlock it; it was not tried again, as that could keep it locked (Account is locked) (request GET /api/version)
    the Forward account is locked: an administrator of Forward has to unlock it; it was not tried again, as that could keep it locked (Account is locked) (request GET /api/version)
    the Forward user lacks the permission `NetworkOperation.USE_NQE`: an administrator of Forward can grant it (request GET /api/networks)
    this release of Forward does not serve `GET /api/networks` (request GET /api/networks)
    Forward does not find it: Network 101 not found (request GET /api/networks)
    `HOST` refused the request (409 Conflict): Busy (request GET /api/networks)
    `HOST` failed (502 Bad Gateway): an HTML page titled "502" (request GET /api/networks, attempts 4)
    `HOST` answered HTML (proxy or login page?) where JSON was expected; first 120 characters: <html><head><title>200</title></head><body><h1>200</h1><hr>nginx</body></html> (request GET /api/networks)
    Forward refused the access key or its secret: check that `access_key` and `secret` refer to an API token that is active (an HTML page titled "401") (request GET /api/networks)
    Forward's limit of requests is used up: set `http.requests_per_minute` lower, or let the other users of this access key wait (API rate limit exceeded; the user is locked out; it asks to wait 3600 s) (request GET /api/version)
    "#);
}

#[tokio::test]
async fn a_refused_credential_is_not_tried_again() {
    let sim = sim().await;
    sim.faults(|faults| faults.account_locked = true);
    let _ = Reader::of(&sim).error().await;
    assert_eq!(sim.requests().len(), 1);
}

#[tokio::test]
async fn a_lock_out_for_too_many_requests_is_waited_for() {
    let sim = sim().await;
    sim.faults(|faults| faults.rate_limit = Some(RateLimit { requests: 12, lockout: 0, as_date: false }));
    Reader::of(&sim).only(&["site", "vrf"]).read().await.unwrap().assert_complete();
}

#[tokio::test]
async fn more_rows_than_allowed_are_not_taken() {
    let sim = sim().await;
    let mut told = Vec::new();
    for execution in ["auto", "sync"] {
        let reader = Reader::of(&sim).with("execution", execution).with("max_rows", 300);
        let read = reader.read().await.unwrap();
        assert!(read.model("device").verdict.is_complete());
        told.push(read.doubt("interface"));
    }
    insta::assert_snapshot!(told.join("\n"), @r"
    the query gives 370 rows or more, and 300 are allowed: raise `max_rows` if the network is that large (query interfaces)
    the query gives 370 rows or more, and 300 are allowed: raise `max_rows` if the network is that large (query interfaces)
    ");
}

#[tokio::test]
async fn a_run_in_which_no_query_runs_fails() {
    let sim = sim().await;
    let text = {
        sim.faults(|faults| {
            let denial = || Denial::MissingPermission("NetworkOperation.USE_NQE".to_owned());
            faults.denied_queries = Dataset::ALL.into_iter().map(|dataset| (dataset, denial())).collect();
        });
        Reader::of(&sim).error().await
    };
    insta::assert_snapshot!(text, @"the Forward user lacks the permission `NetworkOperation.USE_NQE`: an administrator of Forward can grant it (request POST /api/nqe?networkId=101&snapshotId=1042, query sites)");
}

#[tokio::test]
async fn a_cancelled_run_stops_at_once() {
    let sim: ForwardSim = sim().await;
    sim.faults(|faults| faults.slow_body = Some(Duration::from_mins(10)));
    let reader = Reader::of(&sim);
    let source = reader.source(Events::new()).await.unwrap();
    let request = reader.request();
    let cancel = request.cancel.clone();
    let sink = SnapshotSink::create(Side::Source, reader.folder.path(), reader.models.clone(), Events::new()).unwrap();
    let load = source.load(&request, &sink);
    let stop = async {
        // The first body with rows is on its way, and will not end for ten minutes.
        while sim.rows_served() == 0 {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
    };
    let (result, ()) = tokio::join!(load, stop);
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Cancelled);
}

#[tokio::test]
async fn odd_values_concern_their_row_alone() {
    let mut estate = crate::support::small();
    let names: Vec<_> = estate.device_names().map(str::to_owned).collect();
    let small = |name: &&String| name.to_uppercase() != **name && estate.device(name).unwrap().is_queryable();
    let device = names.iter().find(small).unwrap();
    let twin = estate.device(device).unwrap();
    // The same name at the same site, but for case.
    estate.add_device_like(device, &twin.name.to_uppercase()).unwrap();
    let sim = ForwardSim::with_estate(estate).await.unwrap();
    let read = Reader::of(&sim).parameters(json!({})).read().await.unwrap();
    assert_eq!(read.model("device").rejected, 1);
    let message = read.model("device").rejections[0].message.replace(&twin.name.to_uppercase(), "TWIN");
    insta::assert_snapshot!(message, @"at the same site `TWIN` differs in nothing but case and blanks; rename one in Forward");
    assert_eq!(read.model("interface").rejected, twin.interfaces.len() as u64);
}

#[tokio::test]
async fn a_release_that_lost_its_executions_is_read_page_by_page() {
    let sim = sim().await;
    let gone = "No endpoint POST /api/networks/101/nqe-executions.";
    sim.faults(|faults| faults.canned.push_back(Canned::error("nqe-executions", 99, 404, gone)));
    let read = Reader::of(&sim).read().await.unwrap();
    read.assert_complete();
    let told = read.messages.iter().filter(|text| text.contains("queries are run page by page"));
    assert_eq!(told.count(), 1);
}

#[tokio::test]
async fn the_text_of_a_query_need_not_be_readable() {
    let sim = sim().await;
    let denied = "Missing permission: NQE_LIBRARY";
    sim.faults(|faults| faults.canned.push_back(Canned::error("source-code", 9, 403, denied)));
    let parameters = json!({"queries": {"vrfs": {"query_id": sim.query_id(Dataset::Vrfs)}}});
    Reader::of(&sim).only(&["vrf"]).parameters(parameters).read().await.unwrap().assert_complete();
}

/// A server that ends an execution without telling how many rows it has.
#[tokio::test]
async fn a_missing_number_of_rows_is_asked_for() {
    for (total, complete) in [(2, true), (3, false)] {
        let server = MockServer::start().await;
        let answer = async |verb: &str, route: &str, body: serde_json::Value| {
            let answer = ResponseTemplate::new(200).set_body_json(body);
            Mock::given(method(verb)).and(path(format!("/api/{route}"))).respond_with(answer).mount(&server).await;
        };
        answer("GET", "version", json!({"release": "26.6.1"})).await;
        answer("GET", "networks", json!([{"id": 101, "name": "Production"}])).await;
        answer("GET", "networks/101/snapshots", json!({"snapshots": [{"id": 7, "state": "PROCESSED"}]})).await;
        answer("GET", "snapshots/7/metrics", json!({"numSuccessfulDevices": 1})).await;
        answer("POST", "nqe", json!({"items": [{"name": "A", "rd": null}], "totalNumItems": 2})).await;
        let started = json!({"executionKey": "X_1", "status": "COMPLETED", "outcome": "OK"});
        answer("POST", "networks/101/nqe-executions", started).await;
        let lines = "{\"name\":\"A\",\"rd\":null}\n{\"name\":\"B\",\"rd\":\"65000:1\"}\n";
        Mock::given(path("/api/networks/101/nqe-executions/X_1/result"))
            .and(query_param("offset", "0"))
            .respond_with(ResponseTemplate::new(200).set_body_raw(lines, "application/x-ndjson"))
            .mount(&server)
            .await;
        Mock::given(path("/api/networks/101/nqe-executions/X_1/result"))
            .and(query_param("offset", "2"))
            .and(query_param("limit", "1"))
            .respond_with(ResponseTemplate::new(200).set_body_json(json!({"items": [], "totalNumItems": total})))
            .mount(&server)
            .await;
        Mock::given(path("/api/networks/101/nqe-executions/X_1/result"))
            .and(query_param("offset", "2"))
            .respond_with(ResponseTemplate::new(200).set_body_raw("", "application/x-ndjson"))
            .mount(&server)
            .await;
        let sim = sim().await;
        let read = Reader::of(&sim).only(&["vrf"]).with("url", server.uri()).read().await.unwrap();
        assert_eq!(read.count("vrf"), 2);
        assert_eq!(read.model("vrf").verdict.is_complete(), complete, "{:?}", read.model("vrf").verdict);
    }
}
