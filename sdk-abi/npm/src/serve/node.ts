/** What of Node's `http` is needed here, so that browsers need no types of Node. */
export interface Incoming extends AsyncIterable<Uint8Array> {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

export interface Outgoing {
  writeHead(status: number, headers: Record<string, string>): unknown;
  write(bytes: Uint8Array): boolean;
  end(): unknown;
  destroy(): unknown;
  once(event: "drain" | "close", listener: () => void): unknown;
  readonly destroyed: boolean;
}

/** A listener for Node's `createServer` out of a sink: `createServer(nodeListener(serve)).listen(4200)`. */
export function nodeListener(serve: {
  fetch(request: Request): Promise<Response>;
}): (request: Incoming, response: Outgoing) => void {
  return (request, response) => {
    serve
      .fetch(requestOf(request))
      .then((answer) => send(answer, response))
      .catch(() => response.destroy());
  };
}

function requestOf(incoming: Incoming): Request {
  const method = incoming.method ?? "GET";
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined) headers.set(name, typeof value === "string" ? value : value.join(", "));
  }
  const url = `http://sink.invalid${incoming.url?.startsWith("/") ? incoming.url : "/"}`;
  if (method === "GET" || method === "HEAD") return new Request(url, { method, headers });
  const parts = incoming[Symbol.asyncIterator]();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await parts.next();
      if (done) controller.close();
      else controller.enqueue(new Uint8Array(value));
    },
    async cancel() {
      await parts.return?.();
    },
  });
  return new Request(url, { method, headers, body, duplex: "half" } as RequestInit);
}

/** Sends an answer as fast as it is read; a reader that has gone ends it. */
async function send(answer: Response, response: Outgoing): Promise<void> {
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  const reader = answer.body?.getReader();
  response.once("close", () => void reader?.cancel().catch(() => undefined));
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true };
    if (done || response.destroyed) break;
    if (!response.write(value!))
      await new Promise<void>((resolve) => (response.once("drain", resolve), response.once("close", resolve)));
  }
  response.end();
}
