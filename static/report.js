// The page that takes reports: files that are dropped, or chosen one after the other; a refusal
// before anything is sent; how far the sending is.  The page works without this file.
"use strict";

let chosen = [];  // kept while the page tells what is wrong

function inWords(octets) {
  const [n, unit] = octets < 1024 * 1024 ? [octets / 1024, "kilobyte"] : [octets / 1024 / 1024, "megabyte"];
  const style = { style: "unit", unit, maximumFractionDigits: 1 };
  return new Intl.NumberFormat(document.documentElement.lang, style).format(n);
}

// What the server would refuse, in its words.
function refusal(form) {
  const words = form.dataset;
  const text = new Blob([form.elements.text.value]).size;
  const empty = chosen.find((file) => !file.size);
  const large = chosen.find((file) => file.size > Number(words.mostEach));
  if (empty) return words.empty.replace("{name}", empty.name);
  if (large) return words.tooLarge.replace("{name}", large.name);
  if (chosen.length > Number(words.mostFiles)) return words.tooMany;
  if (text > Number(words.mostText)) return words.tooLong;
  const all = chosen.reduce((sum, file) => sum + file.size, text);
  return all > Number(words.mostAll) ? words.tooMuch : "";
}

function complain(form, words) {
  const place = form.querySelector("[data-problem]");
  place.hidden = !words;
  place.textContent = words;
  return Boolean(words);
}

function row(form, file) {
  const line = document.createElement("tr");
  const name = document.createElement("th");
  const size = document.createElement("td");
  const last = document.createElement("td");
  const button = document.createElement("button");
  const heard = document.createElement("span");
  name.scope = "row";
  name.textContent = file.name;
  size.className = "num";
  size.textContent = inWords(file.size);
  button.type = "button";
  button.className = "btn plain";
  heard.className = "heard";
  heard.textContent = ` ${file.name}`;
  button.append(form.dataset.remove, heard);
  button.addEventListener("click", () => {
    choose(form, chosen.filter((other) => other !== file));
    form.elements.files.focus();
  });
  last.append(button);
  line.append(name, size, last);
  return line;
}

// The field itself holds what is chosen, so that the form sends it.
function choose(form, files) {
  chosen = files;
  const held = new DataTransfer();
  for (const file of chosen) held.items.add(file);
  form.elements.files.files = held.files;
  const table = form.querySelector("[data-chosen]");
  table.hidden = !chosen.length;
  table.tBodies[0].replaceChildren(...chosen.map((file) => row(form, file)));
  complain(form, refusal(form));
}

function add(form, files) {
  const same = (one, other) =>
    one.name === other.name && one.size === other.size && one.lastModified === other.lastModified;
  const fresh = [...files].filter((file) => !chosen.some((other) => same(file, other)));
  choose(form, [...chosen, ...fresh]);
}

// The answer is the address of the outcome, or a page that says what is wrong.
function arrived(form, sent) {
  if (sent.status === 201) return location.assign(JSON.parse(sent.responseText).url);
  const page = new DOMParser().parseFromString(sent.responseText, "text/html");
  const main = page.querySelector("main");
  if (!main) return complain(form, form.dataset.failed);
  document.querySelector("main").replaceChildren(...main.childNodes);
  wireReport();
  window.scrollTo(0, 0);
}

function send(form) {
  const sent = new XMLHttpRequest();
  const place = form.querySelector("[data-sending]");
  const button = form.querySelector("button[type=submit]");
  const ended = (then) => () => {
    place.hidden = true;
    button.disabled = false;
    then();
  };
  place.hidden = false;
  button.disabled = true;
  sent.upload.addEventListener("progress", (event) => {
    const part = event.total ? event.loaded / event.total : 0;
    place.querySelector("progress").value = part;
    place.querySelector("output").textContent = `${Math.floor(part * 100)} %`;
  });
  sent.addEventListener("load", ended(() => arrived(form, sent)));
  sent.addEventListener("error", ended(() => complain(form, form.dataset.failed)));
  sent.open("POST", form.action);
  sent.setRequestHeader("X-Requested-With", "XMLHttpRequest");
  sent.send(new FormData(form));
}

function dropped(form, event) {
  event.preventDefault();
  const items = [...event.dataTransfer.items].filter((item) => item.kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry());
  const isFolder = entries.map((entry) => Boolean(entry && entry.isDirectory));
  add(form, [...event.dataTransfer.files].filter((_file, n) => !isFolder[n]));
  if (isFolder.includes(true)) complain(form, form.dataset.folder);
}

function wireReport() {
  const form = document.querySelector("form[data-report]");
  if (!form) return;
  form.querySelector("[data-drop]").hidden = false;
  form.elements.files.addEventListener("change", () => add(form, form.elements.files.files));
  form.elements.text.addEventListener("input", () => complain(form, refusal(form)));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!complain(form, refusal(form))) send(form);
  });
  if (chosen.length) choose(form, chosen);
}

for (const name of ["dragover", "drop"]) {
  document.addEventListener(name, (event) => {
    const form = document.querySelector("form[data-report]");
    if (!form || !event.dataTransfer.types.includes("Files")) return;
    if (name === "drop") return dropped(form, event);
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
  });
}

wireReport();
