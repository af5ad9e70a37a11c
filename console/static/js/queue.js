// The left side: whose turn it is. The order is the server's: risk, then waiting time.

import { html, nothing, repeat } from "./lit.js";
import { failedMark, riskMark } from "./marks.js";
import { hasDraft, othersHeld, rows } from "./state.js";

export function queue(desk) {
  const { state, words } = desk;
  return html`<nav class="queue" id="queue" tabindex="-1" aria-label=${words.say("queue.label")} @keydown=${(event) => arrows(event, desk)}>
    ${state.queue === null ? html`<p class="muted pad">${words.say("queue.loading")}</p>` : lists(desk)}
    <p class="keys-hint muted" aria-hidden="true">${words.say("queue.keys")}</p>
  </nav>`;
}

function lists(desk) {
  const { state, words } = desk;
  const { queue: now } = state;
  const held = othersHeld(now);
  return html`
    ${now.mine.length > 0 ? list(desk, "mine", now.mine) : nothing}
    ${list(desk, "waiting", now.waiting)}
    ${now.waiting.length === 0 ? html`<p class="muted pad">${words.say("queue.none_waiting")}</p>` : nothing}
    ${now.walled.length > 0 ? list(desk, "walled", now.walled) : nothing}
    ${held.length > 0 ? list(desk, "held", held) : nothing}
    <p class="muted pad">${words.say("queue.with_bot", { count: now.with_bot })}</p>
  `;
}

function list(desk, section, found) {
  const { words } = desk;
  return html`<section class="rows" aria-labelledby="title-${section}">
    <h2 id="title-${section}">${words.say(`queue.${section}`)} <span class="count">${found.length}</span></h2>
    <ol>
      ${repeat(
        found,
        (row) => row.id,
        (row) => html`<li>${entry(desk, row, section)}</li>`,
      )}
    </ol>
  </section>`;
}

function entry(desk, row, section) {
  const { state, words, open } = desk;
  const shown = state.thread?.id === row.id;
  return html`<button
    type="button"
    class="row"
    data-id=${row.id}
    data-risk=${row.risk}
    tabindex=${row.id === cursorOf(state) ? "0" : "-1"}
    aria-current=${shown ? "true" : "false"}
    @click=${() => open(row.id)}
    @focus=${() => desk.point(row.id)}
  >
    <span class="row-top">
      ${riskMark(words, row.risk)}
      <span class="row-topic">${words.name("topic", row.topic)}</span>
      <span class="row-time">${time(desk, row, section)}</span>
    </span>
    <span class="row-under">
      <span>${words.name("language", row.lang)} · ${words.name("channel", row.channel)}</span>
      ${section === "held" && row.holder ? html`<span>${words.say("queue.holder", { name: row.holder })}</span>` : nothing}
      ${marks(desk, row, section, shown)}
    </span>
  </button>`;
}

function marks({ state, words }, row, section, shown) {
  const unread = section === "mine" && !shown && row.last_at > (state.read.get(row.id) ?? "");
  const draft = hasDraft(state, row.id, "reply") || hasDraft(state, row.id, "note");
  return html`
    ${unread ? html`<span class="tag unread">● ${words.say("queue.unread")}</span>` : nothing}
    ${draft ? html`<span class="tag">✎ ${words.say("compose.draft")}</span>` : nothing}
    ${row.silent ? html`<span class="tag">… ${words.say("queue.silent")}</span>` : nothing}
    ${row.model === "away" ? html`<span class="tag">◐ ${words.say("queue.no_model")}</span>` : nothing}
    ${failedMark(words, row.failed)}
  `;
}

/** Waiting rows say how long they wait; others how long ago their last line was. */
function time({ state, words }, row, section) {
  const waits = section === "waiting" || section === "walled";
  const since = waits ? row.waiting_since : row.last_at;
  if (!since) return nothing;
  const past = Date.now() + state.skew - Date.parse(since);
  const span = words.span(past, { seconds: waits && row.risk === "imminent" });
  const shown = waits ? span : words.ago(past);
  const spoken = waits ? words.say("queue.waits", { time: span }) : words.say("queue.last", { time: shown });
  return html`<span aria-hidden="true">${shown}</span><span class="unseen">${spoken}</span>`;
}

/** The row that the keyboard stands on, or else the first. */
export function cursorOf(state) {
  const all = rows(state.queue);
  return (all.find((row) => row.id === state.cursor) ?? all[0])?.id ?? null;
}

/** The row `step` further down; it stops at the ends. */
export function stepped(state, step) {
  const ids = rows(state.queue).map((row) => row.id);
  if (ids.length === 0) return null;
  const at = ids.indexOf(state.cursor);
  return ids[at === -1 ? 0 : Math.min(ids.length - 1, Math.max(0, at + step))];
}

function arrows(event, { move }) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step === undefined) return;
  event.preventDefault();
  move(step);
}
