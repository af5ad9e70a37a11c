// What somebody may set to their liking, for as long as the page is open: language, light, sound, single keys.

import { titleOf } from "./arrivals.js";

export function switches(desk) {
  const { state, words, chime, draw } = desk;
  const page = document.documentElement;
  const prefersDark = () => matchMedia("(prefers-color-scheme: dark)").matches;
  const isDark = () => (state.theme === null ? prefersDark() : state.theme === "dark");
  return {
    isDark,

    toggleLanguage() {
      words.toggle();
      page.lang = words.lang;
      document.title = titleOf(words, state.queue);
      draw();
    },

    toggleTheme() {
      state.theme = isDark() ? "light" : "dark";
      page.dataset.theme = state.theme;
      draw();
    },

    toggleSound() {
      state.sound = !state.sound;
      if (state.sound) chime.on();
      else chime.off();
      draw();
    },

    toggleShortcuts() {
      state.shortcuts = !state.shortcuts;
      draw();
    },
  };
}
