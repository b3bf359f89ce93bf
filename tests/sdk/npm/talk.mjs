// Posts one message by the documented transport and prints the message that the AI SDK makes of the answer.
import { readUIMessageStream } from "ai";
import { NeoTransport, partsThatCount } from "./recipe.mjs";

const [url, key, chatId, text] = process.argv.slice(2);
const transport = new NeoTransport(url, { authorization: `Bearer ${key}` });
const asked = { id: crypto.randomUUID(), role: "user", parts: [{ type: "text", text }] };
const errors = [];
let message;
const stream = await transport.sendMessages({ chatId, messages: [asked] });
for await (const state of readUIMessageStream({ stream, onError: (error) => errors.push(String(error)) })) message = state;
console.log(JSON.stringify({ message, counts: message ? partsThatCount(message) : [], errors }));
