// The sentences of both languages, and the language that is shown now.

let sentences = {};
let shown = "ko";
const listeners = new Set();

export function read() {
  sentences = JSON.parse(document.getElementById("texts").textContent);
  shown = document.documentElement.lang === "en" ? "en" : "ko";
}

export const language = () => shown;

/** Both languages of one text: {ko, en}. */
export const both = (key) => sentences[key];

/** One text in the language that is shown, with {name} filled from values. */
export function say(text, values = {}) {
  const pair = typeof text === "string" ? sentences[text] : text;
  return pair[shown].replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** Give an element a text that follows the language. */
export function label(element, key) {
  element.dataset.text = key;
  write(element);
  return element;
}

function write(element) {
  const text = say(element.dataset.text);
  element.textContent = element.dataset.without ? text.replace(element.dataset.without, "").trim() : text;
}

/** Call back after each change of the language. */
export const onLanguage = (listener) => listeners.add(listener);

export function switchLanguage() {
  shown = shown === "ko" ? "en" : "ko";
  document.documentElement.lang = shown;
  for (const element of document.querySelectorAll("[data-text]")) write(element);
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", say(element.dataset.label));
  }
  for (const element of document.querySelectorAll("[data-placeholder]")) {
    element.placeholder = say(element.dataset.placeholder);
  }
  for (const listener of listeners) listener();
}
