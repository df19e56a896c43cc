//! A small system that takes lists: objects with an id, a slug, a name, and a `mark` that is set in a second step.

use serde_json::json;
use syncline_model::models::Site;
use syncline_model::{AnyKey, Model as _};

use super::*;
use crate::bindings::Bindings;
use crate::change::{Action, Change, FieldChange};
use crate::target::{Batch, Pass};
use crate::{Error, ErrorKind};

struct Shelf {
    writing: Writing,
    unique: bool,
    own: Own,
    objects: Mutex<Vec<Value>>,
    /// What each send, and each second step, comes to, the next one first; then well.
    sends: Mutex<Vec<RefusedList>>,
    marks: Mutex<Vec<BatchError>>,
    /// The lists that were sent.
    sent: Mutex<Vec<String>>,
}

impl Shelf {
    fn with(writing: Writing, objects: Value) -> Self {
        let objects = objects.as_array().cloned().unwrap().into();
        let (sends, marks, sent) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { writing, unique: true, own: Own::default(), objects, sends, marks, sent }
    }

    /// Says this to the next second steps.
    fn saying(mut self, errors: Vec<BatchError>) -> Self {
        self.marks = errors.into_iter().rev().collect::<Vec<_>>().into();
        self
    }

    fn slug(item: &Item<'_>) -> Value {
        item.change.key.to_value()[0].clone()
    }
}

#[async_trait]
impl List for Shelf {
    fn writing(&self) -> Writing {
        self.writing
    }

    fn own(&self) -> &Own {
        &self.own
    }

    fn is_unique(&self) -> bool {
        self.unique
    }

    async fn rows(&self, _: &Items<'_>) -> Result<Vec<Value>> {
        Ok(self.objects.lock().unwrap().clone())
    }

    fn native(&self, row: &Value) -> Native {
        Native::of(row, "id", Some("version"))
    }

    fn has_key(&self, item: &Item<'_>, row: &Value) -> bool {
        row["slug"] == Self::slug(item)
    }

    fn has(&self, item: &Item<'_>, row: &Value) -> Has {
        match item.body.iter().all(|(name, value)| row[name] == *value) {
            true if row["mark"] == true => Has::All,
            true => Has::ButForSecondStep,
            false => Has::Less,
        }
    }

    fn hold(&self, _: &Item<'_>, row: &Value) -> Option<Outcome> {
        (row["name"] == "held").then(|| Outcome::Skipped { reason: "somebody holds it".to_owned() })
    }

    fn body(&self, item: &Item<'_>) -> Result<Map<String, Value>, (String, String)> {
        let mut body = item.body.clone();
        body.insert("slug".to_owned(), Self::slug(item));
        Ok(body)
    }

    fn adopts(&self, _: &Item<'_>, row: &Value) -> bool {
        row["name"] == "by itself"
    }

    async fn send(&self, writing: Writing, bodies: &[Value]) -> Result<Vec<Value>, RefusedList> {
        self.sent.lock().unwrap().push(bodies.iter().map(|body| body["slug"].as_str().unwrap()).collect());
        if let Some(refused) = self.sends.lock().unwrap().pop() {
            return Err(refused);
        }
        let mut objects = self.objects.lock().unwrap();
        let mut answers = Vec::new();
        for body in bodies {
            let mut object = body.clone();
            if writing == Writing::Create {
                object["id"] = json!((objects.len() + 1).to_string());
            }
            objects.retain(|one| one["id"] != object["id"]);
            if writing != Writing::Delete {
                objects.push(object.clone());
                answers.push(object);
            }
        }
        // In another order, as long as they can be told apart by their ids.
        if writing == Writing::Update {
            answers.reverse();
        }
        Ok(answers)
    }

