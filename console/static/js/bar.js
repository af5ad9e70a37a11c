// The top bar, and the banners under it.

import { html, nothing } from "./lit.js";
import { riskMark } from "./marks.js";
import { rows } from "./state.js";

export function bar(desk) {
  const { session, words } = desk;
  return html`<header class="bar">
    <h1 class="brand"><span class="brand-mark" aria-hidden="true"></span>곁</h1>
    ${session.supervises ? views(desk) : nothing}
    <div class="bar-end">
      ${unreviewed(desk)} ${toggles(desk)}
      <details class="me">
        <summary><span class="me-name">${session.staff.name}</span> <span class="muted">${words.name("role", session.staff.role)}</span></summary>
        <div class="me-card">
          <p class="muted">${words.say("session.fingerprint")}</p>
          <p class="fingerprint">${session.fingerprint}</p>
        </div>
      </details>
      <button type="button" id="sign-out" @click=${desk.signOut}>${words.say("session.sign_out")}</button>
    </div>
  </header>`;
}

function views({ state, words, show }) {
  const tab = (view) => html`<button
    type="button"
    class="view"
    id="view-${view}"
    aria-current=${state.view === view ? "page" : "false"}
    @click=${() => show(view)}
  >
    ${words.say(`page.${view}`)}
  </button>`;
  return html`<nav class="views" aria-label=${words.say("page.views")}>${tab("desk")}${tab("staff")}</nav>`;
}

function unreviewed({ state, words }) {
  const count = state.queue?.unreviewed ?? 0;
  return count > 0 ? html`<span class="muted wide-only" id="unreviewed">${words.say("queue.unreviewed", { count })}</span>` : nothing;
}

function toggles(desk) {
  const { state, words } = desk;
  const dark = desk.isDark();
  return html`<button type="button" class="quiet" id="sound" aria-pressed=${state.sound} @click=${desk.toggleSound}>
      <span aria-hidden="true">♪</span> ${words.say(state.sound ? "page.sound_on" : "page.sound_off")}
    </button>
    <button type="button" class="quiet wide-only" id="theme" @click=${desk.toggleTheme}>
      ${words.say(dark ? "page.light" : "page.dark")}
    </button>
    <button type="button" class="quiet wide-only" id="help" aria-haspopup="dialog" @click=${desk.help}>
      ${words.say("page.shortcuts")} <kbd>?</kbd>
    </button>
    <button type="button" class="quiet" id="language" lang=${words.lang === "ko" ? "en" : "ko"} @click=${desk.toggleLanguage}>
      ${words.say("page.language")}
    </button>`;
}

export function banners(desk) {
  const { state, words } = desk;
  return html`<div class="banners">
    <div role="alert" class="alert-slot">${state.alerts.length > 0 ? imminent(desk) : nothing}</div>
    <div role="alert">${state.idleLeft !== null ? idle(desk) : nothing}</div>
    <div role="status">
      ${state.connected ? nothing : html`<p class="banner warn" id="offline">${words.say("page.offline")}</p>`}
      ${state.queueProblem ? html`<p class="banner warn">${words.say("queue.unreachable")}</p>` : nothing}
      ${model(desk)}
    </div>
    <p class="unseen" role="status" id="said">${state.said}</p>
  </div>`;
}

function model({ state, words }) {
  if (state.queue?.model === "away") {
    return html`<p class="banner warn" id="model-away">
      <span aria-hidden="true">◐</span> <strong>${words.say("queue.away_title")}</strong> ${words.say("queue.away")}
    </p>`;
  }
  if (state.queue?.model === "off") return html`<p class="banner calm" id="model-off">${words.say("queue.without")}</p>`;
  return nothing;
}

function imminent(desk) {
  const { state, words } = desk;
  const [id] = state.alerts;
  const row = rows(state.queue).find((found) => found.id === id);
  const count = state.alerts.length;
  const title = count === 1 ? words.say("alert.imminent") : words.say("alert.more", { count });
  return html`<div class="banner danger" id="imminent-alert">
    ${riskMark(words, "imminent")} <strong>${title}</strong>
    <span>${row ? words.name("topic", row.topic) : nothing}</span>
    <span class="banner-end">
      <button type="button" @click=${() => desk.open(id)}>${words.say("alert.open")}</button>
      <button type="button" class="quiet" @click=${desk.dismissAlerts}>${words.say("page.dismiss")}</button>
    </span>
  </div>`;
}

function idle(desk) {
  const { state, words } = desk;
  return html`<div class="banner warn" id="idle-warning">
    <strong>${words.say("session.idle_title")}</strong>
    <span aria-live="off">${words.say("session.idle_warning", { seconds: state.idleLeft })}</span>
    <span class="banner-end"><button type="button" @click=${desk.stay}>${words.say("session.idle_stay")}</button></span>
  </div>`;
}
