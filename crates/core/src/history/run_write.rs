//! The life of a run.

use futures::FutureExt;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};

use super::entity::run;
use super::process::Process;
use super::{History, NewRun, PlanRef, RunId, RunResult, RunStatus, error, text};
use crate::{Error, ErrorKind, Result};

impl History {
    /// Makes a run, with the status `new`.
    pub async fn begin_run(&self, new: &NewRun) -> Result<RunId> {
        let process = Process::current();
        let row = self
            .store
            .write(move |tx, _| {
                async move {
                    let row = run::ActiveModel {
                        sync_id: Set(new.sync.0),
                        kind: Set(new.kind.as_str().to_owned()),
                        dry: Set(new.dry),
                        status: Set(RunStatus::New.as_str().to_owned()),
                        definition_hash: Set(new.definition_hash.clone()),
                        source_connector: Set(new.source.connector.clone()),
                        source_connection: Set(new.source.connection.clone()),
                        source_instance: Set(new.source.instance.clone()),
                        target_connector: Set(new.target.connector.clone()),
                        target_connection: Set(new.target.connection.clone()),
                        target_instance: Set(new.target.instance.clone()),
                        created_at: Set(text::now()),
                        notes: Set("{}".to_owned()),
                        triggered_by: Set(new.triggered_by.clone()),
                        request: Set(new.request.clone()),
                        host: Set(process.host.clone()),
                        process: Set(process.identity.clone()),
                        ..Default::default()
                    };
                    row.insert(tx).await.map_err(error::of_statement)
                }
                .boxed()
            })
            .await?;
        Ok(RunId(row.id))
    }

    /// Moves a run that is not over to another status. The first step to `syncing` is its start.
    pub async fn set_status(&self, run: RunId, status: RunStatus) -> Result<()> {
        if status.is_final() {
            let message = format!("run {run} cannot become `{status}` without a result");
            return Err(Error::new(ErrorKind::Internal, message));
        }
        self.store
            .write(move |tx, _| {
                async move {
                    let mut update = open_run(run).col_expr(run::Column::Status, status.as_str().into());
                    if status == RunStatus::Syncing {
                        let process = Process::current();
                        let start = Expr::col(run::Column::StartedAt).if_null(text::now());
                        update = update
                            .col_expr(run::Column::StartedAt, start)
                            .col_expr(run::Column::Host, process.host.as_str().into())
                            .col_expr(run::Column::Process, process.identity.as_str().into());
                    }
                    one_row(tx, run, update).await
                }
                .boxed()
            })
            .await
    }

    /// Notes the saved plan of a run.
    pub async fn set_plan(&self, run: RunId, plan: &PlanRef) -> Result<()> {
        self.store
            .write(move |tx, _| {
                async move {
                    let update = open_run(run)
                        .col_expr(run::Column::PlanHash, plan.hash.as_str().into())
                        .col_expr(run::Column::PlanPath, plan.path.as_str().into());
                    one_row(tx, run, update).await
                }
                .boxed()
            })
            .await
    }

    /// Replaces the notes of a run: a JSON object of what connectors want to be remembered, for example the id of the
    /// Forward snapshot.
    pub async fn set_notes(&self, run: RunId, notes: &serde_json::Map<String, serde_json::Value>) -> Result<()> {
        let json = &text::to_json(notes)?;
        self.store
            .write(move |tx, _| {
                async move { one_row(tx, run, open_run(run).col_expr(run::Column::Notes, json.as_str().into())).await }
                    .boxed()
            })
            .await
    }

    /// Ends a run. A run ends once.
    pub async fn finish_run(&self, run: RunId, result: &RunResult) -> Result<()> {
        if !result.status.is_final() {
            let message = format!("run {run} cannot end as `{}`", result.status);
            return Err(Error::new(ErrorKind::Internal, message));
        }
        self.store
            .write(move |tx, _| async move { one_row(tx, run, finish(open_run(run), result)).await }.boxed())
            .await
    }

    /// Ends the runs that a process of this machine left unfinished when it was killed: they fail. Gives their numbers.
    ///
    /// A run whose process may still live is left alone, as is everything where the system does not tell.
    pub async fn close_interrupted(&self) -> Result<Vec<RunId>> {
        let at_work = [RunStatus::New.as_str(), RunStatus::Syncing.as_str()];
        let process = Process::current();
        let rows = run::Entity::find()
            .filter(run::Column::Status.is_in(at_work))
            .filter(run::Column::Host.eq(&process.host))
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        let result = RunResult {
            status: RunStatus::Failed,
            error: Some(super::RunError {
                kind: "interrupted".to_owned(),
                message: "the process that worked on the run ended without finishing it".to_owned(),
            }),
        };
        let mut closed = Vec::new();
        for row in rows.iter().filter(|row| Process::has_ended(&row.process) == Some(true)) {
            // Only as long as it is still that process's run: another one may have closed or resumed it meanwhile.
            let update = open_run(RunId(row.id)).filter(run::Column::Process.eq(&row.process));
            let update = &finish(update, &result);
            let closing = self
                .store
                .write(move |tx, _| async move { update.clone().exec(tx).await.map_err(error::of_statement) }.boxed())
                .await?;
            if closing.rows_affected == 1 {
                closed.push(RunId(row.id));
            }
        }
        Ok(closed)
    }
}

type Update = sea_orm::UpdateMany<run::Entity>;

/// An update of a run that is not over.
fn open_run(run: RunId) -> Update {
    run::Entity::update_many().filter(run::Column::Id.eq(run.0)).filter(run::Column::FinishedAt.is_null())
}

fn finish(update: Update, result: &RunResult) -> Update {
    let error = result.error.as_ref();
    update
        .col_expr(run::Column::Status, result.status.as_str().into())
        .col_expr(run::Column::FinishedAt, text::now().into())
        .col_expr(run::Column::ErrorKind, Expr::value(error.map(|error| error.kind.as_str())))
        .col_expr(run::Column::ErrorMessage, Expr::value(error.map(|error| error.message.as_str())))
}

async fn one_row(tx: &DatabaseTransaction, run: RunId, update: Update) -> Result<()> {
    let done = update.exec(tx).await.map_err(error::of_statement)?;
    if done.rows_affected == 1 { Ok(()) } else { Err(not_open(tx, run).await) }
}

/// Why a run cannot be written.
pub(super) async fn not_open(tx: &DatabaseTransaction, run: RunId) -> Error {
    match run::Entity::find_by_id(run.0).one(tx).await {
        Ok(Some(row)) => {
            Error::new(ErrorKind::Internal, format!("run {run} is over (`{}`) and takes no more records", row.status))
        }
        Ok(None) => Error::new(ErrorKind::NotFound, format!("there is no run {run}")),
        Err(error) => error::of_statement(error),
    }
}
