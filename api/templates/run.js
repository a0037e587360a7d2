"use strict";
// While a run goes on, the server tells of each change, and the page's own part of it is fetched anew, at most so often.
const EVERY_MS = 5000;
const live = document.getElementById("live");
if (live.dataset.live) {
  let events = null, last = 0, planned = null, over = false;
  let held = null; // what came while somebody had the focus in it
  const put = (fresh) => {
    if (live.contains(document.activeElement)) { held = fresh; return; }
    held = null;
    live.replaceChildren(...fresh.childNodes);
    document.getElementById("told").textContent = live.querySelector("[data-said]")?.textContent ?? "";
  };
  live.addEventListener("focusout", () => setTimeout(() => { if (held) put(held); }));
  const again = () => { if (over) soon(); }; // no further event will bring it
  const renew = async () => {
    planned = null;
    last = Date.now();
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.redirected) return;
      if (!answer.ok) { again(); return; }
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
      if (fresh) put(fresh);
    } catch { again(); }
  };
  const soon = () => { planned ??= setTimeout(renew, Math.max(0, last + EVERY_MS - Date.now())); };
  const follow = () => {
    events = new EventSource(live.dataset.live);
    events.addEventListener("progress", soon);
    events.addEventListener("over", () => { over = true; events.close(); soon(); });
  };
  // A browser keeps few connections to a server: tabs that nobody looks at give theirs back.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) events.close();
    else if (!over) follow();
  });
  follow();
}
