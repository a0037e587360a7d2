// The report: a list of cases, and one case at a time by the address after `#`.
"use strict";
const bytes = (text) => Uint8Array.from(atob(text.trim()), (char) => char.charCodeAt(0));
// From its sandbox a page sends no cookie: the pass in its address opens the recordings that lie where it does.
const pass = new URLSearchParams(location.search).get("pass");
const withPass = (address) => pass && address && new URL(address, location).host === location.host ? `${address}?pass=${encodeURIComponent(pass)}` : address;
const audioOf = (id) => {
  for (const node of document.querySelectorAll("script[data-audio]"))
    if (node.dataset.audio === id) return URL.createObjectURL(new Blob([bytes(node.textContent)], { type: node.type }));
  return "";
};

const moment = (iso) => iso.slice(0, 16).replace("T", " ") + " UTC";

function listPage(data) {
  const { run, summary, cases } = data;
  const counts = { ...run.counts, review: run.waiting };
  const order = ["failed", "review", "errored", "unreviewed", "passed"]; // `review`: it waits for a person
  const state = (view) => view.outcome || "review";
  const aside = (view) => (run.quarantined || []).includes(view.key.case) ? [" ", el("span", { class: "dim" }, "in quarantine")] : null;
  const outcomes = order.filter((name) => counts[name]);
  let wanted = "", text = "";
  const body = el("tbody");
  const search = el("input", { type: "search", placeholder: "filter by case, language or reason", "aria-label": "filter", oninput: (event) => { text = event.target.value.toLowerCase(); fill(); } });
  const buttons = outcomes.map((name) => el("button", { class: name, "aria-pressed": "false", onclick: () => { wanted = wanted === name ? "" : name; fill(); } }, el("b", {}, String(counts[name])), name === "review" ? "waiting for review" : name));
  const sorted = [...cases].sort((a, b) => order.indexOf(state(a)) - order.indexOf(state(b)));
  const fill = () => {
    buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(outcomes[i] === wanted)));
    body.replaceChildren(...sorted.filter((view) => (!wanted || state(view) === wanted) && (!text || `${keyName(view.key)} ${view.title || ""} ${view.reason || ""}`.toLowerCase().includes(text))).map((view) => el("tr", {},
      el("td", {}, pill(state(view))), el("td", {}, el("a", { class: "id", href: "#" + encodeURIComponent(view.workflow_id) }, keyName(view.key)), aside(view)),
      el("td", { class: "wrap" }, view.outcome === "passed" ? el("span", { class: "dim" }, view.title || "") : view.reason || ""),
      el("td", { class: "num hide-small" }, Math.max(...(view.turns || []).map((turn) => turn.ttfa_ms ?? 0), 0) + " ms"),
      el("td", { class: "num hide-small" }, view.duration_ms ? seconds(view.duration_ms) : "–"))));
  };
  fill();
  const link = (id, label) => el("a", { href: "#" + encodeURIComponent(id) }, label);
  const head = (...names) => el("thead", {}, el("tr", {}, names.map((name) => el("th", {}, name))));
  const byId = Object.fromEntries(cases.map((view) => [view.workflow_id, view]));
  return el("div", {},
    el("div", { class: "counts" }, buttons, run.not_run ? el("span", { class: "pill errored" }, `${run.not_run} not ${run.finished ? "run" : "finished"}`) : null),
    summary.ttfa_p50_ms != null ? el("p", {}, `Time to first audio: median ${summary.ttfa_p50_ms} ms, 95 % within ${summary.ttfa_p95_ms} ms (${summary.turns} turns)`) : null,
    summary.groups.length ? [el("h2", {}, "Failures by cause"), el("table", {}, head("count", "check", "evidence of the first", "cases", "defect"), el("tbody", {}, summary.groups.map((group) => el("tr", {},
      el("td", {}, String(group.cases.length)), el("td", {}, group.check), el("td", { class: "wrap" }, group.evidence),
      el("td", {}, group.cases.slice(0, 20).flatMap((id) => [link(id, byId[id] ? keyName(byId[id].key) : id), " "])), el("td", {}, group.defect ? el("code", {}, group.defect) : null)))))] : null,
    el("h2", {}, "Cases"), search,
    el("table", { id: "cases" }, el("thead", {}, el("tr", {}, el("th", {}, "outcome"), el("th", {}, "case"), el("th", {}, "reason, or title if passed"), el("th", { class: "num hide-small" }, "slowest turn"), el("th", { class: "num hide-small" }, "call"))), body),
    summary.slowest.length ? [el("h2", {}, "Slowest turns"), el("table", {}, el("tbody", {}, summary.slowest.map((turn) => el("tr", {},
      el("td", { class: "num" }, `${turn.ttfa_ms} ms`), el("td", {}, link(turn.workflow_id, byId[turn.workflow_id] ? keyName(byId[turn.workflow_id].key) : turn.name)), el("td", {}, `turn ${turn.turn + 1}`)))))] : null);
}

(async () => {
  const packed = new Blob([bytes(document.getElementById("data").textContent)]);
  const data = JSON.parse(await new Response(packed.stream().pipeThrough(new DecompressionStream("gzip"))).text());
  const { run } = data;
  document.getElementById("head").replaceChildren(
    el("h1", {}, el("a", { href: "#" }, run.suite.name), run.cancelled ? " (cancelled)" : ""),
    el("div", { class: "dim wrap" }, `${run.agent} · ${run.finished ? `${moment(run.started_at)} to ${moment(run.ended_at)}` : `since ${moment(run.started_at)}, goes on; as of ${moment(run.ended_at)}`} · suite version ${run.suite.version.slice(0, 12)} · `,
      data.ui ? el("a", { href: data.ui + encodeURIComponent(run.run_id) }, run.run_id) : run.run_id));
  const list = document.getElementById("list"), single = document.getElementById("case");
  list.append(listPage(data));
  const show = () => {
    const id = decodeURIComponent(location.hash.slice(1));
    const view = data.cases.find((one) => one.workflow_id === id);
    list.hidden = Boolean(view); single.hidden = !view;
    single.replaceChildren(...(view ? [el("p", {}, el("a", { href: "#" }, "← all cases")), caseNode(view, audioOf(id) || withPass(view.audio) || "", data.ui)] : []));
    if (view) window.scrollTo(0, 0);
  };
  window.addEventListener("hashchange", show);
  show();
  document.documentElement.dataset.ready = "true";
})();
