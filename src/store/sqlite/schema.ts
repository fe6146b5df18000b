/** The database's shape, as the migrations that lead to it. A migration that has shipped is never changed. */

/** Marks the file as one of ours: "Spor" in ASCII. */
export const APPLICATION_ID = 0x53706f72;

const FIRST = `
CREATE TABLE rules (
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  title TEXT NOT NULL,
  UNIQUE (id, title)
);

-- n counts in commit order. body is the alert's JSON without its evidence; the columns beside it win over what it says.
CREATE TABLE alerts (
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  time TEXT NOT NULL,
  last_seen TEXT NOT NULL,
  count INTEGER NOT NULL,
  level INTEGER NOT NULL,
  rule INTEGER NOT NULL,
  namespace TEXT NOT NULL,
  pod TEXT NOT NULL,
  incident_id TEXT NOT NULL,
  stored_at INTEGER NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX alerts_time ON alerts (time, n);
CREATE INDEX alerts_level ON alerts (level, time, n);
CREATE INDEX alerts_rule ON alerts (rule, time, n);
CREATE INDEX alerts_pod ON alerts (namespace, pod, time, n);
CREATE INDEX alerts_incident ON alerts (incident_id, time, n);
CREATE INDEX alerts_counted ON alerts (last_seen) WHERE count > 1;

CREATE TABLE evidence (alert INTEGER PRIMARY KEY, body TEXT NOT NULL);

CREATE TABLE incidents (
  id TEXT PRIMARY KEY,
  state TEXT NOT NULL,
  level INTEGER NOT NULL,
  first_seen TEXT NOT NULL,
  last_seen TEXT NOT NULL,
  merged_into TEXT NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX incidents_last_seen ON incidents (last_seen, id);

-- '' stands for alerts without a pod: the host's.
CREATE TABLE incident_namespaces (
  incident_id TEXT NOT NULL,
  namespace TEXT NOT NULL,
  PRIMARY KEY (incident_id, namespace)
) WITHOUT ROWID;

-- due_at of a leased row is when its lease runs out.
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL,
  sink TEXT NOT NULL,
  grp TEXT NOT NULL,
  signal TEXT NOT NULL,
  state TEXT NOT NULL,
  alert_id TEXT NOT NULL,
  incident_id TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  error TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  UNIQUE (key, sink)
);
CREATE INDEX outbox_due ON outbox (sink, due_at, id) WHERE state IN ('pending', 'leased');
CREATE INDEX outbox_dead ON outbox (id) WHERE state = 'dead';
CREATE INDEX outbox_group ON outbox (sink, grp, state, updated_at) WHERE grp <> '';
CREATE INDEX outbox_alert ON outbox (alert_id);
CREATE INDEX outbox_incident ON outbox (incident_id, sink);

CREATE TABLE stream (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  type TEXT NOT NULL,
  alert_id TEXT NOT NULL,
  incident_id TEXT NOT NULL
);

CREATE TABLE gaps (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  from_time TEXT NOT NULL,
  body TEXT NOT NULL
);

CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  detail TEXT NOT NULL
);
CREATE INDEX audit_target ON audit (target, id);

CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  hash TEXT NOT NULL UNIQUE,
  scopes TEXT NOT NULL,
  namespaces TEXT,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  last_used_at INTEGER
) WITHOUT ROWID;

CREATE TABLE webhooks (
  id TEXT PRIMARY KEY,
  url TEXT NOT NULL,
  description TEXT NOT NULL,
  levels TEXT NOT NULL,
  rules TEXT NOT NULL,
  namespaces TEXT,
  enabled INTEGER NOT NULL,
  disabled_reason TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  secrets TEXT NOT NULL
);

CREATE TABLE positions (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
`;

const SECOND = `
CREATE INDEX gaps_from ON gaps (from_time);
`;

/** alerts.silenced: id of the silence for which nobody was told of it, or ''. until and created_at in ms. */
const THIRD = `
CREATE TABLE silences (
  id TEXT PRIMARY KEY,
  match TEXT NOT NULL,
  until INTEGER NOT NULL,
  author TEXT NOT NULL,
  reason TEXT NOT NULL,
  created_at INTEGER NOT NULL
);
ALTER TABLE alerts ADD COLUMN silenced TEXT NOT NULL DEFAULT '';
CREATE INDEX alerts_silenced ON alerts (silenced) WHERE silenced <> '';
`;

/**
 * Messages as they were sent at the first attempt, under their idempotency keys: every later attempt sends the same bytes. One may
 * tell several deliveries. It goes when the last of them has arrived or is removed; dead letters keep theirs, to be sent again.
 */
const FOURTH = `
CREATE TABLE messages (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL,
  body TEXT NOT NULL
);
ALTER TABLE outbox ADD COLUMN message INTEGER REFERENCES messages (id);
CREATE INDEX outbox_message ON outbox (message) WHERE message IS NOT NULL;
CREATE TRIGGER outbox_delivered AFTER UPDATE OF state ON outbox WHEN new.state = 'delivered' AND new.message IS NOT NULL
BEGIN
  UPDATE outbox SET message = NULL WHERE id = new.id;
  DELETE FROM messages WHERE id = new.message AND NOT EXISTS (SELECT 1 FROM outbox WHERE message = new.message);
END;
CREATE TRIGGER outbox_removed AFTER DELETE ON outbox WHEN old.message IS NOT NULL
BEGIN
  DELETE FROM messages WHERE id = old.message AND NOT EXISTS (SELECT 1 FROM outbox WHERE message = old.message);
END;
`;

/** The version of a database is how many of these it has seen. */
export const MIGRATIONS: readonly string[] = [FIRST, SECOND, THIRD, FOURTH];
