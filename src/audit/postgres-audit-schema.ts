/** The tables of the audit in PostgreSQL, version by version. What a released version made is never changed, only added to. */
import { GENESIS } from './chain.ts'
import { countTables } from './count-tables-store.ts'

/** Version 1. */
export const SCHEMA = `
CREATE TABLE audit_meta (key text PRIMARY KEY, value bigint NOT NULL);
INSERT INTO audit_meta (key, value) VALUES ('schema', 1), ('seq', 0);
CREATE TABLE audit_journals (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE, segment bigint NOT NULL,
  position bigint NOT NULL, open_from bigint NOT NULL);
CREATE TABLE audit_actors (
  hash text PRIMARY KEY, seen_at bigint NOT NULL, kind text NOT NULL, id text NOT NULL, label text NOT NULL, role text,
  grant_id text);
CREATE TABLE audit_rows (
  seq bigint NOT NULL, journal bigint NOT NULL, phase text NOT NULL, at bigint NOT NULL, deed text NOT NULL,
  actor text NOT NULL, plane text NOT NULL, method text NOT NULL, portal text, server text, capability text, outcome text,
  decision text, facts text NOT NULL, PRIMARY KEY (seq, at)) PARTITION BY RANGE (at);
CREATE INDEX audit_rows_at ON audit_rows (at);
CREATE INDEX audit_rows_deed ON audit_rows (deed);
CREATE INDEX audit_rows_actor ON audit_rows (actor, seq);
`

/** Version 2. Rows of before have no hash: the chain begins behind them. */
export const CHAIN = `
ALTER TABLE audit_rows ADD COLUMN hash bytea;
CREATE TABLE audit_chain (id int PRIMARY KEY CHECK (id = 1), seq bigint NOT NULL, hash bytea NOT NULL);
INSERT INTO audit_chain (id, seq, hash) SELECT 1, value, decode('${GENESIS}', 'hex') FROM audit_meta WHERE key = 'seq';
CREATE TABLE audit_heads (
  kind text NOT NULL, writer text NOT NULL, seq bigint NOT NULL, hash text NOT NULL, at bigint NOT NULL, kid text NOT NULL,
  signature text NOT NULL, PRIMARY KEY (kind, writer, seq));
INSERT INTO audit_meta (key, value) SELECT 'chain_from', value FROM audit_meta WHERE key = 'seq';
UPDATE audit_meta SET value = 2 WHERE key = 'schema';
`

/** A replica of an older version that still runs must not append rows without a hash: they wait in its journal. */
export const chainedOnly = (from: number): string =>
  `ALTER TABLE audit_rows ADD CONSTRAINT audit_rows_chained CHECK (seq <= ${from} OR hash IS NOT NULL) NOT VALID`

/** Version 3. A role that could append before an upgrade must be able to after it. */
export const COUNTS = `${countTables('')}
DO $$ DECLARE role_name text; BEGIN
  FOR role_name IN SELECT DISTINCT grantee FROM information_schema.role_table_grants
    WHERE table_schema = current_schema() AND table_name = 'audit_rows' AND privilege_type = 'INSERT'
      AND grantee NOT IN (current_user, 'PUBLIC')
  LOOP EXECUTE format('GRANT SELECT, INSERT, UPDATE (calls) ON audit_calls, audit_timings TO %I', role_name);
  END LOOP;
END $$;
`
