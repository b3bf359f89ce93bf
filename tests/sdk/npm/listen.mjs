// Reads a turn as a browser's EventSource does, with the connection cut after every few events.
import { EventSource } from "eventsource";

const [url, key, every] = process.argv.slice(2);
const seen = [];
let requests = 0;

async function cutting(input, init) {
  requests += 1;
  const headers = { ...init.headers, authorization: `Bearer ${key}` };
  const response = await fetch(input, { ...init, headers });
  if (response.status !== 200) return response;
  let events = 0;
  const body = response.body.pipeThrough(
    new TransformStream({
      transform(bytes, out) {
        events += new TextDecoder().decode(bytes).split("\nid: ").length;
        out.enqueue(bytes);
        if (events > Number(every)) out.terminate();
      },
    }),
  );
  return { body, url: response.url, status: 200, redirected: false, headers: response.headers };
}

const source = new EventSource(url, { fetch: cutting });
source.onmessage = (event) => {
  if (event.data !== "[DONE]") seen.push({ id: event.lastEventId, chunk: JSON.parse(event.data) });
};
source.onerror = (error) => {
  if (source.readyState === EventSource.CLOSED) {
    console.log(JSON.stringify({ seen, requests, code: error.code }));
    process.exit(0);
  }
};
setTimeout(() => { console.log(JSON.stringify({ seen, requests, code: "late" })); process.exit(1); }, 40000);
