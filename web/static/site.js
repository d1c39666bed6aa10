// All script there is. Without it every page works; with it the zone is known at once, and slots and messages come
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
      if (push) history.pushState(null, "", address);
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
  window.addEventListener("popstate", () => {
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
