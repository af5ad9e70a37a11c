// Keeps the talk current: the server's event stream, and what a phone does to it.

const QUIET_MS = 4000; // a short break is nobody's business
const STALE_MS = 30000; // a stream that slept this long may be dead without knowing
const SHORTEST_MS = 2000;
const LONGEST_MS = 60000;

export class Live {
  #source = null;
  #lost = 0; // timer of a break that is not said yet
  #said = false;
  #pause = SHORTEST_MS;
  #again = 0;
  #hiddenAt = 0;

  constructor(talk, outbox, notice) {
    this.talk = talk;
    this.outbox = outbox;
    this.notice = notice;
    document.addEventListener("visibilitychange", () => this.#turned());
    window.addEventListener("online", () => this.refresh());
    window.addEventListener("offline", () => this.#say());
  }

  /** Listen to the server, if not listening already. */
  open() {
    if (this.#source) return;
    const source = new EventSource("/api/events");
    this.#source = source;
    source.addEventListener("open", () => this.#opened());
    source.addEventListener("changed", () => this.refresh());
    source.addEventListener("error", () => this.#broken(source));
  }

  close() {
    this.#source?.close();
    this.#source = null;
    clearTimeout(this.#lost);
    clearTimeout(this.#again);
    this.#lost = 0;
    this.#said = false;
  }

  reopen() {
    this.close();
    this.open();
  }

  /** Fetch what is new and send what waits; a failure is tried again, ever more slowly. */
  async refresh() {
    clearTimeout(this.#again);
    try {
      await this.talk.pull();
    } catch {
      this.#later();
      return;
    }
    if (!this.outbox.empty) this.outbox.flush();
    if (this.#said && this.#source?.readyState !== EventSource.CONNECTING) {
      this.#said = false;
      this.notice.show("connection_back", 5);
    }
  }

  #opened() {
    clearTimeout(this.#lost);
    this.#lost = 0;
    this.#pause = SHORTEST_MS;
    this.refresh();
  }

  #broken(source) {
    if (source !== this.#source) return;
    this.#lost ||= setTimeout(() => this.#say(), QUIET_MS);
    // The browser reconnects by itself, but gives up for good when the answer was not a stream.
    // Then a fetch tells whether there still is a session to listen to, and opens the stream again.
    if (source.readyState !== EventSource.CLOSED) return;
    this.#source = null;
    this.#later();
  }

  #later() {
    clearTimeout(this.#again);
    this.#again = setTimeout(() => this.refresh(), this.#pause);
    this.#pause = Math.min(this.#pause * 2, LONGEST_MS);
  }

  #say() {
    this.#said = true;
    this.notice.show("connection_lost");
  }

  #turned() {
    if (document.visibilityState === "hidden") {
      this.#hiddenAt = Date.now();
      return;
    }
    if (this.#source && Date.now() - this.#hiddenAt > STALE_MS) this.reopen();
    else this.refresh();
  }
}
