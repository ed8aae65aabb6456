/** Reading what strangers send: never more than a limit. */

/** The body of an answer or a request; nothing, if it is longer than `most` bytes. */
export async function readAtMost(
  body: ReadableStream<Uint8Array> | null,
  most: number,
): Promise<Uint8Array | undefined> {
  if (!body) return new Uint8Array();
  const reader = body.getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > most) {
      await reader.cancel().catch(() => undefined);
      return undefined;
    }
    parts.push(value);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The same as text. */
export async function textAtMost(body: ReadableStream<Uint8Array> | null, most: number): Promise<string | undefined> {
  const bytes = await readAtMost(body, most);
  return bytes && new TextDecoder().decode(bytes);
}
