//! The databases of Zabbix servers.
//!
//! A server has two: one as shipped, with a token for the API in it, and a copy of that one to work with.

use xshell::{Shell, cmd};

use super::super::postgres::Server;
use super::super::quietly;
use super::packages::Unpacked;

/// The database of one Zabbix server.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) name: String,
    /// A token of the user `Admin`, who may do everything. It is as good after a reset.
    pub(super) token: String,
    /// What puts it back to the shipped state, and the token: a command line for a shell.
    pub(super) reset: String,
}

/// Writes a token as Zabbix keeps it, and says what it is.
const TOKEN: &str = "
    with secret as (
        select encode(sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')), 'hex') as token
    ), kept as (
        insert into token (tokenid, name, userid, token, created_at, creator_userid)
        select 1, 'integration', userid, encode(sha512(convert_to(secret.token, 'UTF8')), 'hex'),
               extract(epoch from now())::int, userid
        from secret, users where username = 'Admin'
    )
    select token from secret";

impl Database {
    /// Makes the databases of a release.
    pub(super) fn create(shell: &Shell, server: &Server, version: &str, unpacked: &Unpacked) -> anyhow::Result<Self> {
        let name = format!("zabbix{}", version.replace('.', ""));
        let shipped = format!("{name}_shipped");
        server.create(shell, &shipped)?;
        let (schema, dump) = (unpacked.schema(), unpacked.dump());
        let is_dumped = dump.exists();
        server.load(shell, &shipped, if is_dumped { &dump } else { &schema })?;
        if !is_dumped {
            server.dump(shell, &shipped, &dump)?;
        }
        let token = server.ask(shell, &shipped, TOKEN)?;
        server.ask(shell, &shipped, "vacuum analyze")?;
        let reset = server.copying(&shipped, &name);
        let database = Self { name, token, reset };
        database.reset(shell)?;
        Ok(database)
    }

    /// Puts it back to the shipped state.
    pub(super) fn reset(&self, shell: &Shell) -> anyhow::Result<()> {
        let reset = &self.reset;
        quietly(cmd!(shell, "sh -c {reset}")).map(|_| ())
    }
}
