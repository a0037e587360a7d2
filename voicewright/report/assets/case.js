// One case on one screen; shared by the report and the web app. Every text goes in as text, never as markup.
"use strict";
const el = (tag, props, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "class") node.className = value;
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat()) if (child !== null && child !== undefined && child !== "") node.append(child);
  return node;
};
const seconds = (ms) => (ms / 1000).toFixed(1) + " s";
const keyName = (key) => `${key.case} [${key.language}${key.profile ? "+" + key.profile : ""}]` + ((key.repeat || 1) > 1 ? ` #${key.repeat}` : "");
const pill = (text) => el("span", { class: `pill ${text}` }, text);
const LEVELS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

function checkTable(checks) {
  if (!checks || !checks.length) return null;
  return el("table", { class: "checks" },
    el("thead", {}, el("tr", {}, ...["check", "outcome", "expected", "evidence"].map((name) => el("th", {}, name)), el("th", { class: "num" }, "confidence"))),
    el("tbody", {}, checks.map((check) => el("tr", {},
      el("td", {}, check.kind), el("td", {}, pill(check.outcome)), el("td", { class: "wrap" }, check.expected),
      el("td", { class: "wrap" }, check.evidence), el("td", { class: "num" }, check.confidence.toFixed(2))))));
}

// Both sides of the call with their outline. `source` gives an address to play from, or "" where there is none.
function player(view, source) {
  const total = Math.max(1, view.duration_ms || 0);
  const canvas = el("canvas", { "aria-label": "waveform: caller above, agent below; click to listen from there", role: "img" });
  const audio = source ? el("audio", { controls: true, preload: "metadata", src: source }) : null;
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const draw = () => {
    const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth || 800, height = 132;
    canvas.width = width * ratio; canvas.height = height * ratio;
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const x = (ms) => (ms / total) * width;
    for (const turn of view.turns || []) {
      if (turn.ttfa_ms > 0 && turn.agent_start_ms != null) { // the wait for the first audio
        pen.fillStyle = css("--hit");
        pen.fillRect(x(turn.agent_start_ms - turn.ttfa_ms), 0, x(turn.ttfa_ms), height - 16);
      }
    }
    [[view.caller_wave, 28, "--caller"], [view.agent_wave, 86, "--agent"]].forEach(([wave, middle, colour]) => {
      pen.fillStyle = css("--line"); pen.fillRect(0, middle, width, 1);
      pen.fillStyle = css(colour);
      const step = x(view.bucket_ms || 100);
      for (let i = 0; i < (wave || "").length; i++) {
        const size = (LEVELS.indexOf(wave[i]) / 63) * 26;
        pen.fillRect(i * step, middle - size, Math.max(1, step - 0.5), 2 * size + 1);
      }
    });
    pen.fillStyle = css("--dim"); pen.font = "11px system-ui";
    const every = [1, 2, 5, 10, 15, 30, 60, 120, 300].find((s) => x(s * 1000) >= 50) || 600;
    for (let s = 0; s * 1000 <= total; s += every) { pen.fillRect(x(s * 1000), height - 16, 1, 4); pen.fillText(`${s}s`, x(s * 1000) + 2, height - 2); }
    if (audio) { pen.fillStyle = css("--fg"); pen.fillRect(x(audio.currentTime * 1000), 0, 1.5, height - 16); }
  };
  const seek = (ms, until) => {
    if (!audio) return;
    audio.currentTime = ms / 1000; audio.dataset.until = until || ""; audio.play();
  };
  canvas.addEventListener("click", (event) => seek((event.offsetX / canvas.clientWidth) * total));
  const words = [];
  const follow = () => {
    const now = audio.currentTime * 1000;
    if (audio.dataset.until && now >= Number(audio.dataset.until)) { audio.pause(); audio.dataset.until = ""; }
    for (const [node, word] of words) node.classList.toggle("now", now >= word.start_ms && now < word.end_ms);
    draw();
    if (!audio.paused) requestAnimationFrame(follow);
  };
  let sides = null, choose = null;
  if (audio) {
    audio.addEventListener("play", () => requestAnimationFrame(follow));
    audio.addEventListener("seeked", follow);
  }
  if (audio && (source.startsWith("blob:") || new URL(source, location).origin === window.origin)) { // a browser plays no single side of what lies elsewhere
    let gains = null;
    const balance = (side) => {
      if (!gains) { // only now: until somebody asks for one side, the browser's own playing is best
        const context = new AudioContext(), splitter = context.createChannelSplitter(2);
        context.createMediaElementSource(audio).connect(splitter);
        gains = [context.createGain(), context.createGain()];
        gains.forEach((gain, channel) => { splitter.connect(gain, channel); gain.connect(context.destination); });
        context.resume();
      }
      gains[0].gain.value = side === "agent" ? 0 : 1;
      gains[1].gain.value = side === "caller" ? 0 : 1;
    };
    choose = (side) => { sides.querySelector(`[value=${side}]`).checked = true; balance(side); };
    const group = `side-${Math.random().toString(36).slice(2)}`;
    sides = el("div", { class: "sides" }, ["both", "caller", "agent"].map((side) => el("label", {},
      el("input", { type: "radio", name: group, value: side, checked: side === "both", onchange: () => balance(side) }), " ", side === "both" ? "both sides" : `${side} only`)));
  }
  const node = el("div", { class: "player" },
    audio || el("div", { class: "dim" }, view.erased_at ? `The recording and all words of this call were erased on ${view.erased_at.slice(0, 10)}.` : view.duration_ms ? "This page does not contain the recording. To include it, run: voicewright report RUN --audio all" : "No call was recorded."),
    el("div", {}, el("span", { class: "legend" }, el("span", { class: "caller" }, "■ caller "), el("span", { class: "agent" }, "■ agent "), el("span", { class: "wait" }, " wait for first audio ")), sides),
    view.duration_ms ? canvas : null);
  requestAnimationFrame(draw);
  window.addEventListener("resize", draw);
  return { node, seek, audio, choose, word: (span, word) => words.push([span, word]) };
}

