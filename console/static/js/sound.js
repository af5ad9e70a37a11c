// Two soft notes for an imminent conversation. Off until somebody switches it on.

const NOTES = [
  { hertz: 659.25, at: 0 },
  { hertz: 880, at: 0.16 },
];
const LOUDNESS = 0.12;
const SECONDS = 0.35;

export class Chime {
  #context = null;

  /** Browsers allow sound only after a click, so this is called from one. */
  on() {
    this.#context ??= new AudioContext();
    void this.#context.resume();
    this.ring();
  }

  off() {
    void this.#context?.close();
    this.#context = null;
  }

  ring() {
    if (this.#context === null) return;
    for (const note of NOTES) this.#play(this.#context, note);
  }

  #play(context, note) {
    const start = context.currentTime + note.at;
    const tone = new OscillatorNode(context, { type: "sine", frequency: note.hertz });
    const volume = new GainNode(context, { gain: 0 });
    volume.gain.linearRampToValueAtTime(LOUDNESS, start + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, start + SECONDS);
    tone.connect(volume).connect(context.destination);
    tone.start(start);
    tone.stop(start + SECONDS);
  }
}
