// One talk with the server: what is known, asked for one request after the other.
import { get, post } from "./api.js";

export class Talk {
  #turn = Promise.resolve();
  #asked = null; // a pull that waits for its turn
  #cursor = 0; // everything up to this number is on the screen

  /** `onState(phase before, phase now)` is called after every answer. */
  constructor(thread, status, onState) {
    this.thread = thread;
    this.status = status;
    this.onState = onState;
  }

  /** Fetch what is new. Calls that come while one waits for its turn share it. */
  pull() {
    this.#asked ??= this.#inTurn(async () => {
      this.#asked = null;
      const reply = await get(`/api/thread?after=${this.#cursor}`);
      const fresh = this.#take(reply);
      this.#cursor = Math.max(this.#cursor, ...reply.entries.map((entry) => entry.seq));
      // Asking once more tells the server that these lines are on the screen.
      if (fresh && document.visibilityState === "visible") this.pull().catch(() => {});
    });
    return this.#asked;
  }

  /** Send one own line; the same id again is the same line. */
  send(id, line, lang) {
    return this.#inTurn(async () => {
      if (line.seq !== null) return;
      const reply = await post("/api/messages", { id, text: line.text, lang, seen: this.#cursor });
      this.thread.settle(line, reply.seq);
      this.#take(reply);
      this.#advance();
      if (reply.entries.some((entry) => entry.seq > this.#cursor)) this.pull().catch(() => {});
    });
  }

  makeCode() {
    return this.#inTurn(async () => (await post("/api/recovery")).code);
  }

  /** Go on with a talk begun elsewhere. */
  recover(code) {
    return this.#inTurn(async () => {
      const reply = await post("/api/recover", { code });
      this.restart();
      this.#take(reply);
      this.#cursor = Math.max(0, ...reply.entries.map((entry) => entry.seq));
    });
  }

  /** Forget what is on the screen. */
  restart() {
    this.thread.clear();
    this.#cursor = 0;
  }

  #inTurn(task) {
    const done = this.#turn.then(task);
    this.#turn = done.catch(() => {});
    return done;
  }

  #take(reply) {
    const before = this.status.phase;
    const fresh = this.thread.add(reply.entries);
    this.status.show(reply.state);
    this.onState(before, this.status.phase);
    return fresh;
  }

  // An answer to an own line may skip lines that a person wrote meanwhile: count only without gaps.
  #advance() {
    while (this.thread.has(this.#cursor + 1)) this.#cursor += 1;
  }
}
