// Copy buttons, and a standing that follows the work.  Every page works without this
// file: the buttons are sent hidden, and a reload shows what has changed.
"use strict";

const said = document.createElement("div");
said.className = "heard";
said.setAttribute("role", "status");

async function copy(button) {
  const words = button.firstChild;
  const before = words.textContent;
  await navigator.clipboard.writeText(button.dataset.copy);
  words.textContent = button.dataset.copied;
  said.textContent = `${button.dataset.copied}: ${button.dataset.copy}`;
  setTimeout(() => { words.textContent = before; said.textContent = ""; }, 2000);
}

if (navigator.clipboard) {
  document.body.append(said);
  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
}

// A part with data-live (seconds) is fetched again while the jobs have the ball; it ends
// with the first answer that has the part no more, or has it without data-live.
function follow(part) {
  const seconds = Number(part.dataset.live);
  if (!seconds) return;
  setTimeout(async () => {
    const answer = await fetch(location.href, { credentials: "same-origin" }).catch(() => null);
    if (!answer || !answer.ok) return follow(part);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(part.id);
    if (!fresh) return;
    if (fresh.textContent !== part.textContent) part.replaceChildren(...fresh.childNodes);
    part.dataset.live = fresh.dataset.live || "";
    follow(part);
  }, seconds * 1000);
}

for (const part of document.querySelectorAll("[data-live]")) follow(part);
