// The review desk: a case is drawn, played and decided without leaving the keyboard.
"use strict";
const { view, ui, case: caseId, mine, holder, local, waiting, correct } = JSON.parse(document.getElementById("data").textContent);
view.waiting = waiting;
const shown = caseNode(view, view.audio || "", ui);
document.getElementById("view").replaceChildren(shown);
const { audio, seek, choose } = shown.sound;
const note = document.getElementById("note");
const then = document.getElementById("then");
const kept = `voicewright-note-${caseId}`;
if (note && !note.value) note.value = sessionStorage.getItem(kept) || "";
sessionStorage.removeItem(kept);
const starts = (view.turns || []).map((turn) => turn.caller_start_ms ?? turn.agent_start_ms ?? 0);

const api = (what) => `/api/v1/reviews/${caseId.split("/").map(encodeURIComponent).join("/")}/${what}`;
const send = (what, body) => fetch(api(what), { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
const named = () => local ? { reviewer: document.getElementById("reviewer")?.value || localStorage.getItem("voicewright-reviewer") || "" } : {};

// Words that the recogniser misheard are put right where they stand; the case is judged again by them.
function correctable(data) {
  const turn = (data.turn || 0) + 1, line = document.querySelector(`#turn-${turn} .words`);
  if (!correct || !line || !(data.agent || []).length) return;
  const heard = data.agent.map((word) => word.text).join(" ");
  const open = el("button", { type: "button", class: "correct", onclick: () => { form.hidden = false; open.hidden = true; field.focus(); } }, "Correct these words");
  const field = el("textarea", { rows: 2, maxlength: 20000, "aria-label": `What the agent said in turn ${turn}` });
  field.value = heard;
  const told = el("p", { role: "status" });
  const save = el("button", { type: "submit" }, "Judge by these words");
  const close = () => { form.hidden = true; open.hidden = false; field.value = heard; told.textContent = ""; open.focus(); };
  const form = el("form", { class: "correct", hidden: true, onsubmit: async (event) => {
    event.preventDefault();
    save.disabled = true; told.textContent = "The case is being judged again …";
    try {
      const answer = await send("words", { turn, text: field.value, ...named() });
      if (answer.ok) {
        if (note?.value) sessionStorage.setItem(kept, note.value);
        location.replace(location.pathname + location.search); // not reload(): this page may be the answer to a decision
        return;
      }
      if (answer.status === 503 || answer.status === 504) {
        told.textContent = "No verdict yet; it may still come. Reload this page in a moment: if it shows your words, they count.";
      } else {
        const problem = await answer.json();
        told.textContent = `Not accepted: ${problem.detail || problem.title}`;
      }
    } catch { told.textContent = "The web app does not answer. Your words are still here: try again."; }
    save.disabled = false;
  } }, field, el("p", {}, save, " ", el("button", { type: "button", onclick: close }, "Cancel")), told);
  field.addEventListener("keydown", (event) => { if (event.key === "Escape") { event.stopPropagation(); close(); } });
  line.append(" ", open, form);
}
(view.turns || []).forEach(correctable);

const press = (selector) => () => document.querySelector(selector)?.focus();
const click = (selector) => () => document.querySelector(selector)?.click();
const skim = (by) => () => { if (audio) audio.currentTime = Math.max(0, audio.currentTime + by); };
const pace = (by) => () => { if (audio) audio.playbackRate = Math.min(2, Math.max(0.5, audio.playbackRate + by)); };
const side = (name) => () => { if (choose) { choose(name); if (audio.paused) audio.play(); } };
const turn = (by) => () => {
  const now = (audio?.currentTime || 0) * 1000 + 300;
  const here = starts.filter((start) => start <= now).length - 1;
  const wanted = starts[Math.min(starts.length - 1, Math.max(0, here + by))];
  if (wanted !== undefined) seek(Math.max(0, wanted - 200));
};
const clock = (s) => `[${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}]`;
const KEYS = [
  [" ", "space", "play or pause", () => { if (audio) { if (audio.paused) audio.play(); else audio.pause(); } }],
  ["a", "a", "hear the agent only", side("agent")],
  ["u", "u", "hear the caller only", side("caller")],
  ["b", "b", "hear both sides", side("both")],
  ["j", "j", "next turn", turn(1)],
  ["k", "k", "this turn again, or the one before", turn(-1)],
  ["ArrowLeft", "←", "2 seconds back", skim(-2)],
  ["ArrowRight", "→", "2 seconds on", skim(2)],
  ["-", "-", "slower", pace(-0.25)],
  ["+", "+", "faster", pace(0.25)],
  ["c", "c", "claim this case", click("#claim")],
  ["p", "p, Enter", "pass", press("button.pass")],
  ["f", "f, Enter", "fail", press("button.fail")],
  ["e", "e, Enter", "edge case: the case itself is unclear", press("button[value=edge_case]")],
  ["o", "o, Enter", "ask for a second opinion", press("button[value=second_opinion]")],
  ["w", "w", "correct the words of this turn", () => {
    const now = (audio?.currentTime || 0) * 1000 + 300;
    const here = Math.max(0, starts.filter((start) => start <= now).length - 1);
    const turns = [...document.querySelectorAll("section.turn")].slice(here);
    turns.map((one) => one.querySelector("button.correct")).find((one) => one && !one.hidden)?.click();
  }],
  ["t", "t", "write a note at this moment", () => {
    if (!note) return;
    note.value += (note.value ? " " : "") + clock(audio?.currentTime || 0) + " ";
    note.focus();
  }],
  ["n", "n", "next case; one that is not decided is skipped", () => { if (!note?.value || confirm("Skip this case? Your note will be lost.")) click("#next")(); }],
  ["?", "?", "this list", () => document.getElementById("keys").showModal()],
];
document.querySelector("#keys table").append(...KEYS.map(([, name, what]) => el("tr", {}, el("td", {}, el("kbd", {}, name)), el("td", {}, what))));
document.getElementById("help")?.addEventListener("click", () => document.getElementById("keys").showModal());
const useKeys = document.getElementById("use-keys");
useKeys.checked = localStorage.getItem("voicewright-keys") !== "no";
useKeys.addEventListener("change", () => localStorage.setItem("voicewright-keys", useKeys.checked ? "yes" : "no"));
document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input:not([type=radio]):not([type=checkbox]), select, textarea");
  if (event.key === "Escape" && typing) event.target.blur();
  if (typing || event.ctrlKey || event.metaKey || event.altKey || document.getElementById("keys").open) return;
  if (event.key === " " && event.target.matches("button, summary, input, a, audio")) return; // the browser's own
  if (event.target.matches("input[type=radio]") && event.key.startsWith("Arrow")) return;
  if ((event.repeat && "cn".includes(event.key)) || (!useKeys.checked && event.key !== "?")) return;
  const known = KEYS.find(([key]) => key === event.key);
  if (known) { event.preventDefault(); known[3](); }
});

