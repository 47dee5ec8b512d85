// Pictures: the pointer table as a tree of prefixes, blocks, the chunks of a leaf, txgs and threads over time.
"use strict";

const SVG = "http://www.w3.org/2000/svg";

function svg(tag, attributes = {}, ...inside) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...inside);
  return made;
}

function picture(width, height, words, ...inside) {
  return svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": words }, ...inside);
}

const title = (text) => svg("title", {}, text);

function mark(x, y, width, height) {
  return svg("rect", { x, y, width, height, rx: 3, class: "changed-box" });
}

const MOST_BRANCHES = 400;

// The prefixes of a table as a binary tree without the nodes that have one branch.
function treeOf(leaves) {
  const sorted = leaves.toSorted((a, b) => (a.bits < b.bits ? -1 : a.bits > b.bits ? 1 : 0));
  const build = (list, depth) => {
    if (list.length === 1 || list.every((each) => each.bits.length <= depth)) return { leaf: list[0], depth: list[0].bits.length };
    let at = depth;
    const first = list[0].bits, last = list.at(-1).bits;
    while (at < first.length && first[at] === last[at]) at += 1;
    const half = list.findIndex((each) => each.bits[at] === "1");
    if (half <= 0) return { leaf: list[0], depth: list[0].bits.length };
    return { depth: at, children: [build(list.slice(0, half), at + 1), build(list.slice(half), at + 1)] };
  };
  return sorted.length ? build(sorted, 0) : null;
}

function drawTree(run, name, which, choose) {
  const leaves = [];
  for (const [block, text] of run.under(`${name}/${which}/`)) {
    for (const bits of text.split(" ")) {
      const key = `${name}/leaf/${block}`;
      leaves.push({ bits: bits === "*" ? "" : bits, block: Number(block), entries: run.parts.get(key)?.entries,
        prefix: run.parts.get(key)?.prefix, changed: run.changed(`${name}/${which}/${block}`) || run.changed(key) });
    }
  }
  const shown = leaves.toSorted((a, b) => Number(b.changed) - Number(a.changed)).slice(0, MOST_BRANCHES);
  const root = treeOf(shown);
  if (root === null) return null;
  const count = shown.length, wide = count <= 40;
  const step = wide ? 72 : Math.max(8, Math.floor(2400 / count)), box = wide ? 64 : step - 2;
  const depths = new Set();
  const collect = (node) => { depths.add(node.depth); (node.children || []).forEach(collect); };
  collect(root);
  const level = new Map([...depths].sort((a, b) => a - b).map((depth, at) => [depth, at]));
  const rowHeight = level.size > 12 ? 22 : 30;
  const bottom = level.size * rowHeight + 8;
  const lines = [], boxes = [];
  let next = 0;
  const place = (node) => {
    const y = level.get(node.depth) * rowHeight + 8;
    if (node.leaf) {
      const x = next * step + step / 2;
      next += 1;
      boxes.push(leafBox(node.leaf, x, bottom, box, wide, choose));
      return { x, y: bottom };
    }
    const [left, right] = node.children.map(place);
    const x = (left.x + right.x) / 2;
    for (const [child, bit] of [[left, "0"], [right, "1"]]) {
      lines.push(svg("path", { class: "branch", d: `M${x},${y} V${(y + 12)} H${child.x} V${child.y}` }));
      if (wide) lines.push(svg("text", { x: child.x + (bit === "0" ? -9 : 3), y: y + 24, class: "soft", "font-size": 10 }, bit));
    }
    lines.push(svg("circle", { cx: x, cy: y, r: 3, class: "node" }));
    return { x, y };
  };
  place(root);
  const words = `${which === "next" ? "The table being built" : "The pointer table"}: ` +
    shown.slice(0, 30).map((leaf) => `${leaf.bits || "every hash"} leads to block ${leaf.block}`).join(", ") +
    (leaves.length > 30 ? `, and ${leaves.length - 30} more` : "");
  const drawn = picture(Math.max(count * step, 120), bottom + 52, words, ...lines, ...boxes);
  return count < leaves.length ? [drawn, `${leaves.length - count} more prefixes are not drawn.`] : [drawn, ""];
}

