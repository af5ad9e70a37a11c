// Requests to the server. Nothing is stored here and nothing goes anywhere else.

const PATIENCE_MS = 20000;
const underWay = new Set();

/** The server answered, and the answer was no. `words` is {ko, en} or null; `retryAfter` seconds or null. */
export class Refused extends Error {
  constructor(status, words, retryAfter) {
    super(`status ${status}`);
    this.status = status;
    this.words = words;
    this.retryAfter = retryAfter;
  }
}

/** No answer came: no connection, too late, or not something this page can read. */
export class Unreachable extends Error {}

export const get = (path) => request(path, { method: "GET" });

export const post = (path, body) =>
  request(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Gyeot": "1" },
    body: JSON.stringify(body ?? {}),
  });

/** Drop every request under way, so that a late answer cannot bring a session back. */
export function dropAll() {
  for (const controller of underWay) controller.abort();
}

async function request(path, options) {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), PATIENCE_MS);
  underWay.add(controller);
  try {
    const response = await fetch(path, { ...options, cache: "no-store", signal: controller.signal });
    const answer = await response.json().catch(() => null);
    if (!response.ok) throw refusal(response, answer);
    if (answer === null) throw new Unreachable();
    return answer;
  } catch (error) {
    throw error instanceof Refused ? error : new Unreachable();
  } finally {
    clearTimeout(timer);
    underWay.delete(controller);
  }
}

function refusal(response, answer) {
  const spoken = typeof answer?.ko === "string" && typeof answer?.en === "string";
  const seconds = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  return new Refused(response.status, spoken ? { ko: answer.ko, en: answer.en } : null, seconds > 0 ? seconds : null);
}

/** A fresh id, also where the page is tried out without https and randomUUID is missing. */
export function freshId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
