//! The names that are registered.

use std::collections::BTreeMap;

use rusqlite::params;

use super::Database;
use crate::store::schema::Fault;
use crate::wire::KeptName;

impl Database {
    /// Writes what is to be kept of names.
    pub(super) fn write_names(
        &self,
        names: &BTreeMap<Box<str>, Option<KeptName>>,
    ) -> Result<(), Fault> {
        for (name, kept) in names {
            match kept {
                Some(KeptName { name, hash, registered, last_seen }) => {
                    let insert = "INSERT OR REPLACE INTO names VALUES (?, ?, ?, ?)";
                    let mut insert = self.connection.prepare_cached(insert)?;
                    insert.execute(params![name, hash, registered, last_seen])?;
                }
                None => {
                    let delete = "DELETE FROM names WHERE name = ?";
                    self.connection.prepare_cached(delete)?.execute([name])?;
                }
            }
        }
        Ok(())
    }

    /// Writes all names that are registered, where none are: this database takes the place of
    /// another one.
    pub fn restore_names(
        &mut self,
        names: &BTreeMap<Box<str>, Option<KeptName>>,
    ) -> Result<(), Fault> {
        let select = "SELECT EXISTS (SELECT 1 FROM names)";
        let has_names = self.connection.query_row(select, [], |row| row.get::<_, bool>(0))?;
        if has_names || names.is_empty() {
            return Ok(());
        }
        self.transact(true, |database| database.write_names(names))
    }

    /// The names that are registered, the first one first.
    pub fn names(&self) -> Result<Vec<KeptName>, Fault> {
        let select =
            "SELECT name, hash, registered, last_seen FROM names ORDER BY registered, name";
        let mut select = self.connection.prepare(select)?;
        let names = select.query_map([], |row| {
            let (name, hash) = (row.get(0)?, row.get(1)?);
            Ok(KeptName { name, hash, registered: row.get(2)?, last_seen: row.get(3)? })
        })?;
        names.map(|name| Ok(name?)).collect()
    }
}
