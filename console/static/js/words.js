// Interface words in two languages, and times in words. The words come with the page, as JSON.

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `texts` is {"section.key": {"ko": ..., "en": ...}}. Korean until switched. */
export class Words {
  #texts;

  constructor(texts) {
    this.#texts = texts;
    this.lang = "ko";
  }

  static fromPage(page) {
    return new Words(JSON.parse(page.getElementById("texts").textContent));
  }

  toggle() {
    this.lang = this.lang === "ko" ? "en" : "ko";
  }

  has(key) {
    return Object.hasOwn(this.#texts, key);
  }

  /** The words of a key with {holes} filled in. A key nobody wrote shows as itself. */
  say(key, holes = {}) {
    if (!this.has(key)) return key;
    const fill = (whole, name) => (Object.hasOwn(holes, name) ? String(holes[name]) : whole);
    return this.#texts[key][this.lang].replace(/\{(\w+)\}/g, fill);
  }

  /** The words of a value of the API, such as a topic; the value itself when it is new to this page. */
  name(section, value) {
    const key = `${section}.${value}`;
    return this.has(key) ? this.say(key) : String(value ?? "");
  }

  /** Every name that a section of the words has. */
  ending(section) {
    const head = `${section}.`;
    return Object.keys(this.#texts).filter((key) => key.startsWith(head)).map((key) => key.slice(head.length));
  }

  /** How long, in the two largest units. Seconds only in the first ten minutes and only if asked for. */
  span(milliseconds, { seconds = false } = {}) {
    const ms = Math.max(0, milliseconds);
    if (seconds && ms < 10 * MINUTE) {
      const parts = { m: Math.floor(ms / MINUTE), s: Math.floor((ms % MINUTE) / SECOND) };
      return this.say(parts.m === 0 ? "time.first" : "time.seconds", parts);
    }
    if (ms < MINUTE) return this.say("time.short");
    if (ms < HOUR) return this.say("time.minutes", { m: Math.floor(ms / MINUTE) });
    if (ms < DAY) return this.say("time.hours", { h: Math.floor(ms / HOUR), m: Math.floor((ms % HOUR) / MINUTE) });
    return this.say("time.days", { d: Math.floor(ms / DAY), h: Math.floor((ms % DAY) / HOUR) });
  }

  ago(milliseconds) {
    if (milliseconds < MINUTE) return this.say("time.just_now");
    return this.say("time.ago", { time: this.span(milliseconds) });
  }

  clock(iso) {
    return this.#format(iso, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  }

  day(iso) {
    return this.#format(iso, { month: "long", day: "numeric", weekday: "short" });
  }

  #format(iso, options) {
    return new Intl.DateTimeFormat(this.lang, options).format(new Date(iso));
  }
}
