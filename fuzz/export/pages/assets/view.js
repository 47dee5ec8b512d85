// What is shown of one run at its step: sentences, tables and pictures. All text goes in as text, never as markup.
"use strict";

const MOST_LEAVES = 4, MOST_ROWS = 60, MOST_TOLD = 14;

function el(tag, attributes = {}, ...inside) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) made.setAttribute(name, value);
  made.append(...inside.filter((each) => each !== null && each !== undefined));
  return made;
}

function facts(pairs) {
  return el("dl", { class: "facts" }, ...pairs.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, String(value)))));
}

function scrolling(words, ...inside) {
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": words }, ...inside);
}

function tableOf(words, heads, rows) {
  const body = rows.slice(0, MOST_ROWS).map(({ cells, changed, differs }) => el("tr", { class: [changed && "changed", differs && "differs"].filter(Boolean).join(" ") || undefined },
    el("th", { scope: "row" }, cells[0], changed ? el("span", { class: "unseen" }, " (changed)") : null),
    ...cells.slice(1).map((cell) => el("td", {}, String(cell)))));
  const left = rows.length - body.length;
  return scrolling(words, el("table", {}, el("caption", { class: "unseen" }, words),
    el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, head)))), el("tbody", {}, ...body)),
  left > 0 ? el("p", { class: "soft" }, `and ${left} more`) : null);
}

function legend(pairs) {
  return el("ul", { class: "legend" }, ...pairs.map(([look, text]) => el("li", {},
    svg("svg", { width: 12, height: 12, "aria-hidden": "true" }, svg("rect", { x: 1, y: 1, width: 10, height: 10, class: look })), text)));
}

class View {
  constructor(run, zaps, go) {
    this.run = run;
    this.zaps = zaps;
    this.go = go;
    this.pinned = new Map();
    this.last = new Map();
    this.lanes = [];
    this.inside = el("div", {});
    this.box = el("section", { class: "view", "aria-label": `Release ${run.release}` }, el("h2", {}, `Release ${run.release}`), this.timeline(), this.inside);
  }

  timeline() {
    const txgs = drawLanes(this.run, ["open", "quiescing", "syncing"], txgCells(this.run), "Transaction groups over the steps", this.go);
    this.lanes.push(txgs);
    const made = el("div", {}, el("h3", {}, "Transaction groups"), scrolling("Transaction groups over the steps", txgs));
    if (this.run.threads.length > 1) {
      const threads = this.run.threads, names = threads.map((thread) => (thread ? `thread t${thread}` : "alone"));
      const lanes = drawLanes(this.run, names, threadCells(this.run, threads), "Which thread ran, over the steps", this.go);
      this.lanes.push(lanes);
      made.append(el("h3", {}, "Threads: who ran when"), scrolling("Which thread ran, over the steps", lanes));
    }
    return made;
  }

  show(other) {
    const { run } = this;
    this.other = other;
    for (const lane of this.lanes) lane.move(run.at);
    const zaps = run.zaps();
    this.inside.replaceChildren(this.told(), this.txgs(), ...this.threads(), ...zaps.map((name) => this.zap(name)), ...this.cursors(), ...this.owned());
  }

  differs(key) {
    return this.other !== undefined && JSON.stringify(this.other.parts.get(key)) !== JSON.stringify(this.run.parts.get(key));
  }

  told() {
    const sentences = this.run.step.kind === "begin" ? [] : told(this.run);
    const shown = sentences.slice(0, MOST_TOLD).map((text) => el("li", {}, text));
    if (sentences.length > MOST_TOLD) shown.push(el("li", { class: "soft" }, `and ${sentences.length - MOST_TOLD} more changes`));
    const nothing = this.run.step.kind === "begin" ? "The program begins here." : this.run.step.kind === "failed" ?
      "The world as it fell." : "This step changed nothing that is shown.";
    return el("div", {}, el("h3", {}, "What this step changed"), shown.length ? el("ul", { class: "changes" }, ...shown) : el("p", { class: "soft" }, nothing));
  }

