-- Creates a tenant for the platform, which may say whose a Microsoft tenant is where nobody has it yet. The application's
-- role writes no tenant, so this runs with the owner's rights, and looks for itself whether `by_key` is the digest of
-- a key of the platform's.
CREATE FUNCTION neo_create_tenant(of_tenant uuid, of_name text, of_entra_tenant uuid, by_key bytea)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
BEGIN
    IF NOT neo_is_platform_key(by_key) THEN
        RETURN 'REFUSED';
    END IF;
    INSERT INTO tenants (id, name, entra_tenant_id) VALUES (of_tenant, of_name, of_entra_tenant)
    ON CONFLICT DO NOTHING;
    RETURN CASE WHEN FOUND THEN 'CREATED' ELSE 'TAKEN' END;
END
$$;
