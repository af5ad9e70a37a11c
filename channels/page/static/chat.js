// The chat: puts the pieces together.
import { dropAll } from "./api.js";
import { Composer } from "./composer.js";
import { armExit } from "./exit.js";
import { Live } from "./live.js";
import { Outbox } from "./outbox.js";
import { Recovery } from "./recovery.js";
import { Notice, Status } from "./status.js";
import { Talk } from "./talk.js";
import { language, onLanguage, read, switchLanguage } from "./texts.js";
import { Thread } from "./thread.js";

const find = (id) => document.getElementById(id);

// The exit works before anything else does.
let stop = dropAll;
armExit(() => stop());
read();
start();

function start() {
  const notice = new Notice(find("notice"));
  const status = new Status(find("now"));
  const elements = { log: find("log"), quick: find("quick"), scroller: find("scroll") };
  const thread = new Thread(elements, (text) => outbox.send(text));
  const talk = new Talk(thread, status, follow);
  const form = { form: find("composer"), words: find("words"), counter: find("counter") };
  const composer = new Composer(form, notice, (text) => outbox.send(text));
  const outbox = new Outbox(talk, notice, (text) => composer.giveBack(text));
  const live = new Live(talk, outbox, notice);
  new Recovery(talk, () => {
    live.reopen();
    notice.show("recovery_done", 12);
    find("words").focus();
  });
  stop = () => {
    live.close();
    dropAll();
  };

  function follow(before, now) {
    if (now !== "none") live.open();
    else if (before !== "none") {
      live.close();
      talk.restart();
      notice.show("session_over");
    }
  }

  wirePage();
  live.refresh();
}

function wirePage() {
  const address = () => history.replaceState(null, "", `/?lang=${language()}`);
  address();
  onLanguage(address);
  onLanguage(() => (find("language").lang = language() === "ko" ? "en" : "ko"));
  onLanguage(() => (find("open-kept").href = `/kept?lang=${language()}`));
  find("language").addEventListener("click", switchLanguage);
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    find("words").focus();
  });
  // Opened on top of the talk: no new line in the history, and nothing typed gets lost.
  find("open-kept").addEventListener("click", (event) => {
    event.preventDefault();
    find("kept").showModal();
  });
  for (const button of document.querySelectorAll("[data-close]")) {
    button.addEventListener("click", () => button.closest("dialog").close());
  }
}
