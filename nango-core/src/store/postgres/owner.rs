//! Ownership check of the schema and the objects in it.
//!
//! A trigger, default, check or index expression runs with the rights of the role that writes to the table, so a schema
//! that another role prepared could execute that role's code with our rights. Invariant: nothing of the schema is read
//! or written before this check, in the same transaction, with `search_path` pinned.

use sqlx::PgConnection;

use super::{SCHEMA, error::DbResult};
use crate::store::StoreError;

/// The role of a connection.
#[derive(Debug, Clone)]
pub(super) struct Role {
    pub name: String,
    pub superuser: bool,
}

/// Returns the role of this connection.
pub(super) async fn role(sql: &mut PgConnection) -> DbResult<Role> {
    const ROLE: &str = "SELECT rolname::text, rolsuper FROM pg_roles WHERE rolname = current_user";
    let (name, superuser) = sqlx::query_as(ROLE).persistent(false).fetch_one(sql).await?;
    Ok(Role { name, superuser })
}

/// Refuses a schema if it, or any object in it, belongs to a role that the current role does not trust. A role trusts
/// itself, superusers, and roles that it is a member of. A superuser counts as a member of every role and therefore
/// trusts superusers only.
pub(super) async fn check(sql: &mut PgConnection, role: &Role, at: &str) -> DbResult<()> {
    // A trigger belongs to its table, but the TRIGGER privilege can be granted: check the owner of its function as
    // well.
    const FOREIGN: &str = "WITH things (what, name, owner) AS ( \
         SELECT 'schema', nspname::text, nspowner FROM pg_namespace WHERE nspname = $1 \
         UNION ALL SELECT 'table', relname::text, relowner FROM pg_class WHERE relnamespace = to_regnamespace($1) \
         UNION ALL SELECT 'function', proname::text, proowner FROM pg_proc WHERE pronamespace = to_regnamespace($1) \
         UNION ALL SELECT 'type', typname::text, typowner FROM pg_type WHERE typnamespace = to_regnamespace($1) \
         UNION ALL SELECT 'operator', oprname::text, oprowner FROM pg_operator \
         WHERE oprnamespace = to_regnamespace($1) \
         UNION ALL SELECT 'trigger', t.tgname::text, p.proowner FROM pg_trigger t \
         JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid \
         WHERE c.relnamespace = to_regnamespace($1) AND NOT t.tgisinternal) \
         SELECT t.what, t.name, coalesce(o.rolname::text, '?') FROM things t \
         CROSS JOIN (SELECT oid, rolsuper FROM pg_roles WHERE rolname = current_user) us \
         LEFT JOIN pg_roles o ON o.oid = t.owner \
         WHERE t.owner <> us.oid AND o.rolsuper IS NOT TRUE \
         AND (us.rolsuper OR NOT pg_has_role(us.oid, t.owner, 'MEMBER')) LIMIT 1";
    let foreign: Option<(String, String, String)> =
        sqlx::query_as(FOREIGN).persistent(false).bind(SCHEMA).fetch_optional(sql).await?;
    let Some((what, name, owner)) = foreign else { return Ok(()) };
    let us = &role.name;
    let member = if role.superuser { String::new() } else { format!(", make `{us}` a member of `{owner}`") };
    let reason = format!(
        "the {what} `{name}` of its schema `{SCHEMA}` belongs to the role `{owner}`, whose code would run with the \
         rights of `{us}`; log in as `{owner}`{member}, or choose another database"
    );
    Err(StoreError::UnsupportedServer { at: at.to_owned(), reason }.into())
}
