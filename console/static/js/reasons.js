// The right side: why the machine judged as it did, newest first. Codes of the server, in words.

import { html, nothing } from "./lit.js";
import { riskMark } from "./marks.js";

export function reasons(desk) {
  const { state, words } = desk;
  const { thread } = state;
  const assessments = thread?.status === "open" ? [...thread.facts.assessments].reverse() : [];
  const [latest, ...earlier] = assessments;
  return html`<aside class="why" aria-label=${words.say("why.label")}>
    <h2>${words.say("why.title")}</h2>
    ${latest === undefined ? html`<p class="muted">${words.say("why.none")}</p>` : full(words, latest)}
    ${earlier.length === 0 ? nothing : history(words, earlier)}
    ${latest === undefined ? nothing : html`<p class="muted caution">${words.say("why.caution")}</p>`}
  </aside>`;
}

function full(words, found) {
  return html`<div class="latest">
    <p class="verdict">${riskMark(words, found.risk)} <span>${words.name("topic", found.topic)}</span></p>
    <h3>${words.say("why.reasons")}</h3>
    <ul class="reason-list">
      ${found.reasons.map((code) => html`<li>${reasonWords(words, code)}</li>`)}
    </ul>
    <dl class="readings">
      <dt>${words.say("why.intent")}</dt>
      <dd>${found.intent ? words.name("intent", found.intent) : words.say("why.no_intent")}</dd>
      <dt>${words.say("why.confidence")}</dt>
      <dd>${percent(found.confidence)}</dd>
      <dt>${words.say("why.model")}</dt>
      <dd data-model=${found.model}>${words.name("model", found.model)}</dd>
    </dl>
  </div>`;
}

function history(words, earlier) {
  return html`<details class="history" open>
    <summary>${words.say("why.history")} <span class="count">${earlier.length}</span></summary>
    <ol reversed>
      ${earlier.map(
        (found) => html`<li>
          <p class="verdict">${riskMark(words, found.risk)} <span>${words.name("topic", found.topic)}</span></p>
          <p class="muted">
            <time datetime=${found.at}>${words.clock(found.at)}</time> · ${words.say("why.entry", { seq: found.seq })}
            ${found.intent ? html` · ${words.name("intent", found.intent)} ${percent(found.confidence)}` : nothing}
          </p>
        </li>`,
      )}
    </ol>
  </details>`;
}

/**
 * "rule:<id>", "model:<intent> <share>", "model:<state>" or "context:<what came before>", in words.
 * What this page does not know is shown as it came.
 */
export function reasonWords(words, code) {
  const [kind, rest = ""] = code.split(":");
  const [name, share] = rest.split(" ");
  if (name === "" || !words.has(`reason.${kind}`)) return code;
  if (kind === "model" && words.has(`model.${name}`)) {
    return words.say("reason.model_state", { name: words.say(`model.${name}`) });
  }
  const said = words.say(`reason.${kind}`, { name: named(words, name, kind) });
  return share === undefined ? said : `${said} (${percent(Number(share))})`;
}

function named(words, name, kind) {
  const keys = [kind, "context", "rule", "intent", "topic"].map((section) => `${section}.${name}`);
  const key = [...keys, `intent.${name.replace(".", "_")}`].find((one) => words.has(one));
  return key === undefined ? name : words.say(key);
}

function percent(confidence) {
  return `${Math.round((confidence ?? 0) * 100)}%`;
}
