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

  // What is ticked goes along in the links and the forms to the other pages of the plan.
  const carryTicks = () => {
    const carried = document.querySelector("[data-carried]");
    if (!carried) return;
    // A form that came back has another address.
    const plan = carried.dataset.carried;
    const forms = [...document.querySelectorAll("form[data-carries]")];
    for (const form of forms) form.hidden = false;
    const boxes = [...document.querySelectorAll("input[name=pick][type=checkbox]")];
    const elsewhere = [...document.querySelectorAll("input[name=pick][type=hidden]")];
    const names = (box) => {
      const at = box.value.indexOf(":");
      if (!box.value.startsWith("change:")) return [box.value];
      return box.value.slice(at + 1).split(" ").map((id) => id.slice(0, 12));
    };
    const told = carried.querySelector(".dim");
    const usual = told.textContent;
    const carry = () => {
      const ticked = new Set([...elsewhere, ...boxes.filter((box) => box.checked)].flatMap(names));
      const fits = ticked.size <= 300;
      told.textContent = fits
        ? usual
        : ticked.size + " changes are ticked, and 300 at most are remembered on other pages: tick whole models, or approve from here.";
      const text = fits ? [...ticked].sort().join(",") : "";
      const set = (query) => {
        if (text) query.set("ticked", text);
        else query.delete("ticked");
      };
      const address = (url) => {
        set(url.searchParams);
        return url.pathname + url.search + url.hash;
      };
      for (const link of document.querySelectorAll("a[href]:not([data-untick])")) {
        const url = new URL(link.href);
        if (url.origin === location.origin && url.pathname === plan) link.href = address(url);
      }
      for (const back of document.querySelectorAll("input[name=back]")) {
        const query = new URLSearchParams(back.value);
        set(query);
        back.value = query.toString();
      }
      for (const form of forms) {
        form.querySelector("input[name=ticked]")?.remove();
        if (text) form.append(element("input", { type: "hidden", name: "ticked", value: text }));
      }
      if (fits && location.pathname === plan) history.replaceState(null, "", address(new URL(location.href)));
    };
    document.addEventListener("change", (event) => {
      if (event.target === document.querySelector("[data-tick-all]") || boxes.includes(event.target)) carry();
    });
  };

  // `j` and `k` go through the rows of a page, `/` to its first filter, or to the search.
  const keys = () => {
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target.closest("input, select, textarea")) return;
      if (event.key === "/") {
        const filter = document.querySelector("form.filter input:not([type=hidden]), form.filter select")
          ?? document.querySelector(".search input");
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

  // How many records a form picks is told while it is filled in.
  const countPicked = () => {
    const form = document.querySelector("form[data-count]");
    const told = form?.querySelector("[data-counted]");
    if (!told) return;
    let waiting = null;
    let asked = 0;
    const count = async () => {
      const number = ++asked;
      const picked = [...new FormData(form)].filter(([name]) => ["model", "sites", "record"].includes(name));
      let lines = [];
      try {
        const answer = await fetch(form.dataset.count + "?" + new URLSearchParams(picked), {
          headers: { accept: "application/json" },
        });
        if (answer.ok) ({ lines } = await answer.json());
      } catch {
        // The button asks too, and says what is wrong.
      }
      // Something else may have been picked meanwhile.
      if (number === asked) told.replaceChildren(...lines.map((line) => element("p", {}, line)));
    };
    form.addEventListener("input", (event) => {
      if (!["model", "sites", "record"].includes(event.target.name)) return;
      clearTimeout(waiting);
      waiting = setTimeout(count, 400);
    });
  };

  // A run that is not over: its page follows what it does.
  const NUMBERS = new Intl.NumberFormat("en");
  const STANDS = {
    new: "Waits for its turn",
    queued: "Waits for its turn",
    syncing: "Under way",
    awaiting_review: "Waits for a person to look at its plan",
    completed: "Completed",
    failed: "Failed",
    cancelled: "Cancelled",
  };
  const KINDS = [
    "status", "phase_started", "phase_finished", "read", "read_finished", "compared", "applied", "requests", "message",
  ];

  const element = (name, attributes, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  };

  const bar = (from, length) => {
    const drawn = (name, attributes) => {
      const made = document.createElementNS("http://www.w3.org/2000/svg", name);
      for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
      return made;
    };
    const chart = drawn("svg", {
      class: "chart", viewBox: "0 0 1000 12", preserveAspectRatio: "none", "aria-hidden": "true",
    });
    chart.append(
      drawn("rect", { class: "ground", width: 1000, height: 12 }),
      drawn("rect", { x: from, width: length, height: 12 }),
    );
    return chart;
  };

  const took = (ms) => {
    const seconds = Math.floor(ms / 1000);
    if (seconds < 1) return Math.max(0, Math.round(ms)) + " ms";
    if (seconds < 60) return seconds + " s";
    if (seconds < 3600) return Math.floor(seconds / 60) + " min " + (seconds % 60) + " s";
    return Math.floor(seconds / 3600) + " h " + (Math.floor(seconds / 60) % 60) + " min";
  };

  // A table whose rows change, within a box that keeps where it was scrolled to.
  const liveTable = (caption, heads) => {
    const rows = element("tbody", {});
    const head = element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, head)));
    const table = element(
      "table", { class: "slim" }, element("caption", { class: "hidden" }, caption), element("thead", {}, head), rows,
    );
    return { box: element("div", { class: "scroll bare", hidden: "" }, table), rows };
  };

  // So many of so many, as a bar and in words. Where nobody knows how many there will be, the bar says only that it goes on.
  const share = (label, done, total, isOver, more) => {
    const drawn = element("progress", { "aria-label": label });
    if (isOver || total > 0) {
      drawn.max = isOver ? 1 : total;
      drawn.value = isOver ? 1 : Math.min(done, total);
    }
    const words = NUMBERS.format(done) + (total > 0 && !isOver ? " of " + NUMBERS.format(total) : "");
    return element("td", {}, drawn, words + more);
  };

  const readCell = (model, side, read) => {
    if (!read) return element("td", { class: "dim" }, "not yet");
    const more = read.partial ? ", partial: " + read.partial : read.done ? "" : " so far";
    return share(model + ", " + side, read.records, read.expected ?? 0, read.done, more);
  };

  const changeCell = (model, compared, applied) => {
    if (applied) {
      const more = applied.failed ? ", " + NUMBERS.format(applied.failed) + " failed" : "";
      return share(model + ", changes", applied.done, applied.total, false, more);
    }
    if (!compared) return element("td", { class: "dim" }, "not yet");
    const found = compared.create + compared.update + compared.delete;
    const held = found - compared.to_apply;
    const words = NUMBERS.format(compared.to_apply) + " to apply" + (held > 0 ? ", " + NUMBERS.format(held) + " held" : "");
    return element("td", {}, words);
  };

  const liveRun = () => {
    const live = document.querySelector("[data-run]");
    if (!live || !window.EventSource) return;
    const note = live.querySelector("[data-live-note]");
    const line = live.querySelector("[data-live-status]");
    // What the page says of the same is from when it was loaded.
    const instead = (name, isShown) => {
      const section = document.querySelector("[data-live-instead=" + name + "]");
      if (section) section.hidden = isShown;
    };
    const phases = liveTable("How long each phase took so far", ["Phase", "Time", "From begin to now"]);
    phases.box.querySelector("th:last-child").className = "wide";
    phases.box.querySelector("th:nth-child(2)").className = "right";
    const streams = liveTable("When each model was read, and when its changes were written", ["Model", "Phase", "Time", "From begin to now"]);
    streams.box.querySelector("th:last-child").className = "wide";
    streams.box.querySelector("th:nth-child(3)").className = "right";
    const byModel = element("details", { hidden: "" }, element("summary", {}, "By model"), streams.box);
    const models = liveTable("How far each model is", ["Model", "Source", "Target", "Changes"]);
    const requests = liveTable(
      "How much was asked of either side so far", ["Requests", "Sent", "A second", "Retries", "Answered 429", "Waited"],
    );
    for (const head of requests.box.querySelectorAll("th:not(:first-child)")) head.className = "right";
    const speed = element("p", { class: "dim" });
    live.querySelector("[data-live]").append(phases.box, byModel, models.box, requests.box, speed);

    const showPhases = (list, now) => {
      const begin = Math.min(...list.map((phase) => Date.parse(phase.started)));
      const end = Math.max(begin + 1, ...list.map((phase) => (phase.ended ? Date.parse(phase.ended) : now)));
      const place = (time) => Math.round(((time - begin) / (end - begin)) * 1000);
      // How long it took, and that as a bar.
      const time = (what) => {
        const from = Date.parse(what.started);
        const to = what.ended ? Date.parse(what.ended) : Math.max(now, from);
        const left = Math.min(Math.max(place(from), 0), 995);
        return [
          element("td", { class: "right" }, took(to - from)),
          element("td", {}, bar(left, Math.min(Math.max(place(to) - left, 5), 1000 - left))),
        ];
      };
      const name = (phase) => phase.name.replaceAll("_", " ");
      const rows = list.map((phase) => element("tr", {}, element("th", { scope: "row" }, name(phase)), ...time(phase)));
      phases.rows.replaceChildren(...rows);
      const parts = list.flatMap((phase) => phase.streams.map((stream) => element(
        "tr", {},
        element("th", { scope: "row" }, stream.label),
        element("td", { class: "nowrap" }, name(phase)),
        ...time(stream),
      )));
      streams.rows.replaceChildren(...parts);
      streams.box.hidden = byModel.hidden = parts.length === 0;
      phases.box.hidden = rows.length === 0;
      instead("phases", rows.length > 0);
    };

    const showModels = (list) => {
      const rows = list.map((model) => element(
        "tr", {},
        element("th", { scope: "row" }, model.label),
        readCell(model.label, "source", model.source),
        readCell(model.label, "target", model.target),
        changeCell(model.label, model.compared, model.applied),
      ));
      models.rows.replaceChildren(...rows);
      models.box.hidden = rows.length === 0;
    };

    const showRequests = (asked) => {
      const sides = ["source", "target"].filter((side) => asked?.[side].sent > 0);
      const rows = sides.map((side) => {
        const { sent, retries, throttled, waited_ms: waited, span_ms: span } = asked[side];
        const rate = sent > 1 && span > 0 ? ((sent * 1000) / span).toFixed(1) : "–";
        const numbers = [NUMBERS.format(sent), rate, NUMBERS.format(retries), NUMBERS.format(throttled), waited ? took(waited) : "–"];
        return element(
          "tr", {},
          element("th", { scope: "row" }, side),
          ...numbers.map((number) => element("td", { class: "right" }, number)),
        );
      });
      requests.rows.replaceChildren(...rows);
      requests.box.hidden = rows.length === 0;
      instead("requests", rows.length > 0);
    };

    const show = (progress, now) => {
      const open = progress.phases.filter((phase) => !phase.ended).map((phase) => phase.name.replaceAll("_", " "));
      const stands = STANDS[progress.status] ?? progress.status ?? "Not over";
      const why = progress.paused ? "paused" : open.join(", ");
      // What is said once is not read out again.
      const words = stands + (why ? ": " + why : "");
      if (line.textContent !== words) line.textContent = words;
      showPhases(progress.phases, now);
      showModels(progress.models);
      showRequests(progress.requests);
      const parts = [];
      if (progress.rate !== null) {
        const rate = progress.rate < 10 ? Math.round(progress.rate * 10) / 10 : Math.round(progress.rate);
        parts.push(NUMBERS.format(rate) + " a second");
      }
      if (progress.eta) parts.push("about " + took(Math.max(1000, Date.parse(progress.eta) - now)) + " left");
      speed.textContent = parts.join(", ");
      note.hidden = true;
    };

    // What the page says besides is not true any more. Who is writing something is not disturbed: the note has the link.
    const again = () => {
      const fields = [...document.querySelectorAll("main input:not([type=hidden]), main textarea")];
      if (fields.some((field) => field.value !== field.defaultValue)) {
        note.hidden = false;
        return;
      }
      location.reload();
    };

    let stream = null;
    let seen = 0;
    let isBusy = false;
    let isWanted = false;
    const load = async () => {
      const answer = await fetch(live.dataset.progress, { headers: { accept: "application/json" } });
      if (!answer.ok) throw new Error("progress: " + answer.status);
      const progress = await answer.json();
      // The clock of the server: all other times are by it.
      show(progress, Date.parse(answer.headers.get("date") ?? "") || Date.now());
      seen = progress.seq;
      if (progress.status && progress.status !== live.dataset.status) again();
    };
    // Twice a second at most, and once more after the last event.
    const ask = async () => {
      isWanted = true;
      if (isBusy) return;
      isBusy = true;
      while (isWanted) {
        isWanted = false;
        try {
          await load();
        } catch {
          note.hidden = false;
        }
        await new Promise((done) => setTimeout(done, 500));
      }
      isBusy = false;
    };
    const follow = () => {
      stream = new EventSource(live.dataset.events + "?after=" + seen);
      for (const kind of KINDS) stream.addEventListener(kind, ask);
      stream.addEventListener("end", () => {
        stream.close();
        again();
      });
      // Cut off: the browser comes back by itself, but not to what is over.
      stream.addEventListener("error", () => {
        note.hidden = false;
        if (stream.readyState !== EventSource.CLOSED) return;
        ask();
        // Refused, perhaps because too many look: later there may be room.
        setTimeout(() => {
          if (!document.hidden && stream.readyState === EventSource.CLOSED) follow();
        }, 15000);
      });
      stream.addEventListener("open", ask);
    };
    // A browser has few connections to a server, all its tabs together: one that nobody looks at needs none.
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) {
        stream?.close();
      } else if (!stream || stream.readyState === EventSource.CLOSED) {
        follow();
      }
    });
    // What is known at once need not come as events. The first `open` asks again where this failed.
    load().catch(() => {}).finally(() => {
      if (!document.hidden) follow();
    });
  };

  document.addEventListener("DOMContentLoaded", () => {
    themeSwitch();
    copyButtons();
    tickAll();
    carryTicks();
    countPicked();
    keys();
    liveRun();
  });
})();