function leafBox(leaf, x, y, width, wide, choose) {
  const known = leaf.entries !== undefined;
  const wrong = known && (leaf.bits || "*") !== leaf.prefix && !(leaf.bits || "*").startsWith(leaf.prefix === "*" ? "" : leaf.prefix);
  const group = svg("g", { class: "hot" }, title(`prefix ${leaf.bits || "*"} leads to block ${leaf.block}` +
    (known ? `, a leaf of prefix ${leaf.prefix} with ${leaf.entries} entries` : ", which is no leaf") + (wrong ? ": wrong" : "")),
  svg("rect", { x: x - width / 2, y, width, height: 32, rx: 3, class: `box${known ? "" : " empty"}${wrong || (!known && leaf.block) ? " wrong" : ""}` }));
  if (wide) {
    group.append(svg("text", { x, y: y + 13, "text-anchor": "middle", "font-size": 11 }, `block ${leaf.block}`),
      svg("text", { x, y: y + 26, "text-anchor": "middle", "font-size": 10, class: "soft" }, known ? `${leaf.entries} entr.` : leaf.block ? "no leaf" : "not yet"),
      svg("text", { x, y: y + 46, "text-anchor": "middle", "font-size": 10, class: "soft" },
        leaf.bits.length > 8 ? `…${leaf.bits.slice(-7)}` : leaf.bits || "*"));
  }
  if (leaf.changed) group.append(mark(x - width / 2 - 2, y - 2, width + 4, 36));
  group.addEventListener("click", () => choose(leaf.block));
  return group;
}

const MOST_BLOCKS = 1024;

function drawBlocks(run, name, choose) {
  const kinds = kindsOf(run.parts.get(`${name}/blocks`)), was = kindsOf(run.before.get(`${name}/blocks`) ?? run.parts.get(`${name}/blocks`));
  const header = run.parts.get(`${name}/header`) || {};
  const mark_ = Number(header.zap_freeblk || 0);
  const many = kinds.length > 96, size = many ? 11 : 30, row = many ? 64 : 24;
  const blocks = kinds.slice(0, MOST_BLOCKS);
  const drawn = [];
  blocks.forEach((kind, block) => {
    const x = (block % row) * (size + 2) + 4, y = Math.floor(block / row) * (size + (many ? 2 : 8)) + 4;
    const dbuf = run.parts.get(`${name}/dbuf/${block}`);
    const text = `block ${block}: ${BLOCK_KINDS[kind]}` + (dbuf ? `; dbuf ${dbuf[0]}${dbuf[2].length ? `, held by ${dbuf[2].join(", ")}` : ""}` +
      `${dbuf[3].length ? `, dirty in ${dbuf[3].join(", ")}` : ""}${dbuf[4] ? `, user data ${dbuf[4]}` : ""}` : "; no dbuf");
    const group = svg("g", { class: "hot" }, title(text), svg("rect", { x, y, width: size, height: size, rx: 2, class: `k-${kind}` }));
    if (!many) {
      group.append(svg("text", { x: x + size / 2, y: y + 20, "text-anchor": "middle", "font-size": 12, class: kind === "z" ? "soft" : "on" }, String(block)));
      if (dbuf?.[3].length) group.append(svg("circle", { cx: x + size - 5, cy: y + 5, r: 4, class: "dirty" }));
      if (dbuf?.[4]) group.append(svg("rect", { x: x + 2, y: y + size - 7, width: 5, height: 5, class: "user" }));
    }
    if (run.step.kind !== "begin" && (kind !== was[block] || run.changed(`${name}/leaf/${block}`) || run.changed(`${name}/uses/${block}`))) {
      group.append(mark(x - 1, y - 1, size + 2, size + 2));
    }
    group.addEventListener("click", () => choose(block));
    drawn.push(group);
    if (block === mark_) drawn.push(svg("line", { class: "cursor", x1: x - 1.5, x2: x - 1.5, y1: y - 3, y2: y + size + 3 }));
  });
  const words = `Blocks of ${name}: ` + runsOf(run.parts.get(`${name}/blocks`)).slice(0, 40).map(([kind, first, count]) =>
    `${first}${count > 1 ? ` to ${first + count - 1}` : ""} ${BLOCK_KINDS[kind]}`).join(", ") + (mark_ ? `. The free mark is at block ${mark_}` : "");
  const rows = Math.ceil(blocks.length / row);
  const shown = picture(Math.min(row, blocks.length) * (size + 2) + 8, rows * (size + (many ? 2 : 8)) + 6, words, ...drawn);
  return [shown, kinds.length > MOST_BLOCKS ? `${kinds.length - MOST_BLOCKS} more blocks are not drawn.` : ""];
}

