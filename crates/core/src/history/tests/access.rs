//! Accounts, sessions and tokens, and what the audit log tells of them.

use std::collections::{BTreeSet, HashSet};

use chrono::{TimeDelta, Utc};
use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Expr, ExprTrait as _, Query};

use super::everywhere;
use crate::ErrorKind;
use crate::history::{
    AccountId, AccountName, Actor, AuditAction, AuditFilter, History, How, KnownElsewhere, NewAccount, NewSession,
    NewToken, PasswordHash, Retention, Role, Secret, TokenState,
};

const IDLE: TimeDelta = TimeDelta::hours(1);

fn name(text: &str) -> AccountName {
    text.parse().unwrap()
}

fn actor(who: &str) -> Actor {
    Actor {
        who: who.to_owned(),
        how: How::Cli,
        address: Some("192.0.2.7".to_owned()),
        request_id: Some("CHG0042".parse().unwrap()),
    }
}

fn hash(text: &str) -> PasswordHash {
    text.to_owned().into()
}

async fn make(history: &History, account: &str, role: Role) -> AccountId {
    let new = NewAccount { name: name(account), role, password: Some(hash("$hash$hunter2")) };
    history.create_account(&new, &actor("root")).await.unwrap().id
}

async fn log_in(history: &History, account: AccountId, lasts: TimeDelta) -> Secret {
    let secret = Secret::random("").unwrap();
    let new = NewSession { account, id: secret.hash(), csrf: Secret::random("").unwrap(), expires: Utc::now() + lasts };
    history.begin_session(&new, &actor("kim")).await.unwrap();
    secret
}

/// What was done, oldest first.
async fn done(history: &History) -> Vec<String> {
    let rows = history.audit_log(&AuditFilter::default(), None, 100).await.unwrap().items;
    let told = rows.iter().rev().map(|row| {
        let object = row.object.as_deref().unwrap_or("-");
        format!("{} {} {object} {}", row.who, row.action, row.detail.as_deref().unwrap_or("-"))
    });
    told.collect()
}

