// The name of what has the focus, and what is wrong with how it is seen.
() => {
  const one = document.activeElement;
  if (!one || one === document.body) return { name: "", wrong: "" };
  const of = (ids) => (ids || "").split(" ").map((id) => document.getElementById(id)?.innerText ?? "").join(" ");
  const label = one.ariaLabel || of(one.getAttribute("aria-labelledby")) || one.labels?.[0]?.textContent;
  const name = label || one.textContent || one.value;
  const box = one.getBoundingClientRect();
  const [x, y] = [box.x + Math.min(box.width / 2, 40), box.y + Math.min(box.height / 2, 20)];
  const top = document.elementFromPoint(x, y);
  const outlined = [one, one.closest(".choice") ?? one].some((each) => getComputedStyle(each).outlineStyle !== "none");
  const inside = x >= 0 && y >= 0 && x < innerWidth && y < innerHeight;
  let wrong = "";
  if (!name?.trim()) wrong = "no name";
  else if (!one.matches("main, [data-told], [tabindex='-1']") && !outlined) wrong = "no ring";
  else if (inside && top && ![one, one.closest("label")].some((each) => each?.contains(top)) && !top.contains(one)) {
    wrong = "behind something";
  }
  wrong &&= `${wrong}: ${one.outerHTML.slice(0, 120)}`;
  return { name: (name ?? "").replace(/\s+/g, " ").trim(), wrong };
}
