// Own lines on their way: one after the other, kept until the server has them.
import { Refused, freshId } from "./api.js";
import { label, language } from "./texts.js";

const BUSY_S = 3;
const LONGEST_S = 60;
const SLOW_MS = 400;

export class Outbox {
  #queue = [];
  #running = false;
  #timer = 0;

  /** `giveBack(text)` returns words that the server will never take to where they were written. */
  constructor(talk, notice, giveBack) {
    this.talk = talk;
    this.notice = notice;
    this.giveBack = giveBack;
  }

  get empty() {
    return this.#queue.length === 0;
  }

  send(text) {
    this.#queue.push({ id: freshId(), lang: language(), line: this.talk.thread.pending(text) });
    return this.flush();
  }

  /** Send what waits, in order; stops at the first line that did not get through. */
  async flush() {
    if (this.#running) return;
    this.#running = true;
    clearTimeout(this.#timer);
    try {
      while (this.#queue.length && (await this.#next(this.#queue[0])));
    } finally {
      this.#running = false;
    }
  }

  async #next(item) {
    const slow = setTimeout(() => this.#queue.forEach((each) => mark(each.line, "sending")), SLOW_MS);
    try {
      await this.talk.send(item.id, item.line, item.lang);
      this.#queue.shift();
      this.notice.clear();
      return true;
    } catch (error) {
      return this.#failed(item, error);
    } finally {
      clearTimeout(slow);
    }
  }

  #failed(item, error) {
    const status = error instanceof Refused ? error.status : 0;
    if (status === 413 || status === 422) {
      this.#queue.shift();
      this.talk.thread.withdraw(item.line);
      this.giveBack(item.line.text);
      this.notice.show(error.words ?? (status === 413 ? "message_too_long" : "not_understood_by_server"));
      return true;
    }
    for (const each of this.#queue) mark(each.line, "not_sent", () => this.#again());
    this.#explain(status, error);
    return false;
  }

  #again() {
    this.talk.thread.rest();
    this.flush();
  }

  #explain(status, error) {
    if (status === 503) {
      this.notice.show(error.words ?? "busy");
      const seconds = Math.min(error.retryAfter ?? BUSY_S, LONGEST_S);
      this.#timer = setTimeout(() => this.flush(), seconds * 1000);
    } else if (status === 429) this.notice.show(error.words ?? "too_fast");
    else if (status) this.notice.show(error.words ?? "not_understood_by_server");
  }
}

function mark(line, key, again = null) {
  line.row.classList.toggle("failed", again !== null);
  line.note.replaceChildren(label(document.createElement("span"), key));
  if (!again) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "plain";
  button.addEventListener("click", again);
  line.note.append(" ", label(button, "send_again"));
}
