// What is nicer with a script. Every page reads and works without it.
"use strict";

(() => {
  const root = document.documentElement;
  const KEY = "syncline.theme";
  const THEMES = ["auto", "light", "dark"];
  const WORDS = { auto: "As the system", light: "Light", dark: "Dark" };

  // A browser may keep nothing; then the choice lasts for the page.
  const kept = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null;
    }
  };
  const keep = (theme) => {
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // It is only a color.
    }
  };
  const show = (theme) => {
    if (theme === "auto") {
      root.removeAttribute("data-theme");
    } else {
      root.setAttribute("data-theme", theme);
    }
  };
  // Before anything is drawn.
  let theme = THEMES.includes(kept()) ? kept() : "auto";
  show(theme);

  const themeSwitch = () => {
    const button = document.querySelector("[data-theme-switch]");
    if (!button) return;
    const name = button.querySelector("[data-theme-name]");
    const tell = () => {
      name.textContent = WORDS[theme];
      button.title = "Colors: " + WORDS[theme].toLowerCase();
    };
    button.hidden = false;
    tell();
    button.addEventListener("click", () => {
      theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
      keep(theme);
      show(theme);
      tell();
    });
  };

  const copyButtons = () => {
    if (!navigator.clipboard) return;
    for (const code of document.querySelectorAll("[data-copy]")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "plain";
      button.textContent = "Copy";
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
      });
      code.after(" ", button);
    }
  };

  // One box ticks all of a page.
  const tickAll = () => {
    const all = document.querySelector("[data-tick-all]");
    if (!all) return;
    const boxes = [...document.querySelectorAll("input[name=pick][data-row]")];
    const note = document.querySelector("[data-ticked]");
    const tell = () => {
      const ticked = boxes.filter((box) => box.checked).length;
      all.checked = ticked > 0 && ticked === boxes.length;
      all.indeterminate = ticked > 0 && ticked < boxes.length;
      if (note) note.textContent = ticked ? ticked + " ticked on this page" : "";
    };
    all.hidden = false;
    all.addEventListener("change", () => {
      for (const box of boxes) box.checked = all.checked;
      tell();
    });
    for (const box of boxes) box.addEventListener("change", tell);
    tell();
  };

  // `j` and `k` go through the rows of a page, `/` to its first filter.
  const keys = () => {
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target.closest("input, select, textarea")) return;
      if (event.key === "/") {
        const filter = document.querySelector("form.filter input:not([type=hidden]), form.filter select");
        if (!filter) return;
        event.preventDefault();
        filter.focus();
        return;
      }
      const step = { j: 1, k: -1 }[event.key];
      if (!step) return;
      const rows = [...document.querySelectorAll("tbody th[scope=row] a, .change h3 a")];
      const at = rows.indexOf(document.activeElement);
      const next = rows[at < 0 ? (step > 0 ? 0 : rows.length - 1) : at + step];
      if (next) next.focus();
    });
  };

  document.addEventListener("DOMContentLoaded", () => {
    themeSwitch();
    copyButtons();
    tickAll();
    keys();
  });
})();
