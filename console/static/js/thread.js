// The open conversation: fetched, its key opened with the desk's, its entries opened one by one.

import { Refused } from "./api.js";
import { CannotOpen, fromBase64, openEntry, openNote, toBase64, sealNote } from "./sealing.js";

/** One line: {seq, who, at, by, texts: [..] | null (cannot be opened), delivery}. */

export class Thread {
  #api;
  #keys;
  #pair = null;
  #opened = new Map(); // place and sealed text -> texts, so that a refetch opens new lines only
  #dropped = false;
  #asked = 0; // fetches so far: only the latest one counts

  constructor(id, { api, keys }) {
    this.id = id;
    this.#api = api;
    this.#keys = keys;
    this.status = "opening"; // opening | open | failed
    this.problem = null; // words for a failed fetch or a refused action
    this.keyProblem = null;
    this.facts = null; // the server's answer without entries
    this.lines = [];
    this.mode = "reply";
    this.busy = null; // the action on its way
    this.sticks = true; // scrolled to the end
    this.news = 0; // lines that came while scrolled up
  }

  get row() {
    return this.facts?.conversation ?? null;
  }

  may(action) {
    return this.status === "open" && this.facts.may.includes(action);
  }

  /** Fetch and open. Gives the number of new lines by the visitor; 0 when it was dropped meanwhile. */
  async load() {
    this.#asked += 1;
    const asked = this.#asked;
    let answer;
    try {
      answer = await this.#api.get(`/api/conversations/${encodeURIComponent(this.id)}`);
    } catch (error) {
      if (!this.#dropped && asked === this.#asked) this.#fail(error);
      return 0;
    }
    const lines = await this.#open(answer);
    if (this.#dropped || asked !== this.#asked) return 0;
    if (this.status !== "open") this.problem = null;
    const before = this.status === "open" ? this.lines.length : lines.length;
    this.take(answer);
    this.lines = lines;
    this.status = "open";
    const fresh = lines.slice(before).filter((line) => line.who === "visitor").length;
    if (!this.sticks) this.news += fresh;
    return fresh;
  }

  /** Take over what an answer says: all of it after a fetch, at least the row and what one may do after an action. */
  take({ entries: _entries, ...said }) {
    const facts = { ...this.facts, ...said };
    this.facts = facts;
    if (!facts.may.includes("reply") && facts.may.includes("note")) this.mode = "note";
    if (facts.may.includes("reply") && !facts.may.includes("note")) this.mode = "reply";
  }

  /** Take over the answer to an action; a fetch sent before it knows less and no longer counts. */
  acted(facts) {
    this.#asked += 1;
    this.take(facts);
  }

  async sealNote(text, noteId) {
    const sealed = await sealNote(fromBase64(this.facts.public_key), text, { conversation: this.id, noteId });
    return toBase64(sealed);
  }

  /** Forget the key and every line. */
  drop() {
    this.#dropped = true;
    this.#forget();
    this.#keys = null;
    this.facts = null;
    this.status = "failed";
  }

  #forget() {
    this.#pair = null;
    this.#opened.clear();
    this.lines = [];
  }

  #fail(error) {
    const refused = error instanceof Refused;
    const lost = refused && (error.status === 403 || error.status === 404);
    if (this.status === "open" && !lost) return; // an old reading is better than none; it is fetched again
    this.#forget();
    this.status = "failed";
    this.problem = lost ? `conversation.${error.status === 404 ? "gone" : "not_allowed"}` : "conversation.cannot_load";
  }

  async #open(answer) {
    await this.#openKey(answer.key);
    const deliveries = new Map(answer.deliveries.map((delivery) => [delivery.seq, delivery]));
    return Promise.all(answer.entries.map((entry) => this.#line(entry, deliveries.get(entry.seq))));
  }

  async #openKey(key) {
    if (this.#pair !== null || this.#dropped) return;
    this.keyProblem = null;
    if (!key?.sealed) {
      this.keyProblem = "conversation.shredded";
      return;
    }
    try {
      this.#pair = await this.#keys.openConversationKey(key, this.id);
    } catch {
      this.keyProblem = "conversation.key_missing";
    }
  }

  async #line(entry, delivery) {
    const note = Boolean(entry.note_id);
    const texts = await this.#texts(entry, note);
    return { seq: entry.seq, who: note ? "note" : entry.author, at: entry.at, by: entry.by ?? "", texts, delivery };
  }

  async #texts(entry, note) {
    const place = [entry.seq, entry.author, entry.note_id, entry.sealed].join("|");
    const known = this.#opened.get(place);
    if (known !== undefined) return known;
    const pair = this.#pair;
    if (pair === null) return null;
    try {
      const texts = note ? [await openNote(pair, fromBase64(entry.sealed), this.#place(entry))] : await this.#said(pair, entry);
      if (!this.#dropped) this.#opened.set(place, texts);
      return texts;
    } catch (error) {
      // A place that cannot be written down, or text that is no base64, is as unreadable as a forged line.
      if (error instanceof CannotOpen || error instanceof TypeError || error instanceof DOMException) return null;
      throw error;
    }
  }

  async #said(pair, entry) {
    return (await openEntry(pair, fromBase64(entry.sealed), this.#place(entry))).texts;
  }

  #place(entry) {
    return { conversation: this.id, seq: entry.seq, author: entry.author, noteId: entry.note_id };
  }
}
