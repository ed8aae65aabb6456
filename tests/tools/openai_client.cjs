// The official client of npm, through a gateway: what people's programs do with it.
const { OpenAI, NotFoundError } = require("openai");

const client = new OpenAI({ baseURL: process.argv[2], apiKey: "local", maxRetries: 0 });
const messages = [{ role: "user", content: "Grüezi" }];
const tools = [{ type: "function", function: { name: "f", parameters: { type: "object", properties: { a: { type: "integer" } } } } }];

async function streamed() {
  const stream = client.chat.completions.stream({ model: "small", messages, tools, stream_options: { include_usage: true } });
  let text = "";
  stream.on("content", (delta) => (text += delta));
  const answer = await stream.finalChatCompletion();
  const call = answer.choices[0].message.tool_calls[0].function;
  return { text, call: [call.name, call.arguments], usage: answer.usage.total_tokens };
}

async function cancelled() {
  const stream = await client.chat.completions.create({ model: "long", messages, stream: true });
  let events = 0;
  for await (const event of stream) {
    events += event.choices.length;
    if (events === 3) break; // ends the request
  }
  return events;
}

async function atOnce(count) {
  const ask = () => client.chat.completions.create({ model: "whole", messages });
  const all = await Promise.all(Array.from({ length: count }, ask));
  return all.filter((it) => it.choices[0].message.content === "Grüezi" && it.usage.total_tokens === 15).length;
}

async function refused() {
  try {
    await client.chat.completions.create({ model: "unknown", messages });
  } catch (error) {
    return [error instanceof NotFoundError, error.status, error.code];
  }
}

async function main() {
  const models = [];
  for await (const model of client.models.list()) models.push(model.id);
  const embedding = await client.embeddings.create({ model: "whole", input: "x", encoding_format: "float" });
  const said = {
    models: models.sort(),
    streamed: await streamed(),
    embedding: embedding.data[0].embedding,
    cancelled: await cancelled(),
    atOnce: await atOnce(50),
    refused: await refused(),
  };
  console.log(JSON.stringify(said));
}

main();
