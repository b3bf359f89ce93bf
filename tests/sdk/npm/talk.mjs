// Says something, or comes to a chat that is open elsewhere, and prints the message that the AI SDK makes of the answer.
import { chatOf, until } from "./chat.mjs";

const [version, url, key, id, text] = process.argv.slice(2);
const { chat, transport, partsThatCount, seen } = await chatOf(version, url, key, id);
const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
const waits = () => chat.status === "ready" && transport.last?.type === "data-turn-waiting";
const isStored = () => chat.messages.at(-1)?.role === "assistant" && chat.messages.at(-1).metadata?.chat_turn_status === "COMPLETED";
const hasEnded = () => ["finish", "error", "abort"].includes(transport.last?.type) || isStored();
const isOver = () => ["ready", "error"].includes(chat.status) && hasEnded();

async function decide(part) {
  const decision = part.toolName === "gated" ? { decision: "APPROVED" } : { output: { from: part.toolName } };
  const door = `${new URL(url).origin}/public-api/scripted-model/calls/${part.toolCallId}`;
  const answer = await fetch(door, { method: "POST", headers, body: JSON.stringify(decision) });
  if (!answer.ok) throw new Error(await answer.text());
}

const going = text ? chat.sendMessage({ text }) : transport.resume(chat);
await until(chat, () => isOver() || waits());
await going;
const waited = waits() ? partsThatCount(chat.messages.at(-1)) : null;
if (waited) {
  for (const part of waited.filter((one) => one.type === "dynamic-tool")) await decide(part);
  await until(chat, isOver);
}
const message = chat.messages.at(-1);
console.log(JSON.stringify({ message, count: chat.messages.length, counts: partsThatCount(message), waited, ...seen }));
process.exit(0);
