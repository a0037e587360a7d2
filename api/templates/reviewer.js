// Remembers the name that a reviewer types where nobody logs in, and fills it into every form of the page.
"use strict";
const names = [...document.querySelectorAll("input[name=reviewer]")];
for (const input of names) {
  input.value ||= localStorage.getItem("voicewright-reviewer") || "";
  input.form.addEventListener("submit", (event) => {
    const seen = document.getElementById("reviewer");
    if (!input.value && seen && seen !== input) { event.preventDefault(); seen.focus(); seen.reportValidity(); return; }
    if (input.value) localStorage.setItem("voicewright-reviewer", input.value);
  });
  input.addEventListener("input", () => { for (const other of names) if (other !== input) other.value = input.value; });
}
