// What a person finds on a page, by role and name. Put before every expression that is evaluated.
const ROLES = {
  link: "a[href]",
  button: "button, summary, input[type=submit]",
  textbox: "input:not([type=hidden], [type=checkbox], [type=radio], [type=submit]), textarea",
  checkbox: "input[type=checkbox]",
  radio: "input[type=radio]",
  combobox: "select",
  heading: "h1, h2, h3",
  row: "tbody tr",
  any: "*",
};
const flat = (text) => (text ?? "").replace(/\s+/g, " ").trim();
const nameOf = (element) => {
  const by = element.getAttribute("aria-labelledby");
  if (by) return flat(by.split(/\s+/).map((id) => document.getElementById(id)?.textContent ?? "").join(" "));
  const said = element.getAttribute("aria-label");
  if (said) return flat(said);
  if (element.labels?.length) return flat([...element.labels].map((label) => label.textContent).join(" "));
  return flat(element.textContent) || flat(element.getAttribute("title"));
};
const isSeen = (element) => element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length > 0;
// All of a role whose name is, or else begins with, or else has in it, what is wanted.
const all = (role, wanted) => {
  const there = [...document.querySelectorAll(ROLES[role])].filter(isSeen);
  for (const fits of [(name) => name === wanted, (name) => name.startsWith(wanted), (name) => name.includes(wanted)]) {
    const found = there.filter((element) => fits(nameOf(element)));
    if (found.length) return found;
  }
  return [];
};
const one = (role, wanted) => {
  const found = all(role, wanted);
  if (found.length) return found[0];
  const there = [...document.querySelectorAll(ROLES[role])].filter(isSeen).map(nameOf);
  throw new Error(`no ${role} \`${wanted}\` on ${location.pathname}, but: ${there.slice(0, 40).join(" | ")}`);
};
// Where a mouse meets it.
const point = (element) => {
  element.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
  const box = element.getClientRects()[0];
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const there = document.elementFromPoint(x, y);
  const label = element.closest("label");
  if (!there || !(element.contains(there) || there.contains(element) || label?.contains(there))) {
    throw new Error(`\`${nameOf(element)}\` is covered by ${there?.outerHTML.slice(0, 200)}`);
  }
  return { x, y };
};
const main = () => flat(document.querySelector("main")?.innerText);
