"""Callers of every kind, as the door would have recognised them."""

from uuid import UUID, uuid4

from neo.access import CallerKind, Credential, CredentialKind, Principal, Role


def service_account(tenant_id: UUID, account_id: UUID | None = None) -> Principal:
    return _caller(CallerKind.SERVICE_ACCOUNT, CredentialKind.API_KEY, tenant_id, account_id)


def technician(tenant_id: UUID, role: Role, account_id: UUID | None = None) -> Principal:
    return _caller(CallerKind.TECHNICIAN, CredentialKind.TECHNICIAN, tenant_id, account_id, role=role)


def end_user(tenant_id: UUID, session_id: UUID) -> Principal:
    return _caller(CallerKind.END_USER, CredentialKind.SESSION_TOKEN, tenant_id, None, session_id=session_id)


def platform(tenant_id: UUID, home_tenant_id: UUID, account_id: UUID) -> Principal:
    """The platform's relay, acting for another tenant."""
    return _caller(
        CallerKind.PLATFORM, CredentialKind.API_KEY, tenant_id, account_id, home_tenant_id=home_tenant_id
    )


def _caller(
    kind: CallerKind,
    credential: CredentialKind,
    tenant_id: UUID,
    account_id: UUID | None,
    *,
    role: Role | None = None,
    session_id: UUID | None = None,
    home_tenant_id: UUID | None = None,
) -> Principal:
    return Principal(
        kind=kind,
        tenant_id=tenant_id,
        home_tenant_id=home_tenant_id or tenant_id,
        account_id=account_id or uuid4(),
        credential=Credential(credential, tenant_id, uuid4()),
        role=role,
        session_id=session_id,
    )
