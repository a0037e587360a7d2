// The editor of suites: line numbers, and the mistakes of what is typed, from the server that also reads it.
"use strict";
const text = document.getElementById("text");
const lines = document.getElementById("lines");
const said = document.getElementById("said");
const number = () => {
  const count = text.value.split("\n").length;
  lines.textContent = Array.from({ length: count }, (_, line) => line + 1).join("\n");
  text.rows = Math.min(40, Math.max(28, count + 1));
  lines.scrollTop = text.scrollTop;
};
const show = (line, column) => {
  const before = text.value.split("\n").slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  text.focus();
  text.setSelectionRange(before + column - 1, before + column - 1);
  text.scrollTop = Math.max(0, (line - 5) * parseFloat(getComputedStyle(text).lineHeight));
};
const tell = (checked) => {
  const found = checked.mistakes;
  const head = document.createElement("p");
  head.className = found.length ? "failed" : "passed";
  head.textContent = found.length ? `${found.length} mistake${found.length === 1 ? "" : "s"}` : `${checked.name}: ${checked.cases} case${checked.cases === 1 ? "" : "s"}, no mistakes`;
  const list = document.createElement("ol");
  list.className = "mistakes";
  for (const one of found) {
    const place = document.createElement("button"), words = document.createElement("span"), item = document.createElement("li");
    place.type = "button"; place.textContent = `${one.line}:${one.column}`; place.dataset.line = one.line; place.dataset.column = one.column;
    words.className = "wrap"; words.textContent = one.message;
    item.append(place, " ", words); list.append(item);
  }
  const short = document.getElementById("said-short");
  if (short.textContent !== head.textContent) short.textContent = head.textContent;
  text.setAttribute("aria-invalid", found.length ? "true" : "false");
  said.replaceChildren(head, ...(found.length ? [list] : []));
};
let timer = null, asked = 0;
const check = async () => {
  const mine = ++asked;
  try {
    const answer = await fetch("/api/v1/suites/check", { method: "POST", headers: { "content-type": "application/yaml" }, body: text.value });
    const body = await answer.json();
    if (mine !== asked) return; // something newer was typed
    if (answer.ok) tell(body); else said.textContent = body.detail;
  } catch { if (mine === asked) said.textContent = "The check cannot be reached. Pushing checks again."; }
};
text.addEventListener("input", () => { number(); clearTimeout(timer); timer = setTimeout(check, 400); });
text.addEventListener("scroll", () => { lines.scrollTop = text.scrollTop; });
said.addEventListener("click", (event) => { const place = event.target.closest("[data-line]"); if (place) show(Number(place.dataset.line), Number(place.dataset.column)); });
number();
check();
