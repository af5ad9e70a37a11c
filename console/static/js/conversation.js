// The middle: who this is about, what may be done, what was said, and the box to write in.

import { compose } from "./compose.js";
import { html, nothing } from "./lit.js";
import { failedMark, problemBox, riskMark } from "./marks.js";
import { transcript } from "./transcript.js";

export function conversation(desk) {
  const { state, words } = desk;
  const { thread } = state;
  if (thread === null) {
    return html`<section class="thread none" id="thread" aria-label=${words.say("conversation.label")}>
      <p>${words.say("conversation.none")}</p>
      <p class="muted">${words.say("conversation.none_hint")}</p>
    </section>`;
  }
  return html`<section class="thread" id="thread" aria-labelledby="thread-title" aria-busy=${thread.status === "opening"}>
    ${head(desk, thread)}
    ${problemBox(thread.problem && words.say(thread.problem), "thread-problem")}
    ${body(desk, thread)}
  </section>`;
}

function body(desk, thread) {
  const { words } = desk;
  if (thread.status === "opening") return html`<p class="muted pad">${words.say("conversation.opening")}</p>`;
  if (thread.status === "failed") {
    return html`<div class="pad">
        <button type="button" @click=${desk.reopen}>${words.say("conversation.retry")}</button>
      </div>
      ${compose(desk)}`;
  }
  return html`${transcript(desk)}${compose(desk)}`;
}

function head(desk, thread) {
  const { words } = desk;
  const { row } = thread;
  return html`<div class="thread-head">
    <button type="button" class="quiet back" @click=${desk.back}>← ${words.say("conversation.back")}</button>
    <h2 id="thread-title" tabindex="-1">
      ${row === null ? words.say("conversation.label") : html`${riskMark(words, row.risk)} <span>${words.name("topic", row.topic)}</span>`}
    </h2>
    ${row === null ? nothing : html`<p class="facts">${facts(desk, row)}</p>`}
    ${thread.status === "open" ? actions(desk, thread) : nothing}
  </div>`;
}

function facts({ words, session, state }, row) {
  const mine = row.phase === "claimed" && row.holder === session.staff.name;
  const phase = mine ? words.say("conversation.you_hold") : words.name("phase", row.phase);
  const other = row.holder && !mine ? words.say("queue.holder", { name: row.holder }) : nothing;
  const waits = row.phase === "waiting" && row.waiting_since
    ? words.say("queue.waits", { time: words.span(Date.now() + state.skew - Date.parse(row.waiting_since)) })
    : nothing;
  return html`<span class="phase" data-phase=${row.phase}>${other === nothing ? phase : other}</span>
    <span>${words.name("language", row.lang)}</span><span>${words.name("channel", row.channel)}</span>
    ${waits === nothing ? nothing : html`<span>${waits}</span>`}
    ${failedMark(words, row.failed)}`;
}

function actions(desk, thread) {
  const { words } = desk;
  const button = (action, run, { kind = "", key = "" } = {}) =>
    thread.may(action)
      ? html`<button type="button" id="do-${action}" class=${kind} aria-disabled=${thread.busy !== null} @click=${run}>
          ${words.say(`conversation.${action === "risk" ? "correct" : action}`)} ${key ? html`<kbd>${key}</kbd>` : nothing}
        </button>`
      : nothing;
  return html`<div class="actions" role="group" aria-label=${words.say("conversation.actions")}>
    ${button("claim", desk.claim, { kind: "primary", key: "C" })} ${button("risk", desk.askCorrect)}
    ${button("release", desk.release)} ${button("close", desk.askClose)}
  </div>`;
}
