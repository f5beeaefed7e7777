// Refreshes the page in place every few seconds. It fetches the same page again and changes only
// what differs, so focus, scrolling, typed text and unfolded sections stay.
(() => {
  "use strict";
  const every = 3000, patience = 10000;
  const live = document.getElementById("live"), pause = document.getElementById("pause");
  let timer, busy = false, paused = false;

  const key = (n) => (n.nodeType === 1 && n.id ? n.id : "");

  function become(have, want) {
    if (have.nodeType !== 1) {
      if (have.data !== want.data) have.data = want.data;
      return;
    }
    for (const { name, value } of want.attributes) {
      if (have.getAttribute(name) !== value) have.setAttribute(name, value);
    }
    for (const { name } of [...have.attributes]) {
      if (name !== "open" && !want.hasAttribute(name)) have.removeAttribute(name);
    }
    const wanted = new Set([...want.childNodes].map(key));
    const known = new Map();
    for (const n of [...have.childNodes]) {
      if (!key(n)) continue;
      if (wanted.has(key(n))) known.set(key(n), n);
      else n.remove();
    }
    let at = have.firstChild;
    for (const w of want.childNodes) {
      let h = key(w) ? known.get(key(w)) : at && !key(at) ? at : null;
      if (h && h.nodeName !== w.nodeName) h = null;
      if (!h) {
        have.insertBefore(document.importNode(w, true), at);
        continue;
      }
      // Nodes before it are not wanted, or come later; but the node with the focus is not moved.
      while (at && at !== h && !at.contains(document.activeElement)) at = drop(at);
      if (h === at) at = at.nextSibling;
      else have.insertBefore(h, at);
      become(h, w);
    }
    while (at) at = drop(at);
  }

  function drop(n) {
    const next = n.nextSibling;
    n.remove();
    return next;
  }

  function say(text) {
    if (live.textContent !== text) live.textContent = text;
  }

  // place returns where on the screen the focused element is, null if it is not visible.
  function place(element) {
    const { top, bottom } = element.getBoundingClientRect();
    return element !== document.body && bottom > 0 && top < innerHeight ? top : null;
  }

  function take(doc) {
    const focused = document.activeElement, before = place(focused), root = document.documentElement;
    if (before !== null) root.style.overflowAnchor = "none"; // the browser might keep another row in its place
    for (const id of ["at", "nav", "main"]) become(document.getElementById(id), doc.getElementById(id));
    document.title = doc.title;
    const again = focused.id && document.getElementById(focused.id);
    if (again && document.activeElement !== again) again.focus({ preventScroll: true });
    if (before !== null && document.activeElement === focused) scrollBy(0, focused.getBoundingClientRect().top - before);
    requestAnimationFrame(() => root.style.removeProperty("overflow-anchor"));
  }

  async function refresh() {
    clearTimeout(timer);
    if (busy || paused || document.hidden) return;
    busy = true;
    try {
      const answer = await fetch(location.pathname + location.search, { cache: "no-store", signal: AbortSignal.timeout(patience) });
      if (!answer.ok) throw new Error("HTTP " + answer.status);
      const doc = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!doc.getElementById("summary")) throw new Error("another page was returned, are you still logged in?");
      if (!paused) {
        take(doc);
        say("");
      }
    } catch (e) {
      const why = e.name === "TimeoutError" ? "no answer within 10 s" : e instanceof TypeError ? "no answer" : e.message;
      if (!paused) say("This page is not refreshed: " + why + ". It shows the state at the time above.");
    }
    busy = false;
    later();
  }

  function later() {
    clearTimeout(timer);
    if (!paused && !document.hidden) timer = setTimeout(refresh, every);
  }

  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? "Resume" : "Pause";
    say(paused ? "Paused: this page is not refreshed." : "");
    refresh();
  });
  document.addEventListener("visibilitychange", refresh);
  pause.hidden = false;
  later();
})();
