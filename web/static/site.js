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
    if (shown !== zone && !location.search.includes("zone=") && document.querySelector("[data-times]")) location.reload();
  }

  // A part of a page that links and forms inside it can renew: <div data-part="slots">.
  const renew = async (part, address, push) => {
    part.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(address, { credentials: "same-origin" });
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const found = fresh.querySelector(`[data-part="${part.dataset.part}"]`);
      if (!answer.ok || !found) throw new Error("another page");
      part.replaceWith(found);
      if (push) {
        history.pushState(null, "", address);
        seen = place();
      }
      found.querySelector("[data-focus]")?.focus();
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

  // Messages that arrive: the list is asked for again, gently, while somebody looks.
  const live = document.querySelector("[data-live]");
  if (live) {
    setInterval(async () => {
      if (document.hidden) return;
      try {
        const answer = await fetch(location.href, { credentials: "same-origin" });
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-live]");
        const now = document.querySelector("[data-live]");
        if (answer.ok && fresh && fresh.innerHTML !== now.innerHTML) now.innerHTML = fresh.innerHTML;
      } catch { /* the next time */ }
    }, 10000);
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

  // What is typed into a long form is kept as its draft, so that a sign-in that ends takes nothing with it.
  const draft = document.querySelector("form[data-draft]");
  if (draft) {
    let saving = Promise.resolve();
    let underWay = 0;
    draft.addEventListener("change", (event) => {
      if (event.target.type === "file") return;
      underWay += 1;
      saving = saving.then(() => {
        if (draft.dataset.sent) return null;
        const typed = new FormData(draft);
        for (const name of [...typed.keys()]) if (name.startsWith("files.")) typed.delete(name);
        typed.set("do", "save");
        return fetch(draft.action, { method: "POST", body: typed, credentials: "same-origin", redirect: "manual", keepalive: true });
      }).catch(() => null).finally(() => { underWay -= 1; });
    });
    // What was kept by itself must not arrive behind what is sent, and take its place.
    draft.addEventListener("submit", (event) => {
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