function wordLine(words, sound, only) {
  return (words || []).flatMap((word, at) => {
    const node = el("span", {
      class: "word" + (word.confidence < 0.55 ? " doubt" : "") + (word.first_heard ? " respelled" : "") + (only?.has(at) ? " only" : ""),
      title: `${seconds(word.start_ms)} to ${seconds(word.end_ms)}, confidence ${word.confidence}`
        + (word.first_heard ? `; a name from the suite, first heard as "${word.first_heard}"` : "")
        + (word.may_be ? `; "${word.may_be}" to a recogniser that is told the suite's names` : ""),
      onclick: () => sound.seek(Math.max(0, word.start_ms - 150)),
    }, word.text);
    sound.word(node, word);
    return [node, " "];
  });
}

// What was expected and what was heard, word by word: what either has alone is marked, without regard to case and signs.
const CELLS = 250_000;
const UNSPACED = /[\u0e00-\u0e7f\u1000-\u109f\u3040-\u30ff\u3400-\u9fff]/u;
const units = (text) => text.split(/\s+/u).flatMap((word) => UNSPACED.test(word) ? [...word] : [word]);
const bare = (unit) => unit.normalize("NFKC").toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "");

function differences(expected, heard) {
  const first = units(expected).map((text) => ({ text, key: bare(text) })).filter((one) => one.text);
  const second = heard.flatMap((word, at) => units(word.text).map((unit) => ({ at, key: bare(unit) }))).filter((one) => one.key);
  const left = first.filter((one) => one.key);
  if (!left.length || !second.length || left.length * second.length > CELLS) return null;
  const width = second.length + 1, longest = new Uint16Array((left.length + 1) * width);
  for (let i = left.length - 1; i >= 0; i--)
    for (let j = second.length - 1; j >= 0; j--)
      longest[i * width + j] = left[i].key === second[j].key ? longest[(i + 1) * width + j + 1] + 1 : Math.max(longest[(i + 1) * width + j], longest[i * width + j + 1]);
  for (let i = 0, j = 0; i < left.length || j < second.length;) {
    if (i < left.length && j < second.length && left[i].key === second[j].key) { left[i].both = second[j].both = true; i++; j++; }
    else if (j === second.length || (i < left.length && longest[(i + 1) * width + j] >= longest[i * width + j + 1])) i++;
    else j++;
  }
  return { expected: first, heard: new Set(second.filter((one) => !one.both).map((one) => one.at)) };
}

function expectedLine(found, text) {
  if (!found) return text;
  const space = UNSPACED.test(text) ? "" : " ";
  return found.expected.flatMap((one) => [one.key && !one.both ? el("span", { class: "only", title: "not heard so" }, one.text) : one.text, space]);
}