  txgs() {
    const [open, flying, syncing] = this.run.parts.get("txgs") || ["-", [], 0];
    const pairs = [["open txg", open], ["in flight", flying.length ? flying.join(", ") : "none"]];
    if (syncing) pairs.push(["syncing now", syncing]);
    const release = this.run.parts.get("release");
    if (release !== this.run.release) pairs.push(["the pool is with release", release]);
    for (const [txg, [early, late]] of this.run.under("tasks/")) pairs.push([`sync tasks that wait in txg ${txg}`, early ? `${early} early, ${late}` : late]);
    for (const [txg, many] of this.run.under("unaccounted/")) pairs.push([`objects changed in txg ${txg}`, many]);
    return facts(pairs);
  }

  threads() {
    const threads = this.run.under("thread/");
    if (!threads.length) return [];
    const rows = threads.map(([number, [op, stands, stack, locks]]) => ({ changed: this.run.changed(`thread/${number}`),
      differs: this.differs(`thread/${number}`), cells: [`t${number}`, op < 0 ? "-" : op, stands, locks.join("; ") || "none", stack.join(" ← ") || "-"] }));
    return [el("h3", {}, "Threads: where they stand"), tableOf("Threads", ["thread", "op", "where it stands", "locks", "stack, innermost first"], rows)];
  }

  cursors() {
    const cursors = this.run.under("cursor/");
    if (!cursors.length) return [];
    return [el("h3", {}, "Cursors"), tableOf("Cursors", ["cursor", "ZAP", "at hash", "cd", "on leaf"], cursors.map(([name, [zap, hash, cd, leaf]]) =>
      ({ changed: this.run.changed(`cursor/${name}`), differs: this.differs(`cursor/${name}`), cells: [name, zap, hash, cd, leaf < 0 ? "none" : leaf] })))];
  }

  zap(name) {
    const { run } = this, [number, size, last, freed, destroyed] = run.parts.get(`${name}/object`);
    const made = el("section", { class: "zap", "aria-label": `ZAP ${name}` }, el("h3", {}, `ZAP ${name}`));
    const pairs = [["object", number], ["block size", size], ["last block", last]];
    if (run.parts.has(`${name}/levels`)) pairs.push(["levels", run.parts.get(`${name}/levels`)]);
    if (destroyed) pairs.push(["state", freed ? `destroyed in txg ${freed}` : "gone"]);
    const header = run.parts.get(`${name}/header`);
    if (header) pairs.push(...Object.entries(header));
    const disk = run.parts.get(`${name}/on disk`);
    pairs.push(["blocks on disk", disk || "none"], ...run.under(`${name}/freed/`).map(([txg, blocks]) => [`freed in txg ${txg}`, blocks]));
    if (this.zaps[name]) made.append(el("p", { class: "soft mono" }, this.zaps[name]));
    made.append(facts(pairs), ...this.failing(name));
    const choose = (block) => { this.pinned.set(name, block); this.show(this.other); };
    if (header) made.append(...this.fat(name, header, choose));
    if (run.parts.has(`${name}/micro`)) made.append(...this.micro(name));
    made.append(...this.dbufs(name), ...this.indirect(name));
    return made;
  }

