-- Notes which functions and rights were applied (`neo.functions_digest`), where the schema's version stands too.
DO $$
BEGIN
    EXECUTE format('COMMENT ON TABLE alembic_version IS %L', current_setting('neo.functions_digest'));
END
$$;
