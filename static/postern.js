// Copy buttons.  Every page works without this file: the buttons are sent hidden.
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
