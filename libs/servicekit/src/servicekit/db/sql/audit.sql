CREATE TABLE audit.entry (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tx xid8 NOT NULL DEFAULT pg_current_xact_id(),
    entity text NOT NULL,
    key text NOT NULL,
    version bigint,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    body text NOT NULL
);
CREATE INDEX entry_of ON audit.entry (entity, key, id);
CREATE TRIGGER entry_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.entry
    FOR EACH STATEMENT EXECUTE FUNCTION app.refuse('AT005', 'the audit trail is only added to');
ALTER TABLE audit.entry ENABLE ALWAYS TRIGGER entry_kept;

-- Entries that are still to be announced.
CREATE TABLE audit.pending (entry bigint PRIMARY KEY);

REVOKE ALL ON audit.entry, audit.pending FROM PUBLIC, @app_role@;

-- Called in the SELECT of audit.record() for a row that does not say who or why.
CREATE FUNCTION audit.refuse(entity text) RETURNS text LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'AT001',
        MESSAGE = format('a change of %s needs an actor, a reason and a correlation id', entity);
END $$;
REVOKE ALL ON FUNCTION audit.refuse(text) FROM PUBLIC;

-- The one writer of the trail: three statement-level triggers of each audited table call it.
-- Arguments: entity, version column or '', 'row' or 'session' (where who and why come from), key columns.
-- The settings below pin everything that the text of a value depends on: the same row is the same text
-- whatever the session has set. The statement is planned anew each time, since the plan of an UPDATE of one row
-- is ruinous for one of fifty thousand.
-- EXECUTE is revoked: with it, the runtime role could hang the function on a temporary table and forge entries.
CREATE FUNCTION audit.record() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    SET datestyle = 'ISO, YMD'
    SET intervalstyle = 'iso_8601'
    SET bytea_output = 'hex'
    SET extra_float_digits = 1
AS $$
DECLARE
    entity constant text := TG_ARGV[0];
    version_column constant text := TG_ARGV[1];
    keys constant text[] := TG_ARGV[3:];
    this constant text := CASE TG_OP WHEN 'DELETE' THEN 'o' ELSE 'n' END;
    source text;
    context text;
    stated text;
BEGIN
    SELECT CASE TG_OP
        WHEN 'INSERT' THEN 'new_rows n'
        WHEN 'DELETE' THEN 'old_rows o'
        ELSE 'new_rows n JOIN old_rows o ON ' || string_agg(format('o.%1$I = n.%1$I', k), ' AND ')
        END INTO source FROM unnest(keys) k;
    -- The settings say who acts in this transaction. The row's own columns say it for rows written by consumers
    -- and workers; where an UPDATE left them as they were, they speak of an earlier change and do not count.
    stated := CASE
        WHEN TG_ARGV[2] <> 'row' OR TG_OP = 'DELETE' THEN 'false'
        WHEN TG_OP = 'INSERT' THEN 'true'
        ELSE '(n.actor, n.reason, n.correlation, n.cause) IS DISTINCT FROM (o.actor, o.reason, o.correlation, o.cause)'
        END;
    context := CASE WHEN stated = 'false' THEN
        'SELECT $3 AS actor, $4 AS reason, $5 AS correlation, $6 AS cause, $7 AS on_behalf_of'
    ELSE format($q$
        SELECT CASE WHEN s THEN n.actor::text ELSE $3 END AS actor,
            CASE WHEN s THEN n.reason::text ELSE $4 END AS reason,
            CASE WHEN s THEN n.correlation::text ELSE $5 END AS correlation,
            CASE WHEN s THEN n.cause::text ELSE $6 END AS cause,
            CASE WHEN s THEN %s ELSE $7 END AS on_behalf_of
        FROM (SELECT %s AS s) AS stated$q$,
        CASE WHEN EXISTS (
            SELECT FROM pg_attribute a
            WHERE a.attrelid = TG_RELID AND a.attname = 'on_behalf_of' AND NOT a.attisdropped)
            THEN 'n.on_behalf_of::text' ELSE 'NULL' END,
        stated)
    END;
    EXECUTE format($q$
        WITH written AS (
            INSERT INTO audit.entry (entity, key, version, at, actor, body)
            SELECT $1, r.key, r.version, $2,
                CASE WHEN btrim(c.actor) <> '' AND btrim(c.reason) <> '' AND btrim(c.correlation) <> ''
                    THEN c.actor ELSE audit.refuse($1) END,
                concat('{"entity":', to_json($1), ',"key":', to_json(r.key),
                    ',"version":', coalesce(r.version::text, 'null'), ',"at":', to_json($2), ',"op":"', $8,
                    '","actor":', to_json(c.actor),
                    ',"on_behalf_of":', coalesce(to_json(nullif(c.on_behalf_of, ''))::text, 'null'),
                    ',"reason":', to_json(c.reason),
                    ',"cause":', coalesce(to_json(nullif(c.cause, ''))::text, 'null'),
                    ',"correlation":', to_json(c.correlation),
                    ',"before":', %s, ',"after":', %s, '}')
            FROM %s
                CROSS JOIN LATERAL (SELECT %s AS key, %s AS version) AS r
                CROSS JOIN LATERAL (%s) AS c
            RETURNING id
        )
        INSERT INTO audit.pending (entry) SELECT id FROM written$q$,
        CASE TG_OP WHEN 'INSERT' THEN $q$'null'$q$ ELSE 'row_to_json(o)::text' END,
        CASE TG_OP WHEN 'DELETE' THEN $q$'null'$q$ ELSE 'row_to_json(n)::text' END,
        source,
        (SELECT string_agg(format('%s.%I::text', this, k), $q$ || '/' || $q$) FROM unnest(keys) k),
        CASE version_column WHEN '' THEN 'NULL::bigint' ELSE format('%s.%I::bigint', this, version_column) END,
        context)
    USING entity, app.clock(),
        current_setting('attest.actor', true), current_setting('attest.reason', true),
        current_setting('attest.correlation', true), current_setting('attest.cause', true),
        current_setting('attest.on_behalf_of', true), TG_OP;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION audit.record() FROM PUBLIC;

