// Risk as word, shape and colour together, and other small marks.

import { html, nothing, svg } from "./lit.js";

const SHAPES = {
  imminent: svg`<path d="M5 .8h6L15.2 5v6L11 15.2H5L.8 11V5z"/><path class="inner" d="M7 3.6h2l-.3 5.2H7.3zM8 10.2a1.1 1.1 0 1 1 0 2.2 1.1 1.1 0 0 1 0-2.2z"/>`,
  high: svg`<path d="M8 1.2 15.4 14.4H.6z"/>`,
  medium: svg`<path d="M8 1 15 8 8 15 1 8z"/>`,
  low: svg`<circle cx="8" cy="8" r="5.6" class="ring"/>`,
};

export function riskMark(words, risk) {
  return html`<span class="risk" data-risk=${risk}
    ><svg class="shape" viewBox="0 0 16 16" aria-hidden="true" focusable="false">${SHAPES[risk] ?? nothing}</svg
    ><span class="risk-word">${words.name("risk", risk)}</span></span
  >`;
}

export function failedMark(words, count) {
  return count > 0 ? html`<span class="tag failed">✕ ${words.say("queue.failed", { count })}</span>` : nothing;
}

/** Words that come and go with a problem, said at once by a screen reader. */
export function problemBox(text, id) {
  return html`<div class="problem-slot" role="alert" id=${id}>${text ? html`<p class="problem">${text}</p>` : nothing}</div>`;
}
