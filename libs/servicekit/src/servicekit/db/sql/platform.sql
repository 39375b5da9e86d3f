CREATE SCHEMA IF NOT EXISTS app;
CREATE SCHEMA IF NOT EXISTS audit;
CREATE SCHEMA IF NOT EXISTS bus;
CREATE SCHEMA IF NOT EXISTS sign;
REVOKE ALL ON SCHEMA public, app, audit, bus, sign FROM PUBLIC;
GRANT USAGE ON SCHEMA app, audit, bus, sign TO @app_role@;

-- What each table is: read by the test of the access table and by the announcement of audit entries.
CREATE TABLE app.relation (
    name text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('fact', 'aggregate', 'replica', 'derived', 'queue', 'blob', 'secret', 'platform')),
    personal text[] NOT NULL DEFAULT '{}'
);
GRANT SELECT ON app.relation TO @app_role@;

-- The service that this database belongs to and the mode that it was made in; both are final.
CREATE TABLE app.installation (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    service text NOT NULL,
    mode text NOT NULL CHECK (mode IN ('production', 'demo', 'test')),
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
GRANT SELECT ON app.installation TO @app_role@;
INSERT INTO app.installation (service, mode) VALUES (@service@, @mode@);

CREATE FUNCTION app.mode() RETURNS text LANGUAGE sql STABLE
    RETURN (SELECT mode FROM app.installation);

-- Trigger function: refuses what may never happen to the table, whoever asks. The argument is the sentence.
CREATE FUNCTION app.refuse() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = TG_ARGV[0],
        MESSAGE = format('%s on %I.%I refused: %s', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_ARGV[1]);
END $$;
REVOKE ALL ON FUNCTION app.refuse() FROM PUBLIC;

CREATE TABLE app.idempotency (
    actor text NOT NULL,
    key text NOT NULL,
    route text NOT NULL,
    digest text NOT NULL,
    status integer,
    response text,
    headers jsonb NOT NULL DEFAULT '{}',
    at timestamptz NOT NULL,
    PRIMARY KEY (actor, key)
);
CREATE INDEX idempotency_at ON app.idempotency (at);
GRANT SELECT, INSERT, UPDATE, DELETE ON app.idempotency TO @app_role@;

-- A key without its result would answer a repeated request with nothing: the commit fails instead.
CREATE FUNCTION app.idempotency_answered() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (
        SELECT FROM app.idempotency i WHERE i.actor = NEW.actor AND i.key = NEW.key AND i.status IS NULL
    ) THEN
        RAISE EXCEPTION USING ERRCODE = 'AT006',
            MESSAGE = format('the idempotency key %L was taken and no result was stored', NEW.key);
    END IF;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION app.idempotency_answered() FROM PUBLIC;
CREATE CONSTRAINT TRIGGER idempotency_answered AFTER INSERT ON app.idempotency
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.idempotency_answered();
