// Nobody at the keyboard: warn, then end. Compares clocks, so that a laptop that slept ends at once when it wakes.

const WARNING_MS = 60_000;
const SIGNS_OF_LIFE = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"];

export class Idle {
  #timer = null;
  #heardAt = 0;
  #limit = 0;
  #hear = () => this.heard();

  /** `onLeft(seconds|null)` while the warning stands, `onOut()` at the end, `onLife()` at each sign of life. */
  constructor({ onLeft, onOut, onLife }) {
    this.onLeft = onLeft;
    this.onOut = onOut;
    this.onLife = onLife;
  }

  start(seconds) {
    this.stop();
    this.#limit = seconds * 1000;
    this.#heardAt = Date.now();
    this.#timer = setInterval(() => this.#tick(), 1000);
    for (const sign of SIGNS_OF_LIFE) addEventListener(sign, this.#hear, { passive: true, capture: true });
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = null;
    for (const sign of SIGNS_OF_LIFE) removeEventListener(sign, this.#hear, { capture: true });
  }

  heard() {
    if (this.#left() <= 0) {
      this.#tick();
      return;
    }
    this.#heardAt = Date.now();
    this.onLeft(null);
    this.onLife();
  }

  #left() {
    return this.#heardAt + this.#limit - Date.now();
  }

  #tick() {
    const left = this.#left();
    if (left <= 0) {
      this.stop();
      this.onOut();
    } else {
      this.onLeft(left <= Math.min(WARNING_MS, this.#limit / 2) ? Math.ceil(left / 1000) : null);
    }
  }
}