const USES = { e: "entry", n: "name", v: "value", f: "free", a: "array without entry", "?": "no known type" };

function drawChunks(run, name, block) {
  const now = runsOf(run.parts.get(`${name}/uses/${block}`)), chunks = run.parts.get(`${name}/leaf/${block}`).chunks;
  const row = chunks > 700 ? 64 : chunks > 60 ? 32 : 8;
  const size = chunks > 700 ? 8 : chunks > 60 ? 15 : 34, high = chunks > 60 ? size : 24;
  const at = (chunk) => [(chunk % row) * size + 4, Math.floor(chunk / row) * high + 4];
  const middle = (chunk) => { const [x, y] = at(chunk); return `${x + size / 2},${y + high / 2}`; };
  const drawn = [];
  const pieces = (first, count, make) => {
    while (count > 0) {
      const length = Math.min(count, row - (first % row));
      make(first, length);
      first += length;
      count -= length;
    }
  };
  for (const [use, first, count] of now) {
    pieces(first, count, (start, length) => {
      const [x, y] = at(start);
      drawn.push(svg("rect", { x, y, width: length * size, height: high, class: `u-${use === "?" ? "q" : use}` },
        title(`chunk ${start}${length > 1 ? ` to ${start + length - 1}` : ""}: ${USES[use]}`)));
    });
  }
  const rows = Math.ceil(chunks / row);
  const seams = [];
  for (let n = 1; n < row; n += 1) seams.push(`M${n * size + 4},4V${rows * high + 4}`);
  for (let n = 1; n < rows; n += 1) seams.push(`M4,${n * high + 4}H${row * size + 4}`);
  drawn.push(svg("path", { class: "seam", d: seams.join("") }));
  if (size > 20) {
    kindsOf(run.parts.get(`${name}/uses/${block}`)).forEach((use, chunk) => {
      const [x, y] = at(chunk);
      drawn.push(svg("text", { x: x + size / 2, y: y + 16, "text-anchor": "middle", "font-size": 11, class: use === "f" ? "soft" : "on" }, String(chunk)));
    });
  }
  const free = numbersOf(run.parts.get(`${name}/freelist/${block}`), 64);
  if (free.length > 1) drawn.push(svg("polyline", { class: "freeline", points: free.map(middle).join(" ") }, title("the free list")));
  const entries = run.under(`${name}/entry/${block}/`);
  for (const [chunk, entry] of entries) {
    const fresh = run.changed(`${name}/entry/${block}/${chunk}`);
    if (entries.length > 12 && !fresh) continue;
    for (const tail of [numbersOf(entry[8], 64), numbersOf(entry[9], 400)]) {
      if (tail.length) drawn.push(svg("polyline", { class: "chain", points: [Number(chunk), ...tail].map(middle).join(" ") }, title(`${entry[0]}: its ${tail.length} chunks`)));
    }
  }
  if (run.changed(`${name}/uses/${block}`)) {
    const old = kindsOf(run.before.get(`${name}/uses/${block}`)), uses = kindsOf(run.parts.get(`${name}/uses/${block}`));
    let from = -1;
    for (let chunk = 0; chunk <= chunks; chunk += 1) {
      const differs = chunk < chunks && old.length && uses[chunk] !== old[chunk];
      if (differs && from < 0) from = chunk;
      if (!differs && from >= 0) {
        pieces(from, chunk - from, (start, length) => { const [x, y] = at(start); drawn.push(mark(x, y, length * size, high)); });
        from = -1;
      }
    }
  }
  const counts = {};
  for (const [use, , count] of now) counts[use] = (counts[use] || 0) + count;
  const words = `Chunks of leaf ${block}: ` + Object.entries(counts).map(([use, count]) => `${count} ${USES[use]}`).join(", ");
  return picture(row * size + 8, rows * high + 8, words, ...drawn);
}

