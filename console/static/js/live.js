// The server rings with ids only; this page then fetches what it may see. Many rings at once are one fetch.

const QUIET_MS = 300;
const REOPEN_MS = 3000;
const POLL_MS = 15_000;

/** Gathers rings: `run(ids)` is called at most once in 300 ms and never twice at a time. */
export class Refresher {
  #ids = new Set();
  #timer = null;
  #running = false;
  #lastAt = 0;

  constructor(run) {
    this.run = run;
  }

  /** `id` is a conversation's, "" for the queue alone, "*" for everything. */
  ring(id) {
    this.#ids.add(id);
    if (this.#timer !== null || this.#running) return;
    this.#timer = setTimeout(() => this.#go(), Math.max(0, this.#lastAt + QUIET_MS - Date.now()));
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#ids.clear();
  }

  async #go() {
    this.#timer = null;
    this.#running = true;
    this.#lastAt = Date.now();
    const ids = this.#ids;
    this.#ids = new Set();
    try {
      await this.run(ids);
    } finally {
      this.#running = false;
      const missed = [...this.#ids];
      for (const id of missed) this.ring(id);
    }
  }
}

/** The event stream, kept open for as long as the session lasts. */
export class Live {
  #source = null;
  #reopen = null;
  #poll = null;

  /** `onRing(id)`; `onState(connected)`. */
  constructor({ onRing, onState }) {
    this.onRing = onRing;
    this.onState = onState;
  }

  start() {
    this.stop();
    this.#open();
  }

  stop() {
    this.#source?.close();
    this.#source = null;
    clearTimeout(this.#reopen);
    clearInterval(this.#poll);
    this.#poll = null;
  }

  #open() {
    const source = new EventSource("/api/events");
    this.#source = source;
    source.addEventListener("open", () => this.#connected());
    source.addEventListener("changed", (event) => this.onRing(idIn(event.data)));
    source.addEventListener("error", () => this.#lost(source));
  }

  #connected() {
    clearInterval(this.#poll);
    this.#poll = null;
    this.onState(true);
    this.onRing("*");
  }

  #lost(source) {
    if (source !== this.#source) return;
    this.onState(false);
    // Without the stream the page asks now and then; a session that is over is noticed by that as well.
    this.#poll ??= setInterval(() => this.onRing("*"), POLL_MS);
    if (source.readyState !== EventSource.CLOSED) return;
    this.onRing("*");
    this.#reopen = setTimeout(() => this.#open(), REOPEN_MS);
  }
}

function idIn(text) {
  try {
    return String(JSON.parse(text).id ?? "");
  } catch {
    return "";
  }
}