function turnNode(turn, sound, erased) {
  const found = turn.meaning ? differences(turn.meaning, turn.agent || []) : null;
  const number = (turn.turn || 0) + 1;
  const start = turn.caller_start_ms ?? turn.agent_start_ms;
  const end = turn.agent_end_ms ?? turn.caller_end_ms;
  return el("section", { class: "turn", id: `turn-${number}` },
    el("h3", {}, `Turn ${number} `,
      start != null && sound.audio ? el("a", { href: "#", onclick: (event) => { event.preventDefault(); sound.seek(Math.max(0, start - 200), (end || start) + 300); } }, "▶ play") : null,
      el("span", { class: "ttfa" }, turn.ttfa_ms != null ? `first audio after ${turn.ttfa_ms} ms` : "", turn.overlap_ms ? `, talked over the caller for ${turn.overlap_ms} ms` : "", turn.stop_ms != null ? `, stopped ${turn.stop_ms} ms after the interruption` : "")),
    turn.act ? el("div", { class: "said" }, el("b", { class: "caller" }, "caller"), el("div", { class: "dim" }, turn.act)) : null,
    turn.say ? el("div", { class: "said" }, el("b", { class: "caller" }, "caller"), el("div", {}, turn.say)) : null,
    (turn.caller || []).length ? el("div", { class: "said" }, el("span", { class: "dim" }, "heard as"), el("div", {}, wordLine(turn.caller, sound))) : null,
    el("div", { class: "said" }, el("b", { class: "agent" }, "agent"), el("div", { class: "words" }, (turn.agent || []).length ? wordLine(turn.agent, sound, found?.heard) : el("span", { class: "dim" }, erased ? "erased" : "no words were heard"), turn.corrected ? el("span", { class: "dim" }, "(corrected by a person)") : null)),
    turn.meaning ? el("div", { class: "said" }, el("span", { class: "dim" }, "expected"), el("div", { class: "expected" }, expectedLine(found, turn.meaning))) : null,
    checkTable(turn.checks));
}

function caseNode(view, source, ui) {
  const sound = player(view, source);
  const verdict = view.verdict || {};
  const facts = [];
  if (verdict.decision) facts.push(`verdict ${verdict.decision}, confidence ${(verdict.confidence || 0).toFixed(2)}`);
  if (verdict.judge) facts.push(`judged by ${verdict.judge}`);
  if (view.recogniser) facts.push(`transcribed by ${view.recogniser}`);
  if (view.duration_ms) facts.push(`call ${seconds(view.duration_ms)}, ended: ${(view.end || "").replaceAll("_", " ")}`, `99 % of our frames at most ${Math.round(view.late_p99_ms || 0)} ms late`);
  if (view.dials > 1) facts.push(`dialled ${view.dials} times`);
  const steps = Object.entries(view.step_ms || {}).map(([step, ms]) => `${step} ${seconds(ms)}`).join(", ");
  const node = el("div", {},
    el("h1", {}, keyName(view.key), " ", view.outcome ? pill(view.outcome) : view.waiting === false ? null : pill("review")),
    view.title ? el("p", {}, view.title) : null,
    view.reason ? el("p", { class: "reason wrap" }, el("b", {}, view.outcome ? "Why: " : "Why the machine is unsure: "), view.reason) : null,
    view.review ? el("p", {}, `Decided: ${view.review.verdict.replaceAll("_", " ")} by ${view.review.reviewer}` + (view.review.note ? `: ${view.review.note}` : "")) : null,
    (view.corrections || []).length ? el("p", {}, `Judged by words that ${[...new Set(view.corrections.map((one) => one.reviewer))].join(" and ")} corrected.`) : null,
    view.defect ? el("p", {}, view.more_defects ? "Defects " : "Defect ", [view.defect, ...(view.more_defects || [])].flatMap((id) => [el("code", {}, id), " "])) : null,
    sound.node,
    el("h2", {}, "The call"), checkTable(view.checks),
    (view.greeting || []).length ? el("div", { class: "said" }, el("b", { class: "agent" }, "agent, before the first turn"), el("div", {}, wordLine(view.greeting, sound))) : null,
    (view.turns || []).map((turn) => turnNode(turn, sound, view.erased_at)),
    el("p", { class: "dim wrap" }, facts.join(" · "), steps ? el("br") : null, steps, el("br"),
      ui ? el("a", { href: ui + encodeURIComponent(view.workflow_id) }, view.workflow_id) : view.workflow_id));
  node.sound = sound;
  return node;
}
