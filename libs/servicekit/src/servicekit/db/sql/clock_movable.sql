CREATE TABLE app.clock_offset (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    -- Below zero: a story that is played in the past. Set at creation, raised later, never lowered.
    ahead interval NOT NULL
);
GRANT SELECT ON app.clock_offset TO @app_role@;
-- Kept in seconds alone: days added to an instant would depend on the time zone of the session.
INSERT INTO app.clock_offset (ahead) VALUES (make_interval(secs => @offset_seconds@));

CREATE FUNCTION app.clock() RETURNS timestamptz LANGUAGE sql VOLATILE
    RETURN clock_timestamp() + (SELECT ahead FROM app.clock_offset);

CREATE FUNCTION app.clock_never_back() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP <> 'UPDATE' OR NEW.ahead < OLD.ahead THEN
        RAISE EXCEPTION USING ERRCODE = 'AT004', MESSAGE = 'the clock offset is never lowered nor removed';
    END IF;
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION app.clock_never_back() FROM PUBLIC;
CREATE TRIGGER clock_never_back BEFORE UPDATE OR DELETE ON app.clock_offset
    FOR EACH ROW EXECUTE FUNCTION app.clock_never_back();
CREATE TRIGGER clock_never_gone BEFORE TRUNCATE ON app.clock_offset
    FOR EACH STATEMENT EXECUTE FUNCTION app.clock_never_back();
ALTER TABLE app.clock_offset ENABLE ALWAYS TRIGGER clock_never_back;
ALTER TABLE app.clock_offset ENABLE ALWAYS TRIGGER clock_never_gone;

CREATE FUNCTION app.raise_clock(ahead interval) RETURNS interval LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    result interval;
BEGIN
    UPDATE app.clock_offset o SET ahead = make_interval(secs => extract(epoch FROM raise_clock.ahead)::double precision)
        RETURNING o.ahead INTO result;
    RETURN result;
END $$;
REVOKE ALL ON FUNCTION app.raise_clock(interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.raise_clock(interval) TO @app_role@;
