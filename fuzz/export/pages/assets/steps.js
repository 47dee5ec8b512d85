// The steps of one run: what each changed, and the parts of the world as they are at a step.
"use strict";

const KEEP_EVERY = 64;

class Run {
  constructor(data) {
    this.release = data.release;
    this.outcome = data.outcome;
    this.steps = data.steps.map(([kind, op, thread, answer, where, changed]) =>
      ({ kind, op, thread, answer, where, changed }));
    this.fails = this.steps.findIndex((step) => step.kind === "failed");
    this.threads = [...new Set(this.steps.map((step) => step.thread))].sort();
    this.kept = [[-1, new Map()]];
    this.at = -1;
    this.parts = new Map();
    this.before = new Map();
  }

  // Stand at a step. Whole states are kept now and then, so that no step is far from one.
  go(to) {
    to = Math.max(0, Math.min(to, this.steps.length - 1));
    if (to === this.at) return;
    if (to < this.at) {
      const [at, parts] = this.kept.findLast(([at]) => at < to);
      this.at = at;
      this.parts = new Map(parts);
    }
    while (this.at < to) {
      this.at += 1;
      this.before = new Map();
      for (const [key, value] of Object.entries(this.steps[this.at].changed)) {
        this.before.set(key, this.parts.get(key));
        if (value === null) this.parts.delete(key);
        else this.parts.set(key, value);
      }
      if (this.at % KEEP_EVERY === 0 && this.at > this.kept.at(-1)[0]) {
        this.kept.push([this.at, new Map(this.parts)]);
      }
    }
  }

  get step() { return this.steps[this.at]; }

  changed(key) { return this.before.has(key) && this.step.kind !== "begin"; }

  anyChanged(start) {
    return this.step.kind !== "begin" && [...this.before.keys()].some((key) => key.startsWith(start));
  }

  // The parts whose key begins so: the rest of the key, and the value.
  under(start) {
    const found = [];
    for (const [key, value] of this.parts) if (key.startsWith(start)) found.push([key.slice(start.length), value]);
    return found;
  }

  zaps() {
    return [...this.parts.keys()].filter((key) => key.endsWith("/object") && key.split("/").length === 2)
      .map((key) => key.slice(0, -"/object".length));
  }

  // The step at which an op was done: its last one.
  ofOp(op) {
    const at = this.steps.findLastIndex((step) => step.op === op);
    return at >= 0 ? at : this.steps.length - 1;
  }
}

// Two runs side by side: at each place a step of both, and which of them moves there. The run with more steps leads, and the
// other stands at the same point of the same op, as far as it has come; what it does after that follows at the end.
function beside(one, other) {
  const lead = other.steps.length > one.steps.length ? 1 : 0;
  const [leading, following] = lead ? [other, one] : [one, other];
  const [mine, theirs] = [stepsOfOps(leading), stepsOfOps(following)];
  const places = [];
  const put = (at, there, who) => places.push(lead ? [there, at, who] : [at, there, who]);
  let there = 0;
  leading.steps.forEach((step, at) => {
    const [own, same] = [mine.get(step.op), theirs.get(step.op)];
    if (same) {
      const number = own.indexOf(at);
      const found = number === own.length - 1 ? same.length - 1 : Math.min(number, same.length - 1);
      there = Math.max(there, same[found]);
    }
    put(at, there, lead);
  });
  while (there < following.steps.length - 1) put(leading.steps.length - 1, there += 1, 1 - lead);
  return places;
}

// The steps of each op.
function stepsOfOps(run) {
  const found = new Map();
  run.steps.forEach((step, at) => { if (found.has(step.op)) found.get(step.op).push(at); else found.set(step.op, [at]); });
  return found;
}

// "h1t2l1" as [[kind, first, count], ...].
function runsOf(text) {
  let at = 0;
  return [...(text || "").matchAll(/(\D)(\d+)/g)].map(([, kind, count]) => {
    const run = [kind, at, Number(count)];
    at += run[2];
    return run;
  });
}