    async fn second_step(&self, written: &[(&Item<'_>, &Value)], _: &[Value]) -> Result<(), BatchError> {
        if let Some(error) = self.marks.lock().unwrap().pop() {
            return Err(error);
        }
        for object in &mut *self.objects.lock().unwrap() {
            if written.iter().any(|(_, one)| one["id"] == object["id"]) {
                object["mark"] = json!(true);
            }
        }
        Ok(())
    }

    async fn request_id(&self, id: &str) -> Option<String> {
        Some(format!("the one of {id}"))
    }
}

/// The change of a site by its slug, which is written to the object of this id.
fn change(action: Action, slug: &str, native: Option<Native>) -> Change {
    let fields = vec![FieldChange::new("name", json!("before"), json!("after"))];
    Change::new("site", AnyKey::from_value(&json!([slug])).unwrap(), action, native, fields)
}

fn creates(slugs: &[&str]) -> Vec<Change> {
    slugs.iter().map(|slug| change(Action::Create, slug, None)).collect()
}

fn items(changes: &[Change]) -> Items<'_> {
    let batch = Batch { model: Site::SCHEMA, pass: Pass::First, changes: changes.iter().collect() };
    Items::of(&batch, &Bindings::new(), |field, body| {
        body.insert(field.name.clone(), field.after.clone());
        Ok(())
    })
}

fn told(written: &Written) -> String {
    let id = written.native.as_ref().map_or("-", |native| &native.id);
    let why = match &written.outcome {
        Outcome::Applied { request_id } => request_id.as_deref(),
        outcome => outcome.reason(),
    };
    format!("{id} {} {}", written.outcome.as_str(), why.unwrap_or("-"))
}

async fn written(shelf: &Shelf, changes: &[Change]) -> Vec<String> {
    write(shelf, items(changes)).await.unwrap().iter().map(told).collect()
}

fn refused(words: &str) -> BatchError {
    BatchError::Refused { field: Some("mark".to_owned()), error: Error::new(ErrorKind::Refused, words) }
}

#[tokio::test]
async fn what_is_created_is_answered_in_the_order_of_the_list() {
    let shelf = Shelf::with(Writing::Create, json!([]));
    assert_eq!(written(&shelf, &creates(&["a", "b"])).await, ["1 applied the one of 1", "2 applied the one of 1"]);
    assert!(shelf.objects.lock().unwrap().iter().all(|object| object["mark"] == true));
}

#[tokio::test]
async fn what_would_be_there_twice_is_looked_for() {
    let mut shelf = Shelf::with(Writing::Create, json!([{"id": "7", "slug": "a"}]));
    shelf.unique = false;
    assert_eq!(
        written(&shelf, &creates(&["a", "b"])).await,
        [
            "- stale it is there, and was not when the plan was made, or could not be taken over (id 7)",
            "2 applied the one of 2"
        ]
    );
}

/// A create that the system made by itself is written as an update, before the others; refused, it can be taken again.
#[tokio::test]
async fn what_the_system_made_by_itself_is_adopted() {
    let mut shelf = Shelf::with(Writing::Create, json!([{"id": "1", "slug": "b", "name": "by itself"}]));
    shelf.unique = false;
    assert_eq!(written(&shelf, &creates(&["a", "b"])).await, ["2 applied the one of 2", "1 applied the one of 1"]);
    assert_eq!(*shelf.sent.lock().unwrap(), ["b", "a"]);
    assert!(shelf.objects.lock().unwrap().iter().all(|object| object["name"] == "after"));
}

#[tokio::test]
async fn updates_are_told_by_their_ids_and_what_moved_or_is_held_stays() {
    let objects = json!([
        {"id": "1", "version": "x", "slug": "a"}, {"id": "2", "version": "y", "slug": "b"},
        {"id": "3", "version": "x", "slug": "c", "name": "held"}, {"id": "4", "version": "x", "slug": "d"},
    ]);
    let shelf = Shelf::with(Writing::Update, objects);
    let update = |(id, slug): (u32, &str)| change(Action::Update, slug, Some(Native::new(id).at_version("x")));
    let changes: Vec<_> = [(1, "a"), (2, "b"), (3, "c"), (4, "d")].map(update).into();
    assert_eq!(
        written(&shelf, &changes).await,
        [
            "1 applied the one of 4",
            "- stale it was changed after it was read: at y, while the plan knows it as of x",
            "- skipped somebody holds it",
            "4 applied the one of 4",
        ]
    );
}

#[tokio::test]
async fn what_is_refused_of_a_list_fails_and_the_rest_is_sent_again() {
    let shelf = Shelf::with(Writing::Create, json!([]));
    let words = Refused { field: Some("name".to_owned()), words: "is taken".to_owned() };
    let each = Some(vec![None, Some(words)]);
    *shelf.sends.lock().unwrap() = vec![RefusedList { error: refused("the list"), each }];
    assert_eq!(written(&shelf, &creates(&["a", "b"])).await, ["1 applied the one of 1", "- failed is taken"]);
    assert_eq!(*shelf.sent.lock().unwrap(), ["ab", "a"]);
}

#[tokio::test]
async fn a_delete_that_is_refused_alone_stays_and_others_carry_their_request() {
    let delete = |id: u32| [change(Action::Delete, "a", Some(Native::new(id)))];
    let shelf = Shelf::with(Writing::Delete, json!([{"id": "1", "slug": "a"}]));
    *shelf.sends.lock().unwrap() = vec![RefusedList { error: refused("it is protected"), each: None }];
    assert_eq!(written(&shelf, &delete(1)).await, ["- skipped it stays: it is protected"]);
    assert_eq!(written(&shelf, &delete(1)).await, ["- applied the one of 1"]);
    assert_eq!(written(&shelf, &delete(1)).await, ["- unchanged -"]);
}

/// Were the whole batch refused, the engine would send its creates again.
#[tokio::test]
async fn a_second_step_that_is_refused_for_one_fails_that_one_alone() {
    let shelf = Shelf::with(Writing::Create, json!([])).saying(vec![refused("one of them"), refused("no such mark")]);
    assert_eq!(
        written(&shelf, &creates(&["a", "b"])).await,
        ["1 failed it was written, but not what belongs to it: no such mark", "2 applied the one of 1"]
    );
    assert_eq!(*shelf.sent.lock().unwrap(), ["ab"]);
}

/// As the engine does: it looks twice, and sends again what is not there.
#[tokio::test]
async fn a_second_step_that_is_lost_is_made_up_for() {
    for error in [BatchError::Again, BatchError::InDoubt, BatchError::Fatal] {
        let lost = error(Error::new(ErrorKind::Remote, "the connection was reset"));
        let shelf = Shelf::with(Writing::Create, json!([])).saying(vec![lost]);
        let changes = creates(&["a", "b"]);
        let ended = write(&shelf, items(&changes)).await.unwrap_err();
        assert!(matches!(ended, BatchError::InDoubt(_)), "{ended:?}");
        assert_eq!(settle(&shelf, items(&changes)).await.unwrap(), [None, None]);
        assert_eq!(written(&shelf, &changes).await, ["1 applied the one of 2", "2 applied the one of 2"]);
        let objects = shelf.objects.lock().unwrap();
        assert!(objects.len() == 2 && objects.iter().all(|object| object["mark"] == true), "{objects:?}");
    }
}

#[tokio::test]
async fn an_update_that_lost_its_second_step_is_not_taken_for_moved() {
    let lost = BatchError::InDoubt(Error::new(ErrorKind::Remote, "the connection was reset"));
    let shelf = Shelf::with(Writing::Update, json!([{"id": "1", "version": "x", "slug": "a"}])).saying(vec![lost]);
    let changes = [change(Action::Update, "a", Some(Native::new(1).at_version("x")))];
    write(&shelf, items(&changes)).await.unwrap_err();
    shelf.objects.lock().unwrap()[0]["version"] = json!("y");
    assert_eq!(settle(&shelf, items(&changes)).await.unwrap(), [None]);
    assert_eq!(written(&shelf, &changes).await, ["1 applied the one of 1"]);
}

#[tokio::test]
async fn the_look_tells_what_was_not_written() {
    let objects = json!([{"id": "1", "slug": "a", "name": "after", "mark": true}]);
    let shelf = Shelf::with(Writing::Create, objects.clone());
    let settled = settle(&shelf, items(&creates(&["a", "b"]))).await.unwrap();
    assert_eq!(settled.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false]);
    let shelf = Shelf::with(Writing::Delete, objects.clone());
    let deletes = [1, 2].map(|id| change(Action::Delete, "a", Some(Native::new(id))));
    let settled = settle(&shelf, items(&deletes)).await.unwrap();
    assert_eq!(settled.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true]);
    // What could not be sent in the first place is settled as it was then.
    let shelf = Shelf::with(Writing::Update, objects);
    let settled = settle(&shelf, items(&[change(Action::Update, "a", None)])).await.unwrap();
    assert_eq!(settled.iter().flatten().map(told).collect::<Vec<_>>(), ["- failed the target does not have it"]);
}

#[test]
fn an_object_that_only_the_writer_moved_is_as_the_plan_knows_it() {
    let at = |version: &str| Native::new(1).at_version(version);
    let own = Own::default();
    own.before(at("1"));
    own.after(at("2"));
    // Written to for two records, one after the other.
    own.before(at("2"));
    own.after(at("3"));
    let moved = |known: &str| {
        let changes = [change(Action::Update, "a", Some(at(known)))];
        let mut items = items(&changes);
        own.follow(&mut items);
        items.iter().next().and_then(|item| item.native.clone())
    };
    assert_eq!([moved("1"), moved("0")], [Some(at("3")), Some(at("0"))]);
    // Somebody else wrote to it.
    own.before(at("4"));
    own.after(at("5"));
    assert_eq!(moved("1"), Some(at("1")));
}
