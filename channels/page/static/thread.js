// The talk on the screen: entries in the order of their numbers, each once; own lines at once.
import { label } from "./texts.js";

const NEAR_PX = 120;

export class Thread {
  #rows = new Map(); // seq -> row
  #following = false;
  #pending = []; // own lines without a number yet

  constructor(elements, choose) {
    this.log = elements.log;
    this.quick = elements.quick;
    this.scroller = elements.scroller;
    this.choose = choose;
    // The box shrinks when a notice or a keyboard comes: whoever read the end goes on reading it.
    this.scroller.addEventListener("scroll", () => (this.#following = this.#nearEnd()));
    new ResizeObserver(() => this.#following && this.#end()).observe(this.scroller);
  }

  has(seq) {
    return this.#rows.has(seq);
  }

  /** Show an own line before the server has it. Returns what the outbox needs to follow it. */
  pending(text) {
    const row = this.#row({ who: "visitor", at: null, texts: [text] });
    const line = { row, text, seq: null, note: row.appendChild(piece("p", "note")) };
    this.#pending.push(line);
    this.log.append(row);
    this.#offer([]);
    this.#end();
    return line;
  }

  /** The server has this own line under this number. */
  settle(line, seq) {
    this.#forget(line);
    line.seq = seq;
    line.note.remove();
    line.row.classList.remove("failed");
    // After a lost answer it may have come back as an entry already: then one of the two is enough.
    line.row.remove();
    if (!this.#rows.has(seq)) this.#place(seq, line.row);
  }

  /** Take an own line off the screen: its words went back to where they were written. */
  withdraw(line) {
    this.#forget(line);
    line.row.remove();
  }

  /** Show entries that are not shown yet. Returns whether any was new. */
  add(entries) {
    const follow = this.#following || this.#nearEnd();
    const fresh = entries.filter((entry) => !this.#rows.has(entry.seq));
    const rows = fresh.map((entry) => this.#place(entry.seq, this.#row(entry)));
    for (const entry of fresh) this.#offerAfter(entry);
    if (rows.length && rows.length === this.#rows.size) this.#end();
    else if (rows.length && follow) this.#show(rows[0]);
    return fresh.length > 0;
  }

  /** Empty the screen of everything the server sent; lines that are not sent yet stay. */
  clear() {
    for (const row of this.#rows.values()) row.remove();
    this.#rows.clear();
    this.#offer([]);
  }

  #forget(line) {
    this.#pending = this.#pending.filter((each) => each !== line);
  }

  #place(seq, row) {
    this.#rows.set(seq, row);
    row.dataset.seq = String(seq);
    const later = Array.from(this.log.children).find((each) => Number(each.dataset.seq ?? Infinity) > seq);
    this.log.insertBefore(row, later ?? null);
    return row;
  }

  #row(entry) {
    const row = piece("div", `entry ${["bot", "counselor", "visitor"].includes(entry.who) ? entry.who : "system"}`);
    const who = row.appendChild(piece("p", "who"));
    label(who.appendChild(piece("span")), `who_${row.classList[1]}`);
    const at = entry.at ? new Date(entry.at) : new Date();
    const time = who.appendChild(piece("time"));
    time.dateTime = at.toISOString();
    time.textContent = `${String(at.getHours()).padStart(2, "0")}:${String(at.getMinutes()).padStart(2, "0")}`;
    for (const text of entry.texts) row.appendChild(piece("p", "text")).textContent = text;
    return row;
  }

  // Replies stand until somebody answers, also below a notice of the system.
  #offerAfter(entry) {
    if (entry.quick?.length) this.#offer(entry.quick);
    else if (entry.who === "visitor" || entry.who === "counselor") this.#offer([]);
  }

  #offer(replies) {
    const held = this.quick.contains(document.activeElement);
    this.quick.replaceChildren(...replies.map((reply) => this.#button(reply)));
    this.quick.hidden = replies.length === 0;
    if (held) this.rest();
  }

  /** Keep the keyboard's place when the button that was pressed goes away. */
  rest() {
    this.scroller.focus({ preventScroll: true });
  }

  #button(reply) {
    const button = piece("button", "reply");
    button.type = "button";
    button.textContent = reply.label;
    button.addEventListener("click", () => this.choose(reply.say));
    return button;
  }

  #nearEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR_PX;
  }

  #end() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.#following = true;
  }

  // A long answer is shown from its first line, not from its last.
  #show(row) {
    const top = row.getBoundingClientRect().top - this.scroller.getBoundingClientRect().top;
    this.scroller.scrollTop += Math.max(0, top - 16);
  }
}

function piece(tag, name = "") {
  const element = document.createElement(tag);
  if (name) element.className = name;
  return element;
}
