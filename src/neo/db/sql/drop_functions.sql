-- Drops every function of Neo, their triggers and the types of what they return, so that those of this version can be made anew.
DO $$
DECLARE
    dropped text;
BEGIN
    FOR dropped IN
        SELECT format('DROP TRIGGER %I ON %s', t.tgname, t.tgrelid::regclass)
        FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
        WHERE p.pronamespace = 'public'::regnamespace AND p.proname LIKE 'neo\_%'
    LOOP
        EXECUTE dropped;
    END LOOP;
    FOR dropped IN
        SELECT format('DROP FUNCTION %s', p.oid::regprocedure)
        FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proname LIKE 'neo\_%'
    LOOP
        EXECUTE dropped;
    END LOOP;
    FOR dropped IN
        SELECT format('DROP TYPE %s', t.oid::regtype)
        FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid AND c.relkind = 'c'
        WHERE t.typnamespace = 'public'::regnamespace AND t.typname LIKE 'neo\_%'
    LOOP
        EXECUTE dropped;
    END LOOP;
END
$$;
