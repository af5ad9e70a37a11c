// Requests to the console's server. A 401 with the present session means that it is over.

const HERE_MS = 60_000;

/** The server refused: `status`, and `code` as the server named it. */
export class Refused extends Error {
  constructor(status, code) {
    super(`refused: ${status}`);
    this.name = "Refused";
    this.status = status;
    this.code = code;
  }

  /** Whether the server surely did nothing, so that a new attempt is a new request. */
  get final() {
    return this.status >= 400 && this.status < 500 && this.status !== 429;
  }
}

/** No answer came. What was asked may have been done. */
export class NoAnswer extends Error {
  constructor() {
    super("no answer");
    this.name = "NoAnswer";
  }
}

export class Api {
  #token = null;
  #onOver;
  #postedAt;

  /** `onOver` is called when the server says that the session has ended. */
  constructor(onOver) {
    this.#onOver = onOver;
    this.#postedAt = 0;
  }

  begin(token) {
    this.#token = token;
    this.#postedAt = Date.now();
  }

  forget() {
    this.#token = null;
  }

  get(path) {
    return this.#ask(path, { method: "GET" });
  }

  post(path, body) {
    this.#postedAt = Date.now();
    return this.#ask(path, this.#form(body, this.#token));
  }

  /** A request that has no session yet, whose 401 means a wrong passphrase. */
  async knock(path, body) {
    return answered(await fetched(path, this.#form(body, null)));
  }

  /** Fetching does not keep a session alive, work does: say so once a minute while somebody reads or writes. */
  stillHere() {
    if (this.#token === null || Date.now() - this.#postedAt < HERE_MS) return;
    this.post("/api/here", { request_id: crypto.randomUUID() }).catch(() => undefined);
  }

  /** Tell the server to end the session; nobody waits for the answer, the page may be going away. */
  farewell() {
    if (this.#token === null) return;
    const form = this.#form({ request_id: crypto.randomUUID() }, this.#token);
    fetch("/api/sign-out", { ...form, keepalive: true }).catch(() => undefined);
  }

  async #ask(path, options) {
    const token = this.#token;
    const response = await fetched(path, options);
    if (response.status === 401 && token !== null && token === this.#token) this.#onOver();
    return answered(response);
  }

  #form(body, token) {
    const headers = { "Content-Type": "application/json" };
    if (token !== null) headers["X-Gyeot-Token"] = token;
    return { method: "POST", headers, body: JSON.stringify(body) };
  }
}

async function fetched(path, options) {
  try {
    return await fetch(path, { cache: "no-store", credentials: "same-origin", redirect: "error", ...options });
  } catch {
    throw new NoAnswer();
  }
}

async function answered(response) {
  if (response.status === 204) return null;
  let body = null;
  try {
    body = await response.json();
  } catch {
    if (response.ok) throw new NoAnswer();
  }
  if (!response.ok) throw new Refused(response.status, body?.error ?? "");
  return body;
}

/** The key of the words for what went wrong. */
export function problemOf(error) {
  if (!(error instanceof Refused)) return error instanceof NoAnswer ? "problem.network" : "problem.server";
  if (error.status === 409) return `problem.${["taken", "closed"].includes(error.code) ? error.code : "not_yours"}`;
  const known = { 403: "forbidden", 404: "not_found", 413: "malformed", 422: "malformed", 429: "too_many" };
  return `problem.${known[error.status] ?? "server"}`;
}
