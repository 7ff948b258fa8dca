// The desk page follows the server (presence, call) and keeps what is being typed in this browser until it is registered.
"use strict";

const now = document.getElementById("now");
const form = document.getElementById("complaint");
const lost = document.getElementById("no-connection");
const otherCall = document.getElementById("other-call");
const unfinished = document.getElementById("unfinished");
const prefix = `draft:${form.dataset.agent}:`;
let ends = null; // when wrap-up or work item end, by this page's own clock
const TYPED = ["category", "district", "text", "name"];

function currentCall() {
  const { call, caller, language } = now.querySelector("[data-call]").dataset;
  return { id: call, caller, language };
}

function values() {
  return Object.fromEntries(new FormData(form));
}

function fill(draft) {
  for (const [name, value] of Object.entries(draft)) {
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

function kept(key) {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    localStorage.removeItem(key); // not ours, or half written: a draft that can't be read must not stop the page
    return null;
  }
}

function begin(call) {
  const empty = { kind: "complaint", language: call.language || "hi", category: "", district: "", text: "", name: "" };
  fill({ ...empty, caller: call.caller, call_id: call.id, ...kept(prefix + call.id) });
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
    const draft = kept(key);
    if (draft === null) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = draft.caller || draft.name || draft.text.slice(0, 30) || draft.category.slice(0, 30);
    button.addEventListener("click", () => {
      keep();
      fill(draft);
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
  startTimer();
  const select = document.getElementById("reason");
  if (select && reason) select.value = reason;
  if (focused) document.getElementById(focused)?.focus();
  look();
}

// The server says how many seconds are left, so a computer whose clock is wrong counts down right.
function startTimer() {
  const left = document.getElementById("left");
  ends = left ? performance.now() + left.dataset.left * 1000 : null;
}

function showTimer() {
  const left = document.getElementById("left");
  if (!left || ends === null) return;
  const seconds = Math.max(0, Math.round((ends - performance.now()) / 1000));
  left.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
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
startTimer();
setInterval(showTimer, 1000);

const events = new EventSource("/desk/events");
events.addEventListener("now", (event) => show(event.data));
events.addEventListener("open", () => { lost.hidden = true; });
events.addEventListener("error", () => { lost.hidden = false; });
