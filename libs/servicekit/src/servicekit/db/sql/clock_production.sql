CREATE FUNCTION app.clock() RETURNS timestamptz LANGUAGE sql VOLATILE
    RETURN clock_timestamp();

CREATE FUNCTION app.raise_clock(ahead interval) RETURNS interval LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'AT004',
        MESSAGE = 'the clock of a production database has no offset and cannot be moved';
END $$;
