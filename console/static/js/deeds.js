// What a counselor does to the open conversation. A request that may have arrived keeps its id when it is tried again.

import { problemOf, Refused } from "./api.js";
import { draftKey } from "./state.js";

export class Deeds {
  #pending = new Map(); // "<id>/<action>" -> {of, body}: what was last tried without a clear answer
  #desk;

  /** `desk` gives {state, api, draw, refresh, focus}. */
  constructor(desk) {
    this.#desk = desk;
  }

  forget() {
    this.#pending.clear();
  }

  claim() {
    return this.#do("claim", "", () => ({}));
  }

  release() {
    return this.#do("release", "", () => ({}));
  }

  close() {
    return this.#do("close", "", () => ({}));
  }

  correct(risk, topic) {
    return this.#do("risk", `${risk}/${topic}`, () => ({ risk, topic }));
  }

  /** Send what stands in the box. It stays there until the server has it. */
  async send() {
    const { state } = this.#desk;
    const thread = state.thread;
    if (thread === null) return false;
    const { mode } = thread;
    const key = draftKey(thread.id, mode);
    const text = (state.drafts.get(key) ?? "").trim();
    if (text === "") return false;
    const sent = await this.#do(mode, text, () => (mode === "note" ? this.#note(thread, text) : { text }));
    if (sent && (state.drafts.get(key) ?? "").trim() === text) {
      state.drafts.delete(key);
      thread.sticks = true;
      this.#desk.emptied(key);
    }
    return sent;
  }

  async #note(thread, text) {
    const noteId = crypto.randomUUID();
    return { note_id: noteId, sealed: await thread.sealNote(text, noteId) };
  }

  async #do(action, of, make) {
    const { state, api, draw, refresh } = this.#desk;
    const thread = state.thread;
    if (thread === null || thread.busy !== null || !thread.may(action)) return false;
    thread.busy = action;
    thread.problem = null;
    draw();
    try {
      const body = await this.#body(`${thread.id}/${action}`, of, make);
      const facts = await api.post(`/api/conversations/${encodeURIComponent(thread.id)}/${action}`, body);
      this.#pending.delete(`${thread.id}/${action}`);
      if (state.thread === thread) thread.acted(facts);
      return true;
    } catch (error) {
      if (error instanceof Refused && error.final) this.#pending.delete(`${thread.id}/${action}`);
      thread.problem = error instanceof NotSealed ? "problem.sealing" : problemOf(error);
      return false;
    } finally {
      thread.busy = null;
      if (state.thread === thread) {
        refresh(thread.id);
        draw();
      }
    }
  }

  async #body(slot, of, make) {
    const pending = this.#pending.get(slot);
    if (pending?.of === of) return pending.body;
    let made;
    try {
      made = await make();
    } catch {
      throw new NotSealed();
    }
    const body = { request_id: crypto.randomUUID(), ...made };
    this.#pending.set(slot, { of, body });
    return body;
  }
}

class NotSealed extends Error {}