function kindsOf(text) {
  return runsOf(text).flatMap(([kind, , count]) => Array(count).fill(kind));
}

// "3-9 12 8-5" as the numbers in their order, at most so many.
function numbersOf(text, most = Infinity) {
  const numbers = [];
  for (const piece of (text || "").split(" and ")[0].split(" ")) {
    if (!/^\d+(-\d+)?$/.test(piece)) continue;
    const [first, last = first] = piece.split("-").map(Number);
    const step = last < first ? -1 : 1;
    for (let n = first; n !== last + step; n += step) {
      if (numbers.length >= most) return numbers;
      numbers.push(n);
    }
  }
  return numbers;
}

const BLOCK_KINDS = { h: "header", t: "pointer table", n: "table being built", l: "leaf", z: "zeros", o: "no leaf", m: "micro" };

// How a change is told, what says most first.
const PHRASES = [
  [/^release$/, (was, is) => (was ? `the pool is with release ${is} now` : "")],
  [/^txgs$/, (was, is) => {
    const told = [];
    if (!was || was[0] !== is[0]) told.push(`txg ${is[0]} is open`);
    for (const txg of was ? was[1] : []) if (!is[1].includes(txg)) told.push(`txg ${txg} has synced`);
    return told.join(", ");
  }],
  [/^tasks\/(\d+)$/, (was, is, txg) => (is ? `${is[0] + is[1]} sync task${is[0] + is[1] > 1 ? "s" : ""} wait${is[0] + is[1] > 1 ? "" : "s"} in txg ${txg}` : `the sync tasks of txg ${txg} are done`)],
  [/^unaccounted\/(\d+)$/, (was, is, txg) => (is ? "" : `what txg ${txg} changed is accounted for`)],
  [/^(.*)\/wrong\/(\d+)$/, (was, is, name, block) => (is ? `leaf ${block} is wrong: ${is[0]}` : `leaf ${block} is whole again`)],
  [/^(.*)\/fails\/(\d+)\/(\d+)$/, (was, is, name, level, block) => `${name}: ${level === "0" ? "" : `level ${level}, `}block ${block} ` +
    (is ? `cannot be read from disk (${is})` : "can be read again")],
  [/^cursor\/(.*)$/, (was, is, name) => (is === undefined ? `cursor ${name} is closed` : `cursor ${name} stands at ${is[1]}` + (is[3] >= 0 ? ` on leaf ${is[3]}` : ""))],
  [/^thread\/(\d+)$/, (was, is, number) => (is && (!was || was[1] !== is[1]) ? `t${number} ${is[1]}` : "")],
  [/^(.*)\/object$/, (was, is, name) => (is === undefined ? `${name} is gone` :
    was && was[4] !== is[4] ? `${name} is ${is[4] ? "destroyed" : "created"}` : was ? "" : `${name} is object ${is[0]}`)],
  [/^(.*)\/levels$/, (was, is, name) => (is ? `${name} has ${is} levels` : "")],
  [/^(.*)\/header$/, (was, is, name) => (was && is ? `header of ${name}: ` + Object.keys(is).filter((field) => was[field] !== is[field])
    .map((field) => `${field} ${was[field]} → ${is[field]}`).join(", ") : "")],
  [/^(.*)\/blocks$/, (was, is, name) => {
    const [old, now] = [kindsOf(was), kindsOf(is)];
    const told = [];
    for (let block = 0; block < Math.max(old.length, now.length) && told.length < 8; block += 1) {
      if (old[block] !== now[block]) told.push(`block ${block} of ${name} is ${BLOCK_KINDS[now[block]] || "gone"} now` +
        (old[block] ? `, was ${BLOCK_KINDS[old[block]]}` : ""));
    }
    return told.join("; ");
  }],
  [/^(.*)\/(table|next)\/(\d+)$/, (was, is, name, which, block) => `${which === "next" ? "table being built" : "pointer table"}: ` +
    (is === undefined ? `nothing leads to block ${block} now` : `${prefixes(is)} leads to block ${block}`)],
  [/^(.*)\/leaf\/(\d+)$/, (was, is, name, block) => (was && is ? `leaf ${block}: ` + Object.keys(is).filter((field) => was[field] !== is[field])
    .map((field) => `${field} ${was[field]} → ${is[field]}`).join(", ") : "")],
  [/^(.*)\/entry\/(\d+)\/(\d+)$/, (was, is, name, block) => (is === undefined ? `entry ${was[0]} leaves leaf ${block}` :
    was ? `entry ${is[0]} of leaf ${block} changes` : `entry ${is[0]} comes to leaf ${block}`)],
  [/^(.*)\/slot\/(\d+)$/, (was, is, name, slot) => (is === undefined ? `slot ${slot} is empty now` : `slot ${slot} is ${is[0]} = ${is[1]}`)],
  [/^(.*)\/freed\/(\d+)$/, (was, is, name, txg) => (is ? `txg ${txg} frees block ${is} of ${name}` : "")],
  [/^owned\/(\d+)$/, (was, is, first) => {
    if (!is) return `object ${first} is freed, or told with others`;
    return `${is[0] > first ? `objects ${first} to ${is[0]} are` : `object ${first} is`} of user ${is[1]}, group ${is[2]}, project ${is[3]}, with ${is[4]} bytes`;
  }],
  [/^(.*)\/dbuf\/(\d+)$/, (was, is, name, block) => {
    if (is === undefined) return `the dbuf of block ${block} is gone`;
    if (!was) return `block ${block} has a dbuf` + (is[4] ? `, with ${is[4]}` : "");
    const told = [];
    if (was[0] !== is[0]) told.push(`is ${is[0]}`);
    if (was[1] !== is[1]) told.push(`has data ${is[1]}`);
    if (String(was[2]) !== String(is[2])) told.push(is[2].length ? `is held by ${is[2].join(", ")}` : "is held by nobody");
    if (String(was[3]) !== String(is[3])) told.push(is[3].length ? `is dirty in txg ${is[3].join(", ")}` : "is clean");
    if (was[4] !== is[4]) told.push(is[4] ? `has user data: ${is[4]}` : "has no user data any more");
    return told.length ? `the dbuf of block ${block} ${told.join(", ")}` : "";
  }],
  [/^(.*)\/indirect\/(\d+)\/(\d+)$/, (was, is, name, level, block) => {
    const what = `indirect block ${block} of level ${level}`;
    if (!is) return `${what} is gone`;
    if (!was) return `${what} has a dbuf`;
    const told = [];
    if (was[0] !== is[0]) told.push(`is ${is[0]}`);
    if (String(was[2]) !== String(is[2])) told.push(is[2].length ? `is dirty in txg ${is[2].join(", ")}` : "is clean");
    if (was[3] !== is[3]) told.push(is[3] ? `has ${is[3]} blocks below it on disk` : "is a hole on disk");
    return told.length ? `${what} ${told.join(", ")}` : "";
  }],
];

function prefixes(text) {
  const all = text.split(" ").map((each) => (each === "*" ? "every hash" : each));
  return all.slice(0, 6).join(", ") + (all.length > 6 ? ` and ${all.length - 6} more prefixes` : "");
}

// What a step changed, in sentences, what says most first.
function told(run) {
  const sentences = [];
  for (const [key, was] of run.before) {
    const rank = PHRASES.findIndex(([pattern]) => pattern.test(key));
    if (rank < 0) continue;
    const [pattern, phrase] = PHRASES[rank];
    const text = phrase(was, run.parts.get(key), ...pattern.exec(key).slice(1));
    if (text && !text.endsWith(": ")) sentences.push([rank, text]);
  }
  return sentences.sort((a, b) => a[0] - b[0]).map(([, text]) => text);
}
