// The lines of a conversation, as this browser opened them.

import { html, nothing, repeat } from "./lit.js";

export function transcript(desk) {
  const { words } = desk;
  const { thread } = desk.state;
  return html`<div class="transcript-wrap">
    <div class="transcript" id="transcript" tabindex="0" role="region" aria-label=${words.say("conversation.label")} @scroll=${(event) => scrolled(event, desk)}>
      ${thread.keyProblem ? html`<p class="problem" role="alert">${words.say(thread.keyProblem, { epoch: thread.facts.key?.epoch ?? "" })}</p>` : nothing}
      ${thread.lines.length === 0 ? html`<p class="muted pad">${words.say("conversation.empty")}</p>` : lines(words, thread)}
    </div>
    ${thread.news > 0 ? html`<button type="button" class="jump" @click=${desk.toEnd}>${words.say("conversation.jump")}</button>` : nothing}
  </div>`;
}

function lines(words, thread) {
  return html`<ol class="lines">
    ${repeat(
      thread.lines,
      (line) => `${line.seq}/${line.who}`,
      (line, index) => html`${dayBefore(words, thread.lines, index)}${one(words, line, thread.row.lang)}`,
    )}
  </ol>`;
}

function dayBefore(words, all, index) {
  const day = words.day(all[index].at);
  if (index > 0 && words.day(all[index - 1].at) === day) return nothing;
  return html`<li class="day">${day}</li>`;
}

function one(words, line, lang) {
  return html`<li class="line" data-who=${line.who} data-seq=${line.seq}>
    <p class="line-head">
      <span class="who">${words.name("who", line.who)}</span>
      ${line.by ? html`<span>${line.by}</span>` : nothing}
      ${line.who === "note" ? html`<span class="tag staff-only">${words.say("who.staff_only")}</span>` : nothing}
      <time datetime=${line.at}>${words.clock(line.at)}</time>
    </p>
    ${line.texts === null
      ? html`<p class="unreadable">⊘ ${words.say("conversation.unreadable")}</p>`
      : html`<div class="said" lang=${lang}>${line.texts.map((text) => html`<p>${text}</p>`)}</div>`}
    ${delivery(words, line)}
  </li>`;
}

function delivery(words, { who, delivery: state }) {
  if (state?.state === "failed") {
    const reason = state.error ? `: ${errorWords(words, state.error)}` : "";
    return html`<p class="delivery" data-state="failed">✕ ${words.say("delivery.failed")}${reason}</p>`;
  }
  if (state?.state === "held") {
    const reason = state.error ? `: ${errorWords(words, state.error)}` : "";
    return html`<p class="delivery" data-state="held">⏸ ${words.say("delivery.held")}${reason}</p>`;
  }
  if (state?.state === "pending") {
    const said = state.error ? `${words.say("delivery.again")}: ${errorWords(words, state.error)}` : words.say("delivery.pending");
    return html`<p class="delivery" data-state="pending">◌ ${said}</p>`;
  }
  return who === "counselor" ? html`<p class="delivery" data-state="sent">✓ ${words.say("delivery.sent")}</p>` : nothing;
}

/** The server names an error by its kind: WindowClosed is "error_window_closed". */
function errorWords(words, error) {
  const key = `delivery.error_${error.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toLowerCase()}`;
  return words.has(key) ? words.say(key) : error;
}

const NEAR_END = 48;

function scrolled(event, desk) {
  const box = event.currentTarget;
  const { thread } = desk.state;
  thread.sticks = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END;
  if (thread.sticks && thread.news > 0) {
    thread.news = 0;
    desk.draw();
  }
}
