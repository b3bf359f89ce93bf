"""A model server that plays a script: real HTTP, real streams, real failures, no weights.

It speaks OpenAI Responses, OpenAI chat completions and Anthropic messages over one scenario engine. What it
plays is written in the model's name, so a test or a benchmark chooses a behaviour where it chooses a model,
and the code under test is never patched. Start it with `python -m neo.engines.scripted_model --port P`.

**The scenario** is `key=value` joined by commas, a flag by its name alone: `tokens=50,delay_ms=10,length`.
An unknown key is answered like an unknown model (404), naming the key.

What is said (the answer is counted in tokens, numbered from 1):

- `tokens=N`     N numbered words: `w1 w2 w3 ` (default 20; 0 where a tool is asked for)
- `echo`         the last user message instead, one word a token
- `recall`       every user message that was sent or is remembered, one a line, oldest first
- `instructions` the instructions that came with the call
- `reasoning=N`  N words of reasoning (`r1 r2 `) before the answer
- `tool=NAME`    asks for this tool after the answer; given the outcome, it only answers. `tool=A+B` asks for both
- `calls=N`      so many calls at once, of the tools in turn (default one of each; `unknown_thing` without `tool`)
- `call=NAME{json}` asks for this tool with these arguments; several are asked for at once. `then` stands between the
                 calls of one answer and those of the next: `call=read{"about":"x"},then,call=write{"text":"y"}`
- `obey`         asks for whatever `call=NAME{json}` stands in what it has not read before: the user's message, the
                 instructions and the tools' descriptions, and then each outcome
- `bad_call=KIND` spoils its calls: `empty` arguments, `broken` ones, or an `unknown` name. Without another word for
                 calls it asks for the first tool that is offered
- `strict`       refuses calls whose arguments are not a JSON object, and calls in a request without tools
- `rounds=N`     asks so many times in a turn before it only answers (default 1)
- `unquoted`     says nothing of the outcomes that it was given
- `tool_call`    asks for the tool `look_up` after every answer, for ever
- `length`       ends as incomplete: the answer's limit of tokens is reached

The arguments of a call, unless they are written out, say which it is: `{"round":1,"call":2}`. Whoever runs turns may
treat the names `gated` (needs a decision) and `apart` (runs apart) in a special way; here they are names like others.
An answer that was given outcomes begins with a line for each of them, `got ` and its first 1,000 characters, but for
`unquoted`. Rounds are counted from the last user message among those that were sent or are remembered.

When:

- `first_ms=D`    before anything is sent
- `delay_ms=D`    after each token, by the clock: what one comes late the next makes up for
- `pause_after=N` after N tokens, until `POST /control/release?gate=NAME`; `gate=NAME` (default `default`)
- `in_answer=K`   pauses, and goes wrong, in the K-th answer of a turn only

What goes wrong (always, or with `times=T` in the first T calls only, which are counted per `key=NAME`, or per
scenario without a key):

- `status=S`       answers S, with `retry_after=SECONDS` or `retry_date=SECONDS` (as an HTTP date)
- `forget`         answers `previous_response_not_found` to a call that continues another
- `hang_after=N`   after N tokens sends nothing, for ever
- `half=N`         after N tokens closes the connection in the middle of the body
- `eof=N`          after N tokens ends the body properly, without the final event
- `reset=N`        after N tokens resets the connection (RST)
- `error_after=N`  after N tokens sends the provider's error event, under HTTP 200
- `failed_after=N` the same as `response.failed` (in the other dialects as `error_after`)
- `bad_json=N`     after N tokens sends an event whose data is not JSON
- `open_end`       sends the final event, and then neither more nor the end of the body
- `code=NAME`      the provider's error code for `status`, `error_after` and `failed_after`

A call of a tool without its outcome, an outcome without its call, two calls of one id, and an id or a name that OpenAI
would refuse are answered with 400, in every dialect.

Read by the client, not by the server: `budget=N`, the tokens that a prompt may have.

**Control**: `GET /control/waiting?gate=NAME` says how many calls wait at the gate,
`POST /control/release?gate=NAME` lets those go on, `GET /control/calls` lists the calls received (the newest
10,000; `?model=` for one scenario), `DELETE /control/calls` clears that list, `GET /health` answers 200.
"""
