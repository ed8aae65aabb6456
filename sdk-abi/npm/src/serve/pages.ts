/** Seconds that a browser remembers that. */
const REMEMBERED = "86400";

/** A browser asks whether a page of another site may send what it is about to send. */
export const isPreflight = ({ method, headers }: Request): boolean =>
  method === "OPTIONS" && headers.has("access-control-request-method");

/**
 * Any page may: a sink is told by signatures with whom it deals, and knows no cookies that a page could borrow.
 */
export const preflight = (): Response =>
  new Response(null, {
    status: 204,
    headers: {
      "access-control-allow-origin": "*",
      "access-control-allow-methods": "*",
      "access-control-allow-headers": "*",
      "access-control-max-age": REMEMBERED,
    },
  });

/** Lets pages of any site read an answer. */
export function toPages(answer: Response): Response {
  answer.headers.set("access-control-allow-origin", "*");
  answer.headers.set("access-control-expose-headers", "*");
  return answer;
}
