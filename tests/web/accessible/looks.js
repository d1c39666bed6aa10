// What axe does not see: too small for a finger, a table without headers, a link that leads nowhere, a heading that jumps.
() => {
  const wrong = [];
  const seen = (one) => one.checkVisibility() && one.getBoundingClientRect().width > 1;
  const told = (one) => one.outerHTML.slice(0, 90);
  for (const one of document.querySelectorAll("a[href], button, summary, input:not([type=hidden]), select, textarea")) {
    const box = one.getBoundingClientRect();
    if (seen(one) && !one.closest(".hidden-text, .skip") && (box.height < 23.5 || box.width < 23.5)) {
      wrong.push(`${Math.round(box.width)} x ${Math.round(box.height)} is small: ${told(one)}`);
    }
  }
  for (const one of document.querySelectorAll("table")) {
    if (!one.querySelector("th[scope]")) wrong.push(`no headers: ${told(one)}`);
  }
  for (const one of document.querySelectorAll('#summary a, a[href^="#"]')) {
    if (!document.getElementById(one.getAttribute("href").slice(1))) wrong.push(`leads nowhere: ${told(one)}`);
  }
  let level = 1;
  for (const one of document.querySelectorAll("main :is(h1, h2, h3, h4):not(#summary *)")) {
    const now = Number(one.tagName[1]);
    if (now > level + 1) wrong.push(`a heading jumps to ${now}: ${told(one)}`);
    level = now;
  }
  if (document.querySelectorAll("main h1").length !== 1) wrong.push("not one h1");
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) wrong.push(`twice: ${id}`);
  return wrong;
}