#[tokio::test]
async fn accounts_are_made_changed_and_told() {
    everywhere(async |place| {
        let history = place.open().await;
        assert!(!history.has_admin().await.unwrap());
        make(&history, "Kim", Role::Admin).await;
        make(&history, "lee", Role::Viewer).await;
        assert!(history.has_admin().await.unwrap());
        let taken = NewAccount { name: name("KIM"), role: Role::Viewer, password: None };
        let error = history.create_account(&taken, &actor("root")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);

        let credential = history.credential(&name("kim")).await.unwrap().unwrap();
        assert_eq!((credential.account.name.as_str(), credential.account.has_password), ("Kim", true));
        assert_eq!(credential.password, Some(hash("$hash$hunter2")));
        assert!(!format!("{credential:?}").contains("hunter2"));
        assert!(history.credential(&name("nobody")).await.unwrap().is_none());

        // Somebody must be left who can make admins.
        for refused in [
            history.set_account_role(&name("kim"), Role::Operator, &actor("root")).await,
            history.set_account_disabled(&name("kim"), true, &actor("root")).await,
        ] {
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::Refused);
        }
        history.set_account_role(&name("LEE"), Role::Admin, &actor("kim")).await.unwrap();
        let disabled = history.set_account_disabled(&name("kim"), true, &actor("lee")).await.unwrap();
        assert!(disabled.disabled);
        history.set_account_disabled(&name("kim"), false, &actor("lee")).await.unwrap();
        history.set_password(&name("kim"), &hash("$hash$other"), &actor("lee")).await.unwrap();
        let error = history.set_password(&name("nobody"), &hash("x"), &actor("lee")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        let names: Vec<_> = history.accounts().await.unwrap().into_iter().map(|account| account.name).collect();
        assert_eq!(names, [name("kim"), name("lee")]);
        assert_eq!(
            done(&history).await,
            [
                "root account.create Kim role admin",
                "root account.create lee role viewer",
                "kim account.role lee viewer to admin",
                "lee account.disable Kim -",
                "lee account.enable Kim -",
                "lee account.password Kim -",
            ]
        );
        history.close().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn who_is_known_elsewhere_is_known_by_no_name() {
    everywhere(async |place| {
        let history = place.open().await;
        make(&history, "kim", Role::Admin).await;
        let known = KnownElsewhere {
            issuer: "https://id.example".to_owned(),
            subject: "0a1b".to_owned(),
            name: name("lee"),
            role: Role::Operator,
        };
        let lee = history.account_of(&known, &actor("oidc")).await.unwrap();
        assert_eq!((lee.role, lee.has_password), (Role::Operator, false));
        assert_eq!(lee.issuer.as_deref(), Some("https://id.example"));
        // Another name there is the same one here, and another role counts.
        let promoted = KnownElsewhere { name: name("lee.m"), role: Role::Admin, ..known.clone() };
        let again = history.account_of(&promoted, &actor("oidc")).await.unwrap();
        assert_eq!((again.id, again.name.as_str(), again.role), (lee.id, "lee", Role::Admin));
        // Who is somebody else does not become somebody by a name.
        for taken in ["kim", "LEE"] {
            let other = KnownElsewhere { subject: "2c3d".to_owned(), name: name(taken), ..known.clone() };
            let error = history.account_of(&other, &actor("oidc")).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Refused);
        }
        let elsewhere = KnownElsewhere { issuer: "https://other.example".to_owned(), ..known.clone() };
        assert_eq!(history.account_of(&elsewhere, &actor("oidc")).await.unwrap_err().kind(), ErrorKind::Refused);
        // What the provider says is not changed here; keeping somebody out is.
        for refused in [
            history.set_password(&name("lee"), &hash("$hash$own"), &actor("kim")).await,
            history.set_account_role(&name("lee"), Role::Viewer, &actor("kim")).await,
        ] {
            let error = refused.unwrap_err();
            assert!(error.kind() == ErrorKind::Refused && error.to_string().contains("https://id.example"), "{error}");
        }
        history.set_account_disabled(&name("lee"), true, &actor("kim")).await.unwrap();
        assert!(history.account_of(&known, &actor("oidc")).await.unwrap().disabled);
        assert_eq!(
            done(&history).await[1..],
            [
                "oidc account.create lee role operator, as https://id.example says",
                "oidc account.role lee operator to admin, as https://id.example says",
                "kim account.disable lee -",
                "oidc account.role lee admin to operator, as https://id.example says",
            ]
        );
        history.close().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn the_audit_log_is_kept_for_its_days() {
    everywhere(async |place| {
        let history = place.open().await;
        for who in ["first", "second", "third"] {
            history.audit(&actor(who), AuditAction::Logout, None, None).await.unwrap();
        }
        let aged = Query::update()
            .table("audit")
            .value("at", (Utc::now() - TimeDelta::days(30)).timestamp_micros())
            .and_where(Expr::col("who").ne("third"))
            .to_owned();
        history.store.db().execute(&aged).await.unwrap();
        let kept = async |days| {
            let limits = Retention { runs: None, days: Some(1), megabytes: None, audit_days: days, reads: None };
            history.prune(&limits, &HashSet::new()).await.unwrap();
            let rows = history.audit_log(&AuditFilter::default(), None, 100).await.unwrap().items;
            rows.into_iter().map(|row| row.who).collect::<Vec<_>>()
        };
        // The age of runs says nothing about it.
        assert_eq!(kept(None).await.len(), 3);
        assert_eq!(kept(Some(31)).await.len(), 3);
        assert_eq!(kept(Some(29)).await, ["third"]);
        history.close().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_session_ends_in_every_way() {
    everywhere(async |place| {
        let history = place.open().await;
        let kim = make(&history, "kim", Role::Operator).await;
        make(&history, "root", Role::Admin).await;
        let open = async |secret: &Secret, idle| history.session(secret.hash(), idle).await.unwrap();

        let secret = log_in(&history, kim, TimeDelta::hours(8)).await;
        let session = open(&secret, IDLE).await.unwrap();
        assert_eq!((session.account.name, session.account.role), (name("kim"), Role::Operator));
        assert!(!format!("{:?}", session.csrf).contains(session.csrf.expose()));
        assert!(open(&Secret::random("").unwrap(), IDLE).await.is_none());
        // The role is the one that the account has now.
        history.set_account_role(&name("kim"), Role::Approver, &actor("root")).await.unwrap();
        assert_eq!(open(&secret, IDLE).await.unwrap().account.role, Role::Approver);

        assert!(open(&secret, TimeDelta::zero()).await.is_none(), "it was not used for so long");
        history.end_session(secret.hash(), &actor("kim")).await.unwrap();
        assert!(open(&secret, IDLE).await.is_none());
        history.end_session(secret.hash(), &actor("kim")).await.unwrap();

        let secret = log_in(&history, kim, TimeDelta::zero()).await;
        assert!(open(&secret, IDLE).await.is_none(), "its time is over");

        let secret = log_in(&history, kim, IDLE).await;
        history.set_password(&name("kim"), &hash("other"), &actor("root")).await.unwrap();
        assert!(open(&secret, IDLE).await.is_none());

        let secret = log_in(&history, kim, IDLE).await;
        history.set_account_disabled(&name("kim"), true, &actor("root")).await.unwrap();
        assert!(open(&secret, IDLE).await.is_none());
        let late = NewSession {
            account: kim,
            id: secret.hash(),
            csrf: Secret::random("").unwrap(),
            expires: Utc::now() + IDLE,
        };
        assert_eq!(history.begin_session(&late, &actor("kim")).await.unwrap_err().kind(), ErrorKind::Refused);

        history.set_account_disabled(&name("kim"), false, &actor("root")).await.unwrap();
        log_in(&history, kim, TimeDelta::zero()).await;
        let good = log_in(&history, kim, IDLE).await;
        assert_eq!(history.expire_sessions(IDLE).await.unwrap(), 1);
        assert!(open(&good, IDLE).await.is_some());
        assert_eq!(history.expire_sessions(TimeDelta::zero()).await.unwrap(), 1);
        let filter = AuditFilter { action: vec![AuditAction::Logout], ..AuditFilter::default() };
        assert_eq!(history.audit_log(&filter, None, 10).await.unwrap().items.len(), 1);
        history.close().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn somebody_is_seen_again_after_a_while() {
    everywhere(async |place| {
        let history = place.open().await;
        let kim = make(&history, "kim", Role::Operator).await;
        let secret = log_in(&history, kim, IDLE).await;
        let before = Utc::now() - TimeDelta::minutes(30);
        for table in ["session", "account"] {
            let update = Query::update().table(table).value("last_seen", before.timestamp_micros()).to_owned();
            history.store.db().execute(&update).await.unwrap();
        }
        history.session(secret.hash(), IDLE).await.unwrap().unwrap();
        let [account] = &history.accounts().await.unwrap()[..] else { panic!("there is one") };
        assert!(account.last_seen.unwrap() > before + TimeDelta::minutes(20));
        // The session was used just now.
        assert!(history.session(secret.hash(), TimeDelta::minutes(10)).await.unwrap().is_some());
        history.close().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn tokens_are_found_by_their_secret_and_revoked() {
    everywhere(async |place| {
        let history = place.open().await;
        let secret = Secret::random("syn_").unwrap();
        let new = NewToken {
            name: name("CI"),
            role: Role::Operator,
            syncs: Some(BTreeSet::from(["lab".to_owned()])),
            expires: None,
        };
        let made = history.create_token(&new, &secret, &actor("kim")).await.unwrap();
        assert_eq!((made.prefix.as_str(), made.created_by.as_str()), (&secret.expose()[..10], "kim"));
        assert!(!format!("{made:?}").contains(secret.expose()));
        let error = history.create_token(&new, &Secret::random("").unwrap(), &actor("kim")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);

        assert!(history.token(Secret::from("syn_other").hash()).await.unwrap().is_none());
        let found = history.token(secret.hash()).await.unwrap().unwrap();
        assert_eq!((found.state(Utc::now()), &found.syncs), (TokenState::Good, &new.syncs));
        assert!(history.tokens().await.unwrap()[0].last_used.is_some());

        history.revoke_token(&name("ci"), &actor("kim")).await.unwrap();
        let error = history.revoke_token(&name("ci"), &actor("kim")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        let found = history.token(secret.hash()).await.unwrap().unwrap();
        assert_eq!(found.state(Utc::now()), TokenState::Revoked);

        // The name is free again.
        let (over, short) = (Utc::now() - TimeDelta::seconds(1), Secret::random("syn_").unwrap());
        let new = NewToken { expires: Some(over), syncs: None, ..new };
        history.create_token(&new, &short, &actor("kim")).await.unwrap();
        let found = history.token(short.hash()).await.unwrap().unwrap();
        assert_eq!((found.state(Utc::now()), found.last_used), (TokenState::Expired, None));
        assert_eq!(history.tokens().await.unwrap().len(), 2);
        let told = done(&history).await;
        assert_eq!(
            told[..2],
            ["kim token.create CI role operator, the syncs lab, without end", "kim token.revoke CI -"]
        );
        assert!(!told.concat().contains(secret.expose()));
        history.close().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn the_audit_log_comes_in_pages() {
    everywhere(async |place| {
        let history = place.open().await;
        for number in 0..25 {
            let (who, action) =
                if number % 2 == 0 { ("kim", AuditAction::RunApprove) } else { ("lee", AuditAction::RunTrigger) };
            let object = format!("run {number}\0");
            history.audit(&actor(who), action, Some(&object), None).await.unwrap();
        }
        let (mut seen, mut before) = (Vec::new(), None);
        let kims = AuditFilter { who: Some("kim".to_owned()), ..AuditFilter::default() };
        loop {
            let page = history.audit_log(&kims, before, 5).await.unwrap();
            seen.extend(page.items);
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), 13);
        assert!(seen.iter().all(|row| row.action == AuditAction::RunApprove && row.how == How::Cli));
        assert_eq!((seen[0].object.as_deref(), seen[12].object.as_deref()), (Some("run 24"), Some("run 0")));
        assert_eq!((seen[0].address.as_deref(), seen[0].request_id.as_deref()), (Some("192.0.2.7"), Some("CHG0042")));
        let count = async |filter: AuditFilter| history.audit_log(&filter, None, 100).await.unwrap().items.len();
        let of = |action| AuditFilter { action: vec![action], ..AuditFilter::default() };
        assert_eq!(count(of(AuditAction::RunTrigger)).await, 12);
        assert_eq!(count(of(AuditAction::Login)).await, 0);
        assert_eq!(count(AuditFilter { object: Some("run 7".to_owned()), ..AuditFilter::default() }).await, 1);
        let old = Utc::now() + TimeDelta::hours(1);
        assert_eq!(count(AuditFilter { since: Some(old), ..AuditFilter::default() }).await, 0);
        // What somebody else wrote does not fill the table.
        let long = "x".repeat(10_000);
        history.audit(&actor("kim"), AuditAction::Change, Some(&long), Some(&long)).await.unwrap();
        let row = &history.audit_log(&of(AuditAction::Change), None, 1).await.unwrap().items[0];
        assert_eq!(row.detail.as_ref().map(String::len), Some(500));
        // A filter that is no wrong one.
        let update = Query::update().table("audit").value("action", "dance").and_where(Expr::cust("1 = 1")).to_owned();
        history.store.db().execute(&update).await.unwrap();
        assert_eq!(history.audit_log(&kims, None, 1).await.unwrap_err().kind(), ErrorKind::Storage);
        history.close().await.unwrap();
    })
    .await;
}
