"""A client generated from the published document works against us."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from support.server import Server

PUBLISHED = Path(__file__).parent / "published.json"


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The generated package's name."""
    folder = tmp_path_factory.mktemp("generated")
    generate = [
        "generate",
        "--path",
        str(PUBLISHED),
        "--output-path",
        str(folder / "published_client"),
        "--meta",
        "none",
    ]
    subprocess.run([Path(sys.executable).parent / "openapi-python-client", *generate], check=True, cwd=folder)
    sys.path.insert(0, str(folder))
    return "published_client"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_create_is_parsed_and_the_posts_202_is_readable(generated: str, server: Server) -> None:
    client = importlib.import_module(f"{generated}.client").AuthenticatedClient(server.url, server.api_key)
    models = importlib.import_module(f"{generated}.models")
    create = importlib.import_module(f"{generated}.api.chat.public_api_chat_session_create_post")
    post = importlib.import_module(f"{generated}.api.chat.public_api_chat_session_post_message_post")

    wanted = models.CreateChatSessionRequest(managed_agent_key=models.ManagedAgentKey.NEO_SUPPORT)
    created = create.sync(client=client, body=wanted)
    sent = models.PostMessageRequest(message="Hello", model_tier=models.ChatModelTier.FAST)
    answer = post.sync_detailed(created.data.id, client=client, body=sent)

    assert created.data.agent_id > 0
    assert created.data.client_id == server.tenant_id
    assert answer.status_code == 202
    # The document declares 200 only, so the body of the 202 is parsed with its model by hand.
    data = models.PostMessageResponse.from_dict(importlib.import_module("json").loads(answer.content)["data"])
    assert data.since_cursor == "65536-0"

    refused = create.sync(client=client, body=models.CreateChatSessionRequest())
    client.get_httpx_client().close()
    assert refused.error.code == "agent_selector_invalid"
