// The page's one object: what it knows, what can be asked of it, and how it is drawn again.

import { Api } from "./api.js";
import { arrivals, titleOf } from "./arrivals.js";
import { emptyBox } from "./compose.js";
import { Deeds } from "./deeds.js";
import { Idle } from "./idle.js";
import { Live, Refresher } from "./live.js";
import { cursorOf, stepped } from "./queue.js";
import { NotSignedIn, Session } from "./session.js";
import { Chime } from "./sound.js";
import { admit, loadStaff } from "./staff.js";
import { beginning, fresh, rows } from "./state.js";
import { switches } from "./switches.js";
import { Thread } from "./thread.js";

export class Desk {
  /** `words`; `screen` gives {root, draw(), drawNow(), focus(selector)}. */
  constructor(words, screen) {
    this.words = words;
    this.screen = screen;
    this.state = beginning();
    this.api = new Api(() => this.#end("sign_in.over", { tell: false }));
    this.session = new Session(this.api);
    this.chime = new Chime();
    this.draw = screen.draw;
    this.focus = screen.focus;
    this.refresher = new Refresher((ids) => this.#refresh(ids));
    this.refresh = (id) => this.refresher.ring(id);
    this.deeds = new Deeds(this);
    this.idle = new Idle({ onLeft: this.#idleLeft, onOut: () => this.#end("sign_in.idle"), onLife: this.#touch });
    Object.assign(this, switches(this));
    this.live = new Live({ onRing: this.refresh, onState: this.#connection });
  }

  // ── in and out ──

  signIn = async (name, passphrase) => {
    Object.assign(this.state, { gate: "unlocking", problem: null, notice: null });
    this.draw();
    await this.screen.painted(); // Argon2id keeps the page busy for a moment: say so first
    try {
      await this.session.signIn(name, passphrase);
    } catch (error) {
      if (!(error instanceof NotSignedIn)) throw error;
      Object.assign(this.state, { gate: "signed_out", problem: error.key });
      this.draw();
      this.focus("#passphrase");
      return;
    }
    this.idle.start(this.session.idleSeconds);
    this.state.gate = this.session.admitted ? "signed_in" : "waiting_room";
    this.draw();
    if (this.session.admitted) this.live.start();
    this.focus(this.session.admitted ? "#queue" : "#gate-title");
    if (this.session.admitted) this.refresh("*");
  };

  signOut = () => this.#end("sign_in.left");

  /** The page is being put away or frozen. */
  hide = () => {
    if (this.state.gate === "signed_in" || this.state.gate === "waiting_room") this.#end("sign_in.hidden");
  };

  /** Forget everything: keys, transcript, drafts, what is on the screen. */
  #end(notice, { tell = true } = {}) {
    this.live.stop();
    this.refresher.stop();
    this.idle.stop();
    this.deeds.forget();
    this.state.thread?.drop();
    this.session.end({ tell });
    this.chime.off();
    Object.assign(this.state, fresh(), { gate: "signed_out", notice, problem: null, sound: false });
    document.title = this.words.say("page.title");
    this.screen.drawNow();
    this.focus("#name");
  }

  complain = (key) => {
    this.state.problem = key;
    this.draw();
  };

  // ── what comes in ──

  async #refresh(ids) {
    if (this.state.gate !== "signed_in") return;
    const { thread } = this.state;
    const also = thread !== null && thread.busy === null && (ids.has("*") || ids.has(thread.id));
    await Promise.all([this.#loadQueue(), also ? this.#loadThread(thread) : null]);
    this.draw();
  }

  async #loadQueue() {
    const { keys } = this.session;
    try {
      const queue = await this.api.get("/api/queue");
      if (keys === this.session.keys) this.#taken(queue);
    } catch {
      if (keys === this.session.keys && keys !== null) this.state.queueProblem = true;
    }
  }

  #taken(queue) {
    const { state, words } = this;
    const { known, arrived, imminent } = arrivals(state.known, queue);
    Object.assign(state, { queue, known, queueProblem: false, skew: Date.parse(queue.now) - Date.now() });
    const waiting = new Set(rows(queue).map((row) => row.id));
    const unseen = imminent.map((row) => row.id).filter((id) => id !== state.thread?.id);
    state.alerts = [...unseen, ...state.alerts.filter((id) => waiting.has(id) && !unseen.includes(id))];
    if (imminent.length > 0) this.chime.ring(); // also for the one that is open: the tab may be out of sight
    const [first] = arrived;
    if (first !== undefined) {
      state.said = words.say("queue.arrived", { risk: words.name("risk", first.risk), topic: words.name("topic", first.topic) });
    }
    document.title = titleOf(words, queue);
  }

  async #loadThread(thread) {
    const fresh = await thread.load();
    if (this.state.thread !== thread) return;
    if (thread.row !== null) this.state.read.set(thread.id, thread.row.last_at);
    if (fresh > 0) this.state.said = this.words.say("conversation.new_line");
  }

  #connection = (connected) => {
    this.state.connected = connected;
    this.draw();
  };

  #idleLeft = (left) => {
    if (left === this.state.idleLeft) return;
    this.state.idleLeft = left;
    this.draw();
  };

  /** Somebody works here: let the server know now and then, so that a long reply is not cut off. */
  #touch = () => {
    if (this.state.gate === "signed_in") this.api.stillHere();
  };

