// The script of every page. Without it every page works; with it the zone is known at once, and slots and messages come
// without a reload.
(() => {
  "use strict";
  const zoneCookie = document.documentElement.dataset.zoneCookie;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const known = document.cookie.split("; ").some((one) => one.startsWith(zoneCookie + "="));
  if (zone && zoneCookie && !known) {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `${zoneCookie}=${encodeURIComponent(zone)}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
    const shown = document.documentElement.dataset.zone;
    // A page that somebody has begun to use stays as it is: this script may come late.
    const begun = navigator.userActivation?.hasBeenActive;
    if (shown !== zone && !begun && !location.search.includes("zone=") && document.querySelector("[data-times]")) location.reload();
  }

  // Said to who listens to the page; seen by nobody.
  const say = (text) => { const said = document.getElementById("said"); if (said && text) said.textContent = text.trim(); };

  // Where somebody goes on by keyboard: at what the page tells them, or where the form was that they sent.
  const wasAt = sessionStorage.getItem("place");
  sessionStorage.removeItem("place");
  const told = document.querySelector("main [data-told]");
  if (told) told.focus();
  else if (wasAt) {
    const [path, id] = JSON.parse(wasAt);
    const there = path === location.pathname ? document.getElementById(id) : null;
    if (there) {
      there.tabIndex = -1;
      (there.querySelector("form button") ?? there).focus();
      say([...there.querySelectorAll(".tag")].at(-1)?.textContent);
    }
  }
  document.addEventListener("submit", (event) => {
    const place = event.target.closest("main [data-place]");
    if (place) sessionStorage.setItem("place", JSON.stringify([location.pathname, place.id]));
  });

  // A menu of a line closes when it is left, and by Escape.
  const menus = () => document.querySelectorAll("td details.menu[open]");
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of menus()) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
  for (const kind of ["focusin", "pointerdown"]) {
    document.addEventListener(kind, (event) => {
      for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
    });
  }

  // What stands in a renewed part for what had the focus in the old one.
  const alike = (part, old) => [...part.querySelectorAll("a[href], button, summary, input, select, textarea")].find((one) =>
    one.tagName === old.tagName && one.name === old.name && one.value === old.value && one.textContent === old.textContent);

  // A part of a page that links and forms inside it can renew: <div data-part="slots">.
  const renew = async (part, address, push) => {
    part.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(address, { credentials: "same-origin" });
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const found = fresh.querySelector(`[data-part="${part.dataset.part}"]`);
      if (!answer.ok || !found) throw new Error("another page");
      const held = part.contains(document.activeElement) ? document.activeElement : null;
      part.replaceWith(found);
      if (held) (alike(found, held) ?? found.querySelector("[data-focus]"))?.focus({ preventScroll: true });
      say(found.querySelector("[data-said]")?.textContent);
      if (push) {
        history.pushState(null, "", address);
        seen = place();
      }
      return true;
    } catch {
      location.assign(address);
      return false;
    }
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-part] a[data-renews]");
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    renew(link.closest("[data-part]"), link.href, true);
  });
  // A link to a place of the same page, such as to a field that is wrong, comes here too.
  const place = () => location.pathname + location.search;
  let seen = place();
  window.addEventListener("popstate", () => {
    if (place() === seen) return;
    seen = place();
    const part = document.querySelector("[data-part]");
    if (part) renew(part, location.href, false); else location.reload();
  });

  // What has not changed stays as it is, and the focus in it; so only what is new is read out.
  const become = (now, fresh) => {
    const there = [...now.childNodes];
    const wanted = [...fresh.childNodes];
    wanted.forEach((node, at) => {
      const old = there[at];
      if (!old) now.append(node);
      else if (old.isEqualNode(node)) return;
      else if (old.nodeType === Node.TEXT_NODE && node.nodeType === Node.TEXT_NODE) old.data = node.data;
      else if (old.nodeName !== node.nodeName || !old.hasChildNodes()) old.replaceWith(node);
      else {
        for (const { name } of [...old.attributes]) if (!node.hasAttribute(name)) old.removeAttribute(name);
        for (const { name, value } of node.attributes) old.setAttribute(name, value);
        become(old, node);
      }
    });
    there.slice(wanted.length).forEach((node) => node.remove());
  };

  // Messages that arrive: the list is asked for again, gently, while somebody looks.
  const live = document.querySelector("[data-live]");
  if (live) {
    setInterval(async () => {
      if (document.hidden) return;
      try {
        const answer = await fetch(location.href, { credentials: "same-origin" });
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-live]");
        if (answer.ok && fresh) become(document.querySelector("[data-live]"), fresh);
        if (answer.ok && !fresh && "ends" in document.querySelector("[data-live]").dataset) location.reload(); // it has ended
      } catch { /* the next time */ }
    }, Number(live.dataset.live || 10) * 1000);
  }

  // A question that is asked only with some answers is shown only with them; what is not shown is not sent.
  const asked = (part) => {
    const inputs = [...document.getElementsByName(part.dataset.when)];
    const wanted = part.dataset.is.split("\n");
    return inputs.some((one) => one.checked && !one.matches(":disabled") && wanted.includes(one.value));
  };
  const ask = () => {
    for (const part of document.querySelectorAll("[data-when]")) {
      const now = asked(part);
      part.hidden = part.disabled = !now;
      part.querySelector("[data-when-said]")?.remove();
    }
  };
  if (document.querySelector("[data-when]")) {
    document.addEventListener("change", ask);
    window.addEventListener("pageshow", ask);
    ask();
  }

  // What is typed into a long form is kept as its draft, while it is typed: a phone that is put away, or a sign-in that
  // ends, takes nothing with it.
  const draft = document.querySelector("form[data-draft]");
  if (draft) {
    const said = draft.querySelector("[data-draft-said]");
    let saving = Promise.resolve();
    let underWay = 0;
    let later = 0;
    const keep = () => {
      clearTimeout(later);
      later = 0;
      underWay += 1;
      saving = saving.then(async () => {
        if (draft.dataset.sent) return;
        const typed = new FormData(draft);
        for (const name of [...typed.keys()]) if (name.startsWith("files.")) typed.delete(name);
        typed.set("do", "save");
        const answer = await fetch(draft.action, { method: "POST", body: typed, credentials: "same-origin", redirect: "manual", keepalive: true });
        const kept = answer.type === "opaqueredirect";
        said.textContent = kept ? said.dataset.kept : answer.status === 401 ? said.dataset.ended : said.dataset.not;
      }).catch(() => { said.textContent = said.dataset.not; }).finally(() => { underWay -= 1; });
    };
    draft.addEventListener("input", (event) => {
      if (event.target.type === "file") return;
      clearTimeout(later);
      later = setTimeout(keep, 1500);
    });
    draft.addEventListener("change", (event) => { if (event.target.type !== "file") keep(); });
    document.addEventListener("visibilitychange", () => { if (document.hidden && later) keep(); });
    window.addEventListener("pagehide", () => { if (later) keep(); });
    // What was kept by itself must not arrive behind what is sent, and take its place.
    draft.addEventListener("submit", (event) => {
      clearTimeout(later);
      later = 0;
      if (underWay === 0) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      saving.then(() => draft.requestSubmit(event.submitter));
    }, true);
  }

  // Back, to a page as it was: it is shown again only while somebody is signed in still.
  window.addEventListener("pageshow", async (event) => {
    if (!event.persisted || !document.querySelector('form[action$="/sign-out"]')) return;
    document.documentElement.hidden = true;
    const answer = await fetch(location.href, { credentials: "same-origin", redirect: "manual" }).catch(() => null);
    if (answer?.ok) document.documentElement.hidden = false; else location.reload();
  });

  // What is asked before it is done to many stands beside their list, in a panel; without script it is a page.
  const panel = document.querySelector("dialog.panel");
  const opens = async (form, by) => {
    const asked = new FormData(form, by);
    form.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(by.getAttribute("formaction") ?? form.action, { method: "POST", body: new URLSearchParams(asked), credentials: "same-origin" });
      if (answer.redirected) return location.assign(answer.url);
      const found = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
      const title = found.querySelector("h1");
      if (!answer.ok || !found.querySelector("form")) throw new Error("another page");
      const heading = document.createElement("h2");
      heading.id = "panel-title";
      heading.tabIndex = -1;
      heading.append(...title.childNodes);
      title.replaceWith(heading);
      panel.replaceChildren(...found.childNodes);
      panel.showModal();
      heading.focus();
    } catch {
      by.removeAttribute("data-panel"); // as a page, then
      form.requestSubmit(by);
    } finally {
      form.removeAttribute("aria-busy");
    }
  };
  document.addEventListener("submit", (event) => {
    if (!panel || !event.submitter?.hasAttribute("data-panel")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (event.target.getAttribute("aria-busy") !== "true") opens(event.target, event.submitter);
  });
  panel?.addEventListener("click", (event) => {
    if (!event.target.closest("[data-closes]")) return;
    event.preventDefault();
    panel.close();
    panel.replaceChildren();
  });
  panel?.addEventListener("close", () => panel.replaceChildren());

  // A form is sent once: the second press does nothing while the first is under way.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "yes";
    form.setAttribute("aria-busy", "true");
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) {
      delete form.dataset.sent;
      form.removeAttribute("aria-busy");
    }
  });
})();
