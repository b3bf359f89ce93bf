"""`/llms.txt`: the API in one page, for a reader who has only this."""

GUIDE = """\
# Neo Public API

> A chat-agent API: open a session against an agent, post a message, stream the agent's answer over SSE.
> Every answer is `{data, meta}`; every error `{error: {code, message, details?}, meta: {request_id}}`.
> Branch on `error.code`. Authenticate with `Authorization: Bearer neo_sk_<env>_<secret>`.

- [OpenAPI document](/public-api/openapi.json)
- [API reference](/docs)

## One conversation

1. `POST /public-api/chat/sessions` with `{"managed_agent_key": "NEO_SUPPORT"}` or `{"agent_id": 1}`: `data.id`.
2. `POST /public-api/chat/sessions/{id}/messages` with `{"message": "...", "client_message_id": "..."}`: `202` with
   `chat_turn_id` and `since_cursor`. Repeat it with the same `client_message_id` after a lost answer: `409
   duplicate_client_message_id` carries the same ids in `details`. `"model_tier": "SMART"` takes a stronger model.
3. `GET /public-api/chat/sessions/{id}/events?since={since_cursor}`: `text/event-stream` of Vercel AI SDK v6 UI
   message chunks, each with an `id:`. It ends after `finish`, `error` or `abort` with `data: [DONE]`. After
   `data-turn-waiting` too: the turn waits for somebody, and a tail from `data.cursor` says how it goes on.
   After a disconnect ask again with the last id in `Last-Event-ID`. `204`: nothing more to come.
4. `GET /public-api/chat/sessions/{id}/messages`: the transcript as `UIMessage`s, and `open_turn` while one runs.

Turns of a session run one at a time, in order; a message posted while one runs is accepted and waits, or is refused
with `"overlap": "reject"`: `409 turn_in_progress`.

## Also

- Images: `POST .../{id}/attachments/upload-url` with `{"content_type": "image/png"}`; `PUT` the bytes to `upload_url`
  with `x-ms-blob-type: BlockBlob` and `x-ms-blob-content-type: image/png`; then post the message with
  `"attachments": [{"blob_path": "...", "mime": "image/png"}]`.
- Stop: `POST .../{id}/turns/{chat_turn_id}/cancel`; `POST .../{id}/reset` archives and stops everything.
- An end user's token: `POST /public-api/sessions` with `{"session_id": "..."}`; it opens that session and nothing else.
- `GET /public-api/chat/sessions`, `GET .../{id}`, `GET .../{id}/turns/{turn_id}`, `POST .../{id}/archive`.
- Setting a tenant up: `/public-api/agents`, `/channels`, `/end-companies`,
  `/technicians`, `/api-keys`, `/tenant`, `/settings`, `/audit-log`.
- Lists take `page_size` (1 to 200) and `cursor` (`meta.pagination.next_cursor` of the page before).
- `429` carries `Retry-After`; every answer carries `X-RateLimit-Limit`, `-Remaining`, `-Reset`, `X-Request-Id`.
- `GET /public-api/health`, `GET /public-api/ready` (which engine is down).
"""
