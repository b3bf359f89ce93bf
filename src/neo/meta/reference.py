"""The API reference at `/docs`: Swagger UI, with all that it loads from here and nothing that a page could inject."""

from pathlib import Path

import fastapi_offline
from starlette.responses import FileResponse, Response

from neo.errors import Failure, Kind

ASSETS = Path(fastapi_offline.__file__).parent / "static"
ASSET_TYPES = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}
PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Neo Public API</title>
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
<link rel="icon" href="/docs/assets/favicon.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/assets/start.js"></script>
</body>
</html>
"""
# Without `validatorUrl: null` a page on a public host sends its address to swagger.io.
START = """\
SwaggerUIBundle({
  url: "/public-api/openapi.json",
  dom_id: "#swagger-ui",
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  validatorUrl: null,
});
"""
# The style sheet's icons are `data:` images; what is tried out is sent to this server.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE_HEADERS = {
    "content-security-policy": POLICY,
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
}


class AssetNotFound(Failure):
    """No such path."""

    kind = Kind.NOT_FOUND
    code = "route_not_found"
    remedy = "See `/public-api/openapi.json`."


def page() -> Response:
    return Response(PAGE, headers=PAGE_HEADERS, media_type="text/html")


def asset(name: str) -> Response:
    if name == "start.js":
        return Response(START, media_type="text/javascript")
    if name not in ASSET_TYPES:
        raise AssetNotFound("No such path: see /public-api/openapi.json.")
    return FileResponse(ASSETS / name, media_type=ASSET_TYPES[name])
