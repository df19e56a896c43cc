//! Transactions over tables of objects: what a piece of work wrote is taken back where it fails.

use std::sync::Arc;

/// What was at a place of a table before it was written.
pub(crate) struct Step<Kind, Id, Object> {
    pub kind: Kind,
    pub id: Id,
    pub before: Option<Arc<Object>>,
}

/// A database that remembers what it was before the transaction at hand.
pub(crate) trait Database {
    /// One write.
    type Step;
    /// One entry of the change log.
    type Change;

    /// The writes since the last commit.
    fn steps(&mut self) -> &mut Vec<Self::Step>;

    /// The change log.
    fn change_log(&mut self) -> &mut Vec<Self::Change>;

    /// Puts back what was there before a write.
    fn put_back(&mut self, step: Self::Step);

    /// Does a piece of work wholly or, where it fails, not at all.
    fn transact<T, E>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        self.attempt(work, Result::is_ok)
    }

    /// Does a piece of work and takes it back unless its outcome `holds`. Ids and times are used up all the same, as in
    /// PostgreSQL.
    fn attempt<T>(&mut self, work: impl FnOnce(&mut Self) -> T, holds: impl FnOnce(&T) -> bool) -> T {
        let (steps, changes) = (self.steps().len(), self.change_log().len());
        let done = work(self);
        if !holds(&done) {
            for step in self.steps().split_off(steps).into_iter().rev() {
                self.put_back(step);
            }
            self.change_log().truncate(changes);
        }
        self.commit();
        done
    }

    /// Makes everything since the last commit final.
    fn commit(&mut self) {
        self.steps().clear();
    }
}