// Enter in a field decides nothing: it leaves the field, and the next key is a command again.
for (const field of document.querySelectorAll("#decide input[type=text]")) {
  field.addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.isComposing) { event.preventDefault(); event.stopPropagation(); field.blur(); } });
}

// Moments in notes, as [1:05], play the call from there.
for (const text of document.querySelectorAll(".note")) {
  text.replaceChildren(...text.textContent.split(/(\[\d+:\d\d\])/).map((part) => {
    const at = part.match(/^\[(\d+):(\d\d)\]$/);
    if (!at) return part;
    return el("a", { href: "#", onclick: (event) => { event.preventDefault(); seek((Number(at[1]) * 60 + Number(at[2])) * 1000); } }, part);
  }));
}
if (then) {
  then.checked = localStorage.getItem("voicewright-then") !== "no";
  then.addEventListener("change", () => localStorage.setItem("voicewright-then", then.checked ? "yes" : "no"));
}
// A claim lasts as long as somebody is at the page; left alone, it runs out.
let active = Date.now();
for (const sign of ["keydown", "pointermove", "pointerdown"]) document.addEventListener(sign, () => { active = Date.now(); });
const me = local ? localStorage.getItem("voicewright-reviewer") || "" : "";
if (mine || (me && holder === me)) {
  setInterval(() => {
    if (Date.now() - active > 240_000 && audio?.paused !== false) return;
    send("claim", me ? { reviewer: me } : {});
  }, 240_000);
}
