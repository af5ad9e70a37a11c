// "What is kept": the exit, and links that take the place of this page instead of adding to the history.
import { armExit } from "./exit.js";

armExit();
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-instead]");
  if (!link) return;
  event.preventDefault();
  location.replace(link.href);
});
