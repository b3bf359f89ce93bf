"""An MCP server that plays a script: real HTTP, real effects that can be counted, real failures.

It speaks MCP over streamable HTTP, the stateless protocol of 2026-07-28 or an older one with sessions. Tests,
benchmarks and a first try call its tools as they call anybody's, and read from it what has happened. It listens on the
loopback only. Start it with `neo scripted-mcp`, or with `python -m neo.engines.scripted_mcp --port P`.

**Stages.** `/mcp` is the server's own stage. `/stages/NAME/mcp` is another with its own script, tools and effects,
made at its first request: tests beside each other take one each. `/stages/NAME/control` and `/stages/NAME/token` belong
to it.

**Tools**

- `read`     reads; `{"about"?, "company"?}`
- `keyed`    has one effect for all calls with the same key: the header `Idempotency-Key`,
             `_meta["neo/idempotency-key"]` or the argument `key`; `{"text", "key"?}`
- `write`    has an effect each time; `{"text", "company"?}`
- `slow`     has its effect after `{"seconds"}`, unless the caller has left before
- `big`      answers so many `{"bytes"}`
- `raise`    fails as a program with a bug does, with a secret in its text
- `poison`   answers a text that gives orders: to call `write`
- `company`  answers which company it was called for: the header `Neo-Company`, `_meta["neo/company"]` or the argument

**Control**, below the stage

- `GET /control`               the script, the tools, and counts: requests, calls, connections, Authorization headers
- `PATCH /control {...}`       changes the script; `DELETE /control` begins anew
- `GET /control/calls`         every call of a tool: arguments, key, company, Authorization, when it began and ended.
                               `?at_least=N` waits until so many were received
- `GET /control/effects`       those that had an effect
- `PUT /control/tools/NAME`    changes a description or a schema, or adds a tool; `DELETE` removes it
- `POST /control/expire`       ends all issued tokens

**Script**

- `protocol`       `2026-07-28` (default), `2025-11-25`, `2025-06-18`, `2025-03-26` or `2024-11-05`
- `stream`         answers as server-sent events
- `page`           tools on one page of the list
- `instructions`   what the server says of itself
- `tokens`         bearer tokens that are let in; none: everybody is
- `clients`        `{"id": "secret"}` for `POST /token` (client credentials), whose tokens are let in too
- `token_seconds`  how long such a token lasts
- `fault`          what goes wrong, by name, or `{"name", "method"?, "tool"?, "times"?, "number"?, "to"?}`.
                   The method is `tools/call` unless another, `*` or `token` is named

**Faults** before the tool is used: `refuse` closes the connection, `hang` says nothing, `status` (`number`),
`redirect` (`to`), `unauthorized`, `html`, `accepted` (202), `ask` wants the caller's model, `input_required`,
`exit_before` ends the process.

After its effect: `die` closes the connection, `half` in the middle of the answer, `hang_after` says nothing more,
`drip` sends one byte a second, `endless` never ends, `notifications` sends `number` (100,000) of them first, `other_id`
answers another request, `invalid_utf8`, `garbage`, `no_message`, `no_result`, `compressed`, and `exit` ends the
process.
"""