-- Takes the oldest entries off the queue, with the personal columns of their tables. One caller at a time: a
-- second one gets nothing, so that the entries of one key are announced in the order in which they were written.
CREATE FUNCTION audit.take(maximum integer)
    RETURNS TABLE (id bigint, entity text, key text, version bigint, at timestamptz, actor text, body text, personal text[])
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    -- Few of many entries, by their keys: a plan made while the queue is long would read the whole trail each time.
    SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
    last bigint;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('audit.take', 0)) THEN
        RETURN;
    END IF;
    SELECT max(q.entry) INTO last FROM (SELECT p.entry FROM audit.pending p ORDER BY p.entry LIMIT maximum) q;
    RETURN QUERY
        WITH taken AS (DELETE FROM audit.pending p WHERE p.entry <= last RETURNING p.entry)
        SELECT e.id, e.entity, e.key, e.version, e.at, e.actor, e.body,
            coalesce(r.personal, '{}')
        FROM taken t
            JOIN audit.entry e ON e.id = t.entry
            LEFT JOIN app.relation r
                ON r.name = CASE WHEN strpos(e.entity, '.') > 0 THEN e.entity ELSE 'app.' || e.entity END
        ORDER BY e.id;
END $$;
REVOKE ALL ON FUNCTION audit.take(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.take(integer) TO @app_role@;

-- The trail of one row, oldest first: the runtime role reads entries this way alone.
CREATE FUNCTION audit.trail(wanted_entity text, wanted_key text, after_id bigint, maximum integer)
    RETURNS TABLE (id bigint, entity text, key text, version bigint, at timestamptz, actor text, body text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT e.id, e.entity, e.key, e.version, e.at, e.actor, e.body
    FROM audit.entry e
    WHERE e.entity = wanted_entity AND e.key = wanted_key AND e.id > after_id
    ORDER BY e.id
    LIMIT maximum;
$$;
REVOKE ALL ON FUNCTION audit.trail(text, text, bigint, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.trail(text, text, bigint, integer) TO @app_role@;

INSERT INTO app.relation (name, kind)
    SELECT format('%s.%s', n.nspname, c.relname), 'platform'
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('app', 'audit') AND c.relkind IN ('r', 'p');