// Lanes over all steps: which thread ran, or which txg was open, quiescing and syncing.
function drawLanes(run, lanes, cells, words, go) {
  const width = 900, left = 92, high = 20, steps = run.steps.length, each = (width - left) / steps;
  const drawn = lanes.map((lane, at) => svg("text", { x: 0, y: at * (high + 4) + 15, "font-size": 12 }, lane));
  for (const { lane, from, to, look, text } of cells) {
    drawn.push(svg("rect", { x: left + from * each, y: lane * (high + 4) + 2, width: Math.max((to - from) * each - 0.5, 0.8), height: high - 2, class: look }, title(text)));
    if ((to - from) * each > 9 * text.length && text.length < 4) {
      drawn.push(svg("text", { x: left + ((from + to) / 2) * each, y: lane * (high + 4) + 15, "text-anchor": "middle", "font-size": 11, class: "on" }, text));
    }
  }
  const tall = lanes.length * (high + 4);
  if (run.fails >= 0) drawn.push(svg("rect", { x: left + run.fails * each, y: 0, width: Math.max(each, 2), height: tall, class: "failing" }, title("the failure")));
  const line = svg("line", { class: "cursor", y1: 0, y2: tall });
  drawn.push(line);
  const shown = picture(width, tall + 2, words, ...drawn);
  shown.classList.add("hot", "fit");
  shown.addEventListener("click", (event) => {
    const box = shown.getBoundingClientRect();
    go(Math.floor((((event.clientX - box.left) / box.width) * width - left) / each));
  });
  shown.move = (at) => { for (const end of ["x1", "x2"]) line.setAttribute(end, left + (at + 0.5) * each); };
  return shown;
}

function txgCells(run) {
  const cells = [];
  const last = new Map();
  let state = [0, [], 0];
  const note = (lane, txg, at, look) => {
    const key = `${lane}/${txg}`, known = last.get(key);
    if (known && known.to === at) known.to = at + 1;
    else { const cell = { lane, from: at, to: at + 1, look, text: String(txg) }; last.set(key, cell); cells.push(cell); }
  };
  run.steps.forEach((step, at) => {
    state = step.changed.txgs || state;
    note(0, state[0], at, "open");
    state[1].forEach((txg, place) => note(state[1].length - place > 1 ? 2 : 1, txg, at, state[1].length - place > 1 ? "syncing" : "quiescing"));
    if (state[2]) note(2, state[2], at, "syncing");
  });
  return cells;
}

function threadCells(run, threads) {
  const cells = [];
  run.steps.forEach((step, at) => {
    if (step.kind === "begin") return;
    const lane = threads.indexOf(step.thread), known = cells.at(-1);
    if (known && known.lane === lane && known.to === at) known.to = at + 1;
    else cells.push({ lane, from: at, to: at + 1, look: `t${step.thread % 5}`, text: `t${step.thread}` });
  });
  return cells;
}
