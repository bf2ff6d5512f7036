// Copy buttons, a standing that follows the work, answers that arrive by themselves, a countdown,
// and a proof of work.  Every page works without this file.
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

function showCopyButtons(part) {
  if (!navigator.clipboard) return;
  for (const button of part.querySelectorAll("button[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
}

// What a part of a page needs when it has come: at first, and when it is replaced.
function wire(part) {
  showCopyButtons(part);
  for (const moment of part.querySelectorAll("[data-until]")) countDown(moment);
}

document.body.append(said);
wire(document);

// A part with data-live (seconds) is fetched again while the jobs have the ball; it ends with the
// first answer that has the part no more, or has it without data-live.  Nobody's typing is undone.
function follow(part, before = "") {
  const seconds = Number(part.dataset.live);
  if (!seconds) return;
  setTimeout(async () => {
    const answer = await fetch(location.href, { credentials: "same-origin" }).catch(() => null);
    if (!answer || !answer.ok) return follow(part, before);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(part.id);
    if (!fresh) return;
    const said = fresh.textContent;
    const busy = part.contains(document.activeElement) || part.querySelector("details[open]");
    const moved = said !== (before || part.textContent);
    if (moved && !(busy && fresh.children.length)) {
      part.replaceChildren(...fresh.childNodes);
      wire(part);
    }
    part.dataset.live = fresh.dataset.live || "";
    follow(part, moved ? said : before);
  }, seconds * 1000);
}

for (const part of document.querySelectorAll("[data-live]")) follow(part);

// A form with data-ask (names of questions) is sent at once, for each of them alone: their answers
// are shown as they arrive.
async function ask(form, only) {
  const body = new FormData(form);
  body.append("only", only);
  const place = document.createElement("div");
  place.textContent = form.dataset.asking;
  form.before(place);
  const answer = await fetch(form.action, { method: "POST", body, credentials: "same-origin" }).catch(() => null);
  if (!answer || !answer.ok) {
    place.remove();
    form.hidden = false;
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  place.replaceChildren(...page.body.childNodes);
  wire(place);
}

for (const form of document.querySelectorAll("form[data-ask]")) {
  form.hidden = true;
  for (const only of form.dataset.ask.split(" ")) ask(form, only);
}

// A moment ahead (data-until) is counted down, second by second.
function countDown(part) {
  const left = Math.round((Date.parse(part.dataset.until) - Date.now()) / 1000);
  if (!(left > 0) || !part.isConnected) return;
  const two = (n) => String(n).padStart(2, "0");
  part.textContent = `${Math.floor(left / 3600)}:${two(Math.floor(left / 60) % 60)}:${two(left % 60)}`;
  setTimeout(() => countDown(part), 1000);
}


// A form with data-work carries a challenge of altcha's (version 2, PBKDF2): the browser looks for
// the number that solves it from the moment somebody types, and the form goes when it is found.
const unhex = (text) => Uint8Array.from(text.match(/../g) || [], (pair) => parseInt(pair, 16));
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

async function solve(challenge) {
  const { nonce, salt, cost, keyLength, keyPrefix } = challenge.parameters;
  const head = unhex(nonce);
  const began = performance.now();
  for (let counter = 0; counter < 100000; counter++) {
    const password = new Uint8Array(head.length + 4);
    password.set(head);
    new DataView(password.buffer).setUint32(head.length, counter);
    const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
    const rule = { name: "PBKDF2", hash: "SHA-256", salt: unhex(salt), iterations: cost };
    const derivedKey = hex(new Uint8Array(await crypto.subtle.deriveBits(rule, key, keyLength * 8)));
    if (derivedKey.startsWith(keyPrefix)) {
      const solution = { counter, derivedKey, time: performance.now() - began };
      return btoa(JSON.stringify({ challenge, solution }));
    }
  }
  return "";
}

function work(form) {
  let solution = null;
  const begin = () => { solution = solution || solve(JSON.parse(form.dataset.work)).catch(() => ""); };
  form.addEventListener("focusin", begin, { once: true });
  form.addEventListener("submit", async (event) => {
    if (form.elements.work.value) return;
    event.preventDefault();
    begin();
    for (const button of form.querySelectorAll("button")) button.disabled = true;
    const said = document.createElement("p");
    said.setAttribute("role", "status");
    said.textContent = form.dataset.working;
    form.append(said);
    form.elements.work.value = await solution;
    form.submit();
  });
}

if (window.crypto && crypto.subtle) {
  for (const form of document.querySelectorAll("form[data-work]")) work(form);
}
