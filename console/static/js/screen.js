// Drawing: many asks for it are one drawing; afterwards the box, the dialog, the scroll and the focus are settled.

import { settleBox } from "./compose.js";
import { settleDialog } from "./dialog.js";
import { render } from "./lit.js";

export class Screen {
  #due = false;
  #view = null;
  #state = null;

  constructor(root) {
    this.root = root;
  }

  /** `view()` gives the whole page as a template. */
  shows(view, state) {
    this.#view = view;
    this.#state = state;
    this.drawNow();
  }

  draw = () => {
    if (this.#due) return;
    this.#due = true;
    queueMicrotask(() => this.#due && this.drawNow());
  };

  drawNow = () => {
    this.#due = false;
    const held = document.activeElement;
    render(this.#view(), this.root);
    settleBox(this.root, this.#state);
    settleDialog(this.root, this.#state);
    this.#settleScroll();
    this.#settleFocus(held);
  };

  /** Focus what the selector finds, once what is due has been drawn. */
  focus = (selector) => {
    if (this.#due) this.drawNow();
    const found = this.root.querySelector(selector);
    found?.focus({ preventScroll: found.id === "transcript" });
    if (found?.classList.contains("row")) found.scrollIntoView({ block: "nearest" });
  };

  /** Resolves when the browser has shown what was drawn. */
  painted = () =>
    new Promise((done) => {
      requestAnimationFrame(() => setTimeout(done));
    });

  #settleScroll() {
    const box = this.root.querySelector("#transcript");
    if (box !== null && this.#state.thread?.sticks) box.scrollTop = box.scrollHeight;
  }

  /** A button that did its work and went must not leave the keyboard nowhere. */
  #settleFocus(held) {
    if (held === null || held === document.body || held.isConnected || this.#state.gate !== "signed_in") return;
    this.root.querySelector("#thread-title, #staff-title, #queue")?.focus();
  }
}
