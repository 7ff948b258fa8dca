// The desk page follows the server (presence, call) and keeps what is being typed in this browser until it is registered.
"use strict";

const now = document.getElementById("now");
const form = document.getElementById("complaint");
const lost = document.getElementById("no-connection");
const otherCall = document.getElementById("other-call");
const unfinished = document.getElementById("unfinished");
const prefix = `draft:${form.dataset.agent}:`;
const TYPED = ["category", "district", "text", "name"];

function currentCall() {
  const { call, caller, language } = now.querySelector("[data-call]").dataset;
  return { id: call, caller, language };
}

function values() {
  return Object.fromEntries(new FormData(form));
}

function fill(kept) {
  for (const [name, value] of Object.entries(kept)) {
    const field = form.elements[name];
    if (field) field.value = value; // a group of radio buttons takes a value too
  }
}

function anythingTyped() {
  return TYPED.some((name) => form.elements[name].value.trim() !== "");
}

function keep() {
  const key = prefix + form.elements.call_id.value;
  if (anythingTyped()) localStorage.setItem(key, JSON.stringify(values()));
  else localStorage.removeItem(key);
}

function begin(call) {
  const empty = { kind: "complaint", language: call.language || "hi", category: "", district: "", text: "", name: "" };
  const kept = localStorage.getItem(prefix + call.id);
  fill({ ...empty, caller: call.caller, call_id: call.id, ...(kept ? JSON.parse(kept) : {}) });
  look();
}

// A new call never wipes what is being typed about the last one: the agent chooses when to change over.
function look() {
  const call = currentCall();
  const other = call.id !== "" && call.id !== form.elements.call_id.value;
  if (other && !anythingTyped()) begin(call);
  else otherCall.hidden = !other;
  listUnfinished();
}

function listUnfinished() {
  unfinished.querySelectorAll("button").forEach((button) => button.remove());
  for (const key of Object.keys(localStorage)) {
    const id = key.slice(prefix.length);
    if (!key.startsWith(prefix) || id === form.elements.call_id.value) continue;
    const kept = JSON.parse(localStorage.getItem(key));
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = kept.caller || kept.name || kept.text.slice(0, 30) || kept.category.slice(0, 30);
    button.addEventListener("click", () => {
      keep();
      fill(kept);
      look();
      form.elements.text.focus();
    });
    unfinished.append(button);
  }
  unfinished.hidden = unfinished.querySelector("button") === null;
}

function show(html) {
  const focused = now.contains(document.activeElement) ? document.activeElement.id : "";
  const reason = document.getElementById("reason")?.value;
  now.innerHTML = html; // rendered and escaped by the server
  const select = document.getElementById("reason");
  if (select && reason) select.value = reason;
  if (focused) document.getElementById(focused)?.focus();
  look();
}

form.addEventListener("input", keep);
document.getElementById("take-new-call").addEventListener("click", () => {
  keep();
  begin(currentCall());
  form.elements.category.focus();
});

const registered = document.querySelector("[data-registered]");
if (registered) localStorage.removeItem(prefix + registered.dataset.registered);
if (!form.dataset.typed) begin({ ...currentCall(), id: form.elements.call_id.value });
look();

const events = new EventSource("/desk/events");
events.addEventListener("now", (event) => show(event.data));
events.addEventListener("open", () => { lost.hidden = true; });
events.addEventListener("error", () => { lost.hidden = false; });
