// Where the visitor writes. Words only: files are refused, kindly.
import { onLanguage, say } from "./texts.js";

const LONGEST = 2000;
const WARN_AT = 1800;

export class Composer {
  #shift = false;
  #composing = false;

  constructor(elements, notice, send) {
    this.form = elements.form;
    this.words = elements.words;
    this.counter = elements.counter;
    this.notice = notice;
    this.send = send;
    this.form.addEventListener("submit", (event) => this.#submitted(event));
    this.words.addEventListener("keydown", (event) => (this.#shift = event.shiftKey));
    this.words.addEventListener("compositionstart", () => (this.#composing = true));
    this.words.addEventListener("compositionend", () => (this.#composing = false));
    this.words.addEventListener("beforeinput", (event) => this.#newline(event));
    this.words.addEventListener("input", () => this.#count());
    // A tap on the button leaves the keyboard of a phone open.
    this.form.querySelector("button").addEventListener("mousedown", (event) => event.preventDefault());
    onLanguage(() => this.#count());
    refuseFiles(() => notice.show("file_refused"));
  }

  /** Put words back in front of what was written since. */
  giveBack(text) {
    this.words.value = this.words.value ? `${text}\n${this.words.value}` : text;
    this.#count();
    this.words.focus();
  }

  #submitted(event) {
    event.preventDefault();
    this.#finishSyllable();
    const text = this.words.value.trim();
    if (!text) this.notice.show("message_empty", 6);
    else if (length(text) > LONGEST) this.notice.show("message_too_long");
    else {
      this.words.value = "";
      this.#count();
      this.notice.clear();
      this.send(text);
    }
  }

  // A syllable that is still being composed would come back into the emptied box.
  #finishSyllable() {
    if (!this.#composing) return;
    this.words.blur();
    this.words.focus();
  }

  // Enter sends when the browser is about to break the line, not when the key goes down: while a
  // Korean syllable is being composed, Enter belongs to the input method and breaks no line.
  #newline(event) {
    if (event.inputType !== "insertLineBreak" || event.isComposing || this.#shift) return;
    event.preventDefault();
    this.form.requestSubmit();
  }

  #count() {
    const left = LONGEST - length(this.words.value.trim());
    this.counter.classList.toggle("over", left < 0);
    if (left < 0) this.counter.textContent = say("message_too_long");
    else this.counter.textContent = left <= LONGEST - WARN_AT ? say("counter", { left }) : "";
  }
}

// The server counts characters, not UTF-16 units.
const length = (text) => Array.from(text).length;

function refuseFiles(refused) {
  const carries = (transfer) => Array.from(transfer?.types ?? []).includes("Files");
  for (const name of ["dragenter", "dragover", "drop"]) {
    window.addEventListener(name, (event) => {
      if (!carries(event.dataTransfer)) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "none";
      if (name === "drop") refused();
    });
  }
  window.addEventListener("paste", (event) => {
    const { clipboardData: pasted } = event;
    if (!carries(pasted) && !pasted?.files.length) return;
    // Words copied from a word processor bring a picture of themselves along; the words may pass.
    if (pasted.getData("text/plain") && pasted.getData("text/html")) return;
    event.preventDefault();
    refused();
  });
}
