"use strict";
const { view, ui } = JSON.parse(document.getElementById("data").textContent);
document.getElementById("view").replaceChildren(caseNode(view, view.audio || "", ui));
const reviewer = document.getElementById("reviewer");
if (reviewer) {
  reviewer.value ||= localStorage.getItem("voicewright-reviewer") || "";
  reviewer.form.addEventListener("submit", () => localStorage.setItem("voicewright-reviewer", reviewer.value));
}
