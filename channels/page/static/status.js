// What is happening now, and short notices. Both follow the language.
import { onLanguage, say } from "./texts.js";

const PHASES = new Set(["none", "with_bot", "waiting", "claimed", "closed"]);

export class Status {
  #state = { phase: "none", ahead: null, minutes: null };

  constructor(element) {
    this.element = element;
    onLanguage(() => this.#write());
  }

  get phase() {
    return this.#state.phase;
  }

  show(state) {
    this.#state = PHASES.has(state.phase) ? state : { ...state, phase: "none" };
    this.#write();
  }

  // The same words are not written again: a screen reader would say them again.
  #write() {
    const words = describe(this.#state);
    this.element.dataset.phase = this.#state.phase;
    if (this.element.firstChild?.textContent === words) return;
    this.element.textContent = words;
    if (this.#state.phase !== "waiting") return;
    const more = document.createElement("span");
    more.className = "more";
    more.textContent = ` ${say("waiting_meanwhile")}`;
    this.element.append(more);
  }
}

function describe({ phase, ahead, minutes }) {
  const words = [say(`state_${phase}`)];
  if (phase !== "waiting") return words[0];
  if (ahead === 0) words.push(say("waiting_next"));
  else if (ahead > 0) words.push(say("waiting_ahead", { ahead }));
  words.push(
    Array.isArray(minutes) ? say("waiting_minutes", { low: minutes[0], high: minutes[1] }) : say("waiting_unknown"),
  );
  return words.join(" ");
}

export class Notice {
  #text = null;
  #timer = 0;

  constructor(element) {
    this.element = element;
    onLanguage(() => this.#write());
  }

  /** Show a text (a key or {ko, en}), for some seconds or until the next. */
  show(text, seconds = 0) {
    clearTimeout(this.#timer);
    this.#text = text;
    this.#write();
    if (seconds) this.#timer = setTimeout(() => this.clear(), seconds * 1000);
  }

  /** Take the notice away; with a text, only if it is this one. */
  clear(text = this.#text) {
    if (text !== this.#text) return;
    this.#text = null;
    this.#write();
  }

  #write() {
    this.element.textContent = this.#text ? say(this.#text) : "";
  }
}