  fat(name, header, choose) {
    const { run } = this, made = [];
    const blocks = Number(header.zt_numblks), first = Number(header.zt_blk);
    const where = blocks ? `in block${blocks > 1 ? `s ${first} to ${first + blocks - 1}` : ` ${first}`}` : "in the header's second half";
    for (const [which, words] of [["table", `Pointer table: 2^${header.zt_shift} entries, ${where}`],
      ["next", `Table being built from block ${header.zt_nextblk} on: ${header.zt_blks_copied} of ${blocks} blocks are copied`]]) {
      const drawn = drawTree(run, name, which, choose);
      if (drawn === null) continue;
      made.push(el("h4", {}, words), scrolling(`${words} of ${name}`, drawn[0]), drawn[1] ? el("p", { class: "soft" }, drawn[1]) : "");
    }
    const [strip, more] = drawBlocks(run, name, choose);
    made.push(el("h4", {}, "Blocks, and the free mark"), scrolling(`Blocks of ${name}`, strip), more ? el("p", { class: "soft" }, more) : "",
      legend([["k-h", "header"], ["k-t", "pointer table"], ["k-n", "being built"], ["k-l", "leaf"], ["k-z", "zeros"], ["k-o", "neither"], ["dirty", "dirty"], ["user", "user data"], ["changed-box", "changed now"]]));
    const leaves = this.leavesOf(name);
    const all = run.under(`${name}/leaf/`).map(([block]) => Number(block));
    if (all.length) {
      const select = el("select", { "aria-label": `Leaf of ${name} to show` }, el("option", { value: "" }, "changed last"),
        ...all.sort((a, b) => a - b).map((block) => el("option", { value: String(block) }, `block ${block}`)));
      select.value = this.pinned.has(name) && all.includes(this.pinned.get(name)) ? String(this.pinned.get(name)) : "";
      select.addEventListener("change", () => { if (select.value) this.pinned.set(name, Number(select.value)); else this.pinned.delete(name); this.show(this.other); });
      made.push(el("h4", {}, `Leaves: ${leaves.length} of ${all.length}, `, select), el("div", { class: "leaves" }, ...leaves.map((block) => this.leaf(name, block))),
        legend([["u-e", "entry"], ["u-n", "name"], ["u-v", "value"], ["u-f", "free"], ["u-a", "array of no entry"], ["u-q", "unknown"], ["changed-box", "changed now"]]));
    }
    return made;
  }

  // The leaf that was chosen, those that changed now, and those that did so last.
  leavesOf(name) {
    const { run } = this, there = run.under(`${name}/leaf/`).map(([block]) => Number(block));
    const changed = there.filter((block) => run.step.kind !== "begin" && ["leaf", "uses", "freelist", "wrong"].some((part) => run.changed(`${name}/${part}/${block}`)));
    if (changed.length) this.last.set(name, changed);
    const wrong = there.filter((block) => run.parts.has(`${name}/wrong/${block}`));
    const pinned = this.pinned.has(name) && there.includes(this.pinned.get(name)) ? [this.pinned.get(name)] : [];
    return [...new Set([...pinned, ...changed, ...wrong, ...(this.last.get(name) || []).filter((block) => there.includes(block)), ...there])].slice(0, MOST_LEAVES);
  }

  leaf(name, block) {
    const { run } = this, head = run.parts.get(`${name}/leaf/${block}`);
    const entries = run.under(`${name}/entry/${block}/`).map(([chunk, entry]) => [Number(chunk), entry, run.changed(`${name}/entry/${block}/${chunk}`)])
      .sort((a, b) => Number(b[2]) - Number(a[2]) || a[1][6] - b[1][6]);
    const rows = entries.map(([chunk, [key, hash, cd, size, length, value, bucket, next, names, values], changed]) => ({ changed,
      differs: this.differs(`${name}/entry/${block}/${chunk}`),
      cells: [key, hash, cd, `${length} × ${size}`, chunk, bucket < 0 ? "in no chain" : bucket, next < 0 ? "end" : next, names || "none", values || "none", value || "-"] }));
    const wrong = run.parts.get(`${name}/wrong/${block}`);
    return el("div", { class: "leaf" }, el("h4", {}, `Leaf in block ${block}`),
      wrong ? el("ul", { class: "bad" }, ...wrong.map((text) => el("li", {}, text))) : null,
      facts([["prefix", head.prefix], ["entries", head.entries], ["free chunks", `${head.free} of ${head.chunks}`]]),
      scrolling(`Chunks of leaf ${block} of ${name}`, drawChunks(run, name, block)),
      el("p", { class: "soft mono" }, `free list: ${run.parts.get(`${name}/freelist/${block}`) || "empty"}`),
      rows.length ? el("details", { open: rows.length <= 8 ? "" : undefined }, el("summary", {}, `${rows.length} ${rows.length > 1 ? "entries" : "entry"}`),
        tableOf(`Entries of leaf ${block} of ${name}`, ["key", "hash", "cd", "value", "chunk", "bucket", "next in chain", "name's chunks", "value's chunks", "bytes"], rows)) : null);
  }

