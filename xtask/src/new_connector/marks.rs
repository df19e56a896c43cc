//! What is to be replaced in a new connector, by the anchors of the examples that it is made of.

/// The anchors of a file, and what is said in their places.
pub(super) type Marks = &'static [(&'static str, &'static str)];

/// The word by which the places are found.
pub(super) const WORD: &str = "REPLACE";

pub(super) const SOURCE: Marks = &[
    ("page", "what your system answers to a request for a list. How does it tell that a list is whole?"),
    (
        "connector",
        "the label and the sentence that people see. Is a token what your system asks for? If not, write a connection of your own.",
    ),
    ("connect", "what of your system becomes what of the models, for people."),
    ("knows", "the models that your system knows, and of each the fields that it tells."),
    ("check", "a request that needs the right to read, and what your system says of itself: name, version."),
    (
        "load",
        "the lists of your system, one model after the other. Say `complete` only where you know that nothing is missing.",
    ),
    ("shown", "what people should see of the connection. Never a secret."),
];

pub(super) const SOURCE_LAB: Marks = &[
    ("lab", "some records for the simulated system to begin with."),
    ("settings", "the settings that lead to the system, with short waits between attempts."),
    ("powers", "how a page of your system gets lost, and how it is filled with many records."),
];

pub(super) const SIDES: Marks = &[
    (
        "capabilities",
        "what your system can do: how many records a request may write, how many requests at once, whether it checks versions.",
    ),
    (
        "connector",
        "the label and the sentence that people see. Is a token what your system asks for? If not, write a connection of your own.",
    ),
    ("mappings", "what of your system becomes what of the models, for people."),
    (
        "side",
        "the models and fields that your system has, and what people should see of the connection. Never a secret.",
    ),
];

pub(super) const READ: Marks = &[
    ("page", "what your system answers to a request for a list. How does it tell that a list is whole?"),
    ("list_of", "where your system keeps the records of a model."),
    ("test", "a request that needs the right to read, and what your system says of itself: name, version."),
    ("read", "how a record of your system becomes one of a model: names of fields, references by keys."),
];

pub(super) const WRITE: Marks = &[
    ("write", "one request for the whole batch, where your system takes lists; answer for each change."),
    ("settle", "how one finds out whether a write was carried out whose answer was lost."),
    (
        "native",
        "the id of an object, and what changes whenever it does, such as a version or a time. Without one, leave the version out.",
    ),
    ("wanted", "how a record of a model becomes one of your system: names of fields, references by ids."),
    ("write_one", "the requests that create, change and delete, and how a version is asked for."),
    ("refused", "what the answers of your system mean: for one record, or for all of them."),
];

pub(super) const LAB: Marks = &[
    ("lab", "what an empty system is to have before anything is written to it, if anything."),
    ("settings", "the settings that lead to the system, with short waits between attempts."),
    ("meddle", "how somebody else changes a record; for a real system, by a request."),
    ("powers", "how a page of your system gets lost."),
    ("refused", "a record that your system refuses, beside those that it takes."),
    ("grow", "how your system is filled with many records."),
];

pub(super) const SIMULATOR: Marks = &[(
    "answers",
    "what your system answers: to a request for a list, and to somebody whom it does not know. Take real answers.",
)];

pub(super) const SIMULATOR_WRITES: Marks = &[
    ("refusals", "what your system refuses, in its own words."),
    ("answers", "what your system answers to requests that write."),
];

pub(super) const SIMULATOR_ALONE: Marks =
    &[("records", "some records of your system, to look at what becomes of them.")];
