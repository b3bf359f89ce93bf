from starlette.requests import Request

from neo.kit import is_loopback


def own_url(request: Request) -> str:
    """Where this request reached us. What its caller wrote into `Host` counts only where it leads to this machine: an
    answer that somebody stores must not lead others to an address of the caller's choice.
    """
    name, port = request.scope.get("server") or (None, None)
    if is_loopback(request.url.hostname or "") or name is None or port is None:
        return str(request.base_url)
    shown = f"[{name}]" if ":" in name else name
    return f"{request.url.scheme}://{shown}:{port}"
