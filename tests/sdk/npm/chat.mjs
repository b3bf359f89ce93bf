// A chat as `useChat` has it, without React: the AI SDK's own, of the version asked for.
export async function chatOf(version, url, key, id) {
  const { AbstractChat } = await import(version);
  const { NeoTransport, partsThatCount } = await import(`./recipe-${version}.mjs`);
  class State {
    status = "ready";
    messages = [];
    pushMessage = (message) => { this.messages = [...this.messages, message]; };
    popMessage = () => { this.messages = this.messages.slice(0, -1); };
    replaceMessage = (at, message) => { this.messages = this.messages.map((one, n) => (n === at ? structuredClone(message) : one)); };
    snapshot = (value) => structuredClone(value);
  }
  class Chat extends AbstractChat {
    setMessages(messages) { this.messages = messages; }
  }
  const transport = new NeoTransport(url, { authorization: `Bearer ${key}` });
  const seen = { errors: [], statuses: [] };
  const chat = new Chat({
    id,
    transport,
    state: new State(),
    onError: (error) => seen.errors.push(String(error)),
    onFinish: (end) => {
      seen.statuses.push(chat.status);
      transport.ended(chat, end).catch((error) => seen.errors.push(String(error)));
    },
  });
  return { chat, transport, partsThatCount, seen };
}

// `check` of the last message that counts, once it holds.
export async function until(chat, check, seconds = 40) {
  const late = Date.now() + seconds * 1000;
  while (!check(chat.messages.at(-1)?.parts ?? [])) {
    if (Date.now() > late) throw new Error(`It never came to: ${check}. ${JSON.stringify(chat.messages)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
