// What is wrong with a page for those who do not see it, or see it on a phone: a list of sentences.
const faults = [];
const shown = (element) => element.outerHTML.replace(/\s+/g, " ").slice(0, 160);
const every = (selector, isRight, what) => {
  for (const element of document.querySelectorAll(selector)) {
    if (isSeen(element) && !isRight(element)) faults.push(`${what}: ${shown(element)}`);
  }
};
const root = document.documentElement;
if (root.scrollWidth > root.clientWidth) {
  const wide = [...document.querySelectorAll("main *, header *")].filter((element) =>
    element.getBoundingClientRect().right > root.clientWidth + 1 && !element.closest(".scroll, .hidden"));
  faults.push(`the page is ${root.scrollWidth} wide in a window of ${root.clientWidth}: ${wide.slice(0, 3).map(shown).join(" and ")}`);
}
if (!root.lang) faults.push("the page tells no language");
if (!/ · Syncline$/.test(document.title)) faults.push(`the title is \`${document.title}\``);
const heads = [...document.querySelectorAll("h1, h2, h3, h4")].filter(isSeen);
const levels = heads.map((head) => Number(head.tagName[1]));
if (levels.filter((level) => level === 1).length !== 1) faults.push(`${levels.filter((level) => level === 1).length} first headings`);
levels.forEach((level, at) => {
  if (at > 0 && level > levels[at - 1] + 1) faults.push(`a heading of level ${level} after one of ${levels[at - 1]}: ${shown(heads[at])}`);
});
// Who has to log in first has nowhere to go.
for (const landmark of ["header", "main", "footer", ...(location.pathname === "/login" ? [] : ["nav"])]) {
  if (!document.querySelector(landmark)) faults.push(`no ${landmark}`);
}
every("input:not([type=hidden]), select, textarea", (field) => field.labels?.length || field.getAttribute("aria-label"), "a field without a label");
every("button, summary, a[href]", (control) => nameOf(control), "a control without a name");
every("svg", (image) => image.getAttribute("aria-hidden") === "true" || image.querySelector("title") || image.getAttribute("aria-label"), "an image without a title");
every("img", (image) => image.hasAttribute("alt"), "an image without a text");
every("table", (table) => flat(table.caption?.textContent), "a table without a caption");
every("thead th, tbody th", (head) => head.scope, "a head of a table without a scope");
every("table", (table) => table.querySelector("thead th, tbody th"), "a table without heads");
every("section", (section) => nameOf(section) && (section.getAttribute("aria-label") || section.getAttribute("aria-labelledby")), "a section without a name");
every("fieldset", (set) => set.querySelector("legend"), "fields without a legend");
every("progress", (bar) => nameOf(bar), "a bar without a name");
every(".scroll[tabindex]", (box) => nameOf(box) && box.getAttribute("role"), "a box that can be scrolled, without a name");
every("[style]", (element) => element.closest("svg"), "a style within the page");
for (const attribute of ["aria-labelledby", "aria-describedby", "for", "form", "aria-controls"]) {
  for (const element of document.querySelectorAll(`[${attribute}]`)) {
    for (const id of element.getAttribute(attribute).split(/\s+/)) {
      if (!document.getElementById(id)) faults.push(`${attribute} names \`${id}\`, which is not there: ${shown(element)}`);
    }
  }
}
const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
for (const id of new Set(ids.filter((id, at) => ids.indexOf(id) !== at))) faults.push(`\`${id}\` is the id of two`);

// Contrast of what is written with what is behind it, as the browser draws them.
const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
paint.canvas.width = paint.canvas.height = 1;
const rgb = (color, under) => {
  paint.fillStyle = under;
  paint.fillRect(0, 0, 1, 1);
  paint.fillStyle = color;
  paint.fillRect(0, 0, 1, 1);
  const [r, g, b] = paint.getImageData(0, 0, 1, 1).data;
  return `rgb(${r}, ${g}, ${b})`;
};
const behind = (element) => {
  const grounds = [];
  for (let at = element; at; at = at.parentElement) grounds.unshift(getComputedStyle(at).backgroundColor);
  return grounds.reduce((under, color) => rgb(color, under), "rgb(255, 255, 255)");
};
const light = (color) => {
  const [r, g, b] = color.match(/\d+/g).map((part) => part / 255).map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (one, other) => {
  const [dark, bright] = [light(one), light(other)].sort((a, b) => a - b);
  return (bright + 0.05) / (dark + 0.05);
};
const seenPairs = new Set();
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (texts.nextNode()) {
  const element = texts.currentNode.parentElement;
  if (!flat(texts.currentNode.textContent) || !isSeen(element) || element.closest(".hidden, .skip, option")) continue;
  const ground = behind(element);
  const ink = rgb(getComputedStyle(element).color, ground);
  const pair = `${ink} on ${ground}`;
  if (seenPairs.has(pair)) continue;
  seenPairs.add(pair);
  if (contrast(ink, ground) < 4.5) faults.push(`${pair} has a contrast of ${contrast(ink, ground).toFixed(2)}: ${shown(element)}`);
}
return faults;