  micro(name) {
    const { run } = this, { slots, bytes } = run.parts.get(`${name}/micro`);
    const rows = run.under(`${name}/slot/`).map(([slot, [key, value, cd]]) => ({ changed: run.changed(`${name}/slot/${slot}`), slot: Number(slot),
      differs: this.differs(`${name}/slot/${slot}`), cells: [slot, key, value, cd] })).sort((a, b) => Number(!!b.changed) - Number(!!a.changed) || a.slot - b.slot);
    return [el("h4", {}, `Micro ZAP: ${rows.length} of ${slots} slots used, ${bytes} bytes`),
      rows.length ? tableOf(`Slots of ${name}`, ["slot", "name", "value", "cd"], rows) : el("p", { class: "soft" }, "empty")];
  }

  // Reads from disk that fail.
  failing(name) {
    const failing = this.run.under(`${name}/fails/`).map(([key, code]) => [...key.split("/"), code]);
    if (!failing.length) return [];
    const words = failing.map(([level, block, code]) => `block ${block}${level === "0" ? "" : ` of level ${level}`} (${code})`);
    return [el("p", { class: "bad" }, `Cannot be read from disk: ${words.slice(0, 24).join(", ")}${words.length > 24 ? ` and ${words.length - 24} more` : ""}`)];
  }

  indirect(name) {
    const rows = this.run.under(`${name}/indirect/`).map(([key, [data, holds, dirty, fill]]) => {
      const [level, block] = key.split("/").map(Number), part = `${name}/indirect/${key}`;
      return { changed: this.run.changed(part), differs: this.differs(part), level, block,
        cells: [`${block} of level ${level}`, data, holds, dirty.join(", ") || "clean", fill ? `${fill} blocks below it` : "nothing yet"] };
    }).sort((a, b) => Number(b.changed) - Number(a.changed) || b.level - a.level || a.block - b.block);
    if (!rows.length) return [];
    return [el("h4", {}, "Indirect blocks"), tableOf(`Indirect blocks of ${name}`, ["block", "its dbuf", "holds", "dirty in txg", "on disk"], rows)];
  }

  // Objects in a row that are alike are one row.
  owned() {
    const rows = this.run.under("owned/").map(([first, [last, user, group, project, used]]) => ({ changed: this.run.changed(`owned/${first}`),
      differs: this.differs(`owned/${first}`), first: Number(first), cells: [last > first ? `${first} to ${last}` : first, user, group, project, used] }))
      .sort((a, b) => Number(b.changed) - Number(a.changed) || a.first - b.first);
    if (!rows.length) return [];
    const more = this.run.parts.get("owned more");
    return [el("section", { class: "owners" }, el("h3", {}, "Objects and their owners"),
      tableOf("Objects and their owners", ["object", "user", "group", "project", "bytes"], rows), more ? el("p", { class: "soft" }, `and ${more} more objects`) : null)];
  }

  // Blocks in a row whose dbufs are alike are one row.
  dbufs(name) {
    const { run } = this, rows = [];
    const dbufs = run.under(`${name}/dbuf/`).map(([block, dbuf]) => [Number(block), dbuf]).sort((a, b) => a[0] - b[0]);
    for (const [block, [state, data, holders, dirty, user, where]] of dbufs) {
      const key = `${name}/dbuf/${block}`, changed = run.changed(key), differs = this.differs(key);
      const cells = [state + (where ? `, ${where}` : ""), data, holders.join(", ") || "nobody", dirty.join(", ") || "clean", user || "none"];
      const last = rows.at(-1);
      if (last && last.end === block - 1 && last.changed === changed && last.differs === differs && String(last.rest) === String(cells)) last.end = block;
      else rows.push({ first: block, end: block, changed, differs, rest: cells });
    }
    for (const row of rows) row.cells = [row.first === row.end ? `${row.first}` : `${row.first} to ${row.end}`, ...row.rest];
    rows.sort((a, b) => Number(b.changed) - Number(a.changed) || a.first - b.first);
    return [el("h4", {}, "Dbufs"), rows.length ? tableOf(`Dbufs of ${name}`, ["block", "state", "data", "held by", "dirty in txg", "user data"], rows) :
      el("p", { class: "soft" }, "none is in memory")];
  }
}