  stay = () => this.idle.heard();

  // ── the queue ──

  point = (id) => {
    if (this.state.cursor === id) return;
    this.state.cursor = id;
    this.draw();
  };

  move = (step) => {
    const from = this.state.cursor;
    this.state.cursor = from === null ? cursorOf(this.state) : stepped(this.state, step);
    this.screen.drawNow();
    this.focus(`.row[data-id="${CSS.escape(this.state.cursor ?? "")}"]`);
  };

  open = async (id) => {
    const { state } = this;
    if (state.thread?.id !== id) {
      state.thread?.drop();
      state.thread = new Thread(id, { api: this.api, keys: this.session.keys });
    }
    const { thread } = state;
    Object.assign(state, { cursor: id, pane: "thread", view: "desk", alerts: state.alerts.filter((one) => one !== id) });
    this.screen.drawNow();
    this.focus("#thread-title");
    await this.#loadThread(thread);
    this.draw();
  };

  reopen = () => this.open(this.state.thread.id);

  back = () => {
    this.state.pane = "queue";
    this.screen.drawNow();
    this.focus("#queue .row[tabindex='0']");
  };

  dismissAlerts = () => {
    this.state.alerts = [];
    this.draw();
  };

  // ── the open conversation ──

  claim = async () => {
    if (await this.deeds.claim()) this.write("reply");
  };

  claimHere = async () => {
    const id = document.activeElement?.closest(".row")?.dataset.id ?? this.state.thread?.id ?? cursorOf(this.state);
    if (id === null) return;
    if (this.state.thread?.id !== id) await this.open(id);
    if (this.state.thread?.id === id) await this.claim();
  };

  release = async () => (await this.deeds.release()) && this.focus("#thread-title");
  close = async () => (await this.deeds.close()) && this.focus("#thread-title");
  correct = (risk, topic) => this.deeds.correct(risk, topic);

  send = async () => {
    await this.deeds.send();
    this.screen.drawNow();
    this.focus("#box");
  };

  emptied = (key) => emptyBox(this.screen.root, key);

  write = (mode) => {
    const { thread } = this.state;
    if (thread === null || !thread.may(mode)) return;
    thread.mode = mode;
    this.screen.drawNow();
    this.focus("#box");
  };

  toEnd = () => {
    Object.assign(this.state.thread, { sticks: true, news: 0 });
    this.screen.drawNow();
    this.focus("#transcript");
  };

  // ── dialogs and views ──

  #ask = (dialog) => {
    this.state.dialog = dialog;
    this.draw();
  };

  askClose = () => this.#ask({ kind: "close" });
  askCorrect = () => this.#ask({ kind: "correct", risk: this.state.thread.row.risk, topic: this.state.thread.row.topic });
  askAdmit = (person) => this.#ask({ kind: "admit", person });
  help = () => this.#ask({ kind: "help" });
  dismiss = () => this.#ask(null);
  admit = (person) => admit(this, person);

  show = (view) => {
    this.state.view = view;
    this.state.staff = null;
    this.screen.drawNow();
    if (view === "staff") void loadStaff(this);
    this.focus(view === "staff" ? "#staff-title" : "#queue");
  };
}
