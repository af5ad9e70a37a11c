// The recovery code: made here, shown once, entered on another day.
import { Refused } from "./api.js";
import { onLanguage, say } from "./texts.js";

const find = (id) => document.getElementById(id);

export class Recovery {
  #said = null;

  /** `returned()` is called when a talk goes on here. */
  constructor(talk, returned) {
    this.talk = talk;
    this.returned = returned;
    this.dialog = find("recovery");
    find("open-recovery").addEventListener("click", () => this.#open());
    find("make-code").addEventListener("click", () => this.#make());
    find("hide-code").addEventListener("click", () => this.#hide());
    find("enter").addEventListener("submit", (event) => this.#enter(event));
    this.dialog.addEventListener("close", () => this.#hide());
    onLanguage(() => this.#tell(this.#said));
  }

  #open() {
    find("make").hidden = this.talk.status.phase === "none";
    this.#tell(null);
    this.dialog.showModal();
  }

  async #make() {
    const button = find("make-code");
    button.disabled = true;
    try {
      this.#reveal(await this.talk.makeCode());
    } catch (error) {
      this.#tell(error.words ?? (error.status === 401 ? "session_over" : "not_understood_by_server"));
    } finally {
      button.disabled = false;
    }
  }

  #reveal(code) {
    if (!this.dialog.open) return;
    const words = code.split(/\s+/).map((word) => {
      const item = document.createElement("li");
      item.textContent = word;
      return item;
    });
    find("code").replaceChildren(...words);
    find("make-code").hidden = true;
    find("made").hidden = false;
    find("made").focus();
    this.#tell(null);
  }

  #hide() {
    const held = find("made").contains(document.activeElement);
    find("code").replaceChildren();
    find("made").hidden = true;
    find("make-code").hidden = false;
    find("entered").value = "";
    if (held && this.dialog.open) find("make-code").focus();
  }

  async #enter(event) {
    event.preventDefault();
    const code = find("entered").value.trim().replace(/\s+/g, " ");
    if (!code) {
      find("entered").focus();
      return;
    }
    try {
      await this.talk.recover(code);
    } catch (error) {
      this.#tell(excuse(error));
      return;
    }
    this.dialog.close();
    this.returned();
  }

  #tell(text) {
    this.#said = text;
    find("recovery-said").textContent = text ? say(text) : "";
  }
}

function excuse(error) {
  if (!(error instanceof Refused)) return "not_understood_by_server";
  if (error.status === 404 || error.status === 422) return "recovery_wrong";
  if (error.status === 429) return "recovery_too_many";
  return error.words ?? "not_understood_by_server";
}
