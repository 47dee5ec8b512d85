// Goes through the steps: buttons, slider, keys, the list of ops; one release, or two side by side.
"use strict";

async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

(async () => {
  const data = await unpacked(document.getElementById("data").textContent);
  const runs = data.runs.map((run) => new Run(run));
  const bar = document.querySelector(".bar"), slider = bar.querySelector("input"), place = document.querySelector(".views");
  const ops = [...document.querySelectorAll("[data-op]")];
  const views = runs.map((run, each) => new View(run, data.zaps, (at) => go(both() ? places.findIndex((place) => place[each] >= at) : at)));
  const motionless = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  let shown = [0], at = 0, timer = 0;

  const places = runs.length > 1 ? beside(runs[0], runs[1]) : [];
  const both = () => shown.length > 1;
  const most = () => (both() ? places.length : runs[shown[0]].steps.length) - 1;

  function go(to) {
    at = Math.max(0, Math.min(to, most()));
    for (const each of shown) runs[each].go(both() ? places[at][each] : at);
    for (const each of shown) views[each].show(both() ? runs[1 - each] : undefined);
    slider.max = most();
    slider.value = at;
    const step = runs[both() ? places[at][2] : shown[0]].step;
    const name = step.op >= 0 && step.op < data.ops.length ? data.ops[step.op] : step.kind === "begin" ? "the beginning" : "the end";
    slider.setAttribute("aria-valuetext", `step ${at} of ${most()}: ${name}`);
    bar.querySelector(".count").textContent = `Step ${at} of ${most()}`;
    bar.querySelector(".op").textContent = (step.thread && step.op >= 0 && !name.startsWith("t") ? `t${step.thread}: ` : "") + name;
    const answer = bar.querySelector(".answer");
    answer.className = step.kind === "failed" ? "answer bad" : "answer";
    answer.textContent = step.kind === "op" ? `→ ${step.answer}` : step.kind === "point" ? `t${step.thread} ${step.where}` : step.answer;
    for (const button of ops) {
      const current = Number(button.dataset.op) === step.op;
      if (current) button.setAttribute("aria-current", "step");
      else button.removeAttribute("aria-current");
      if (current) keepInSight(button);
    }
  }

  function keepInSight(button) {
    const list = button.closest(".ops");
    const top = button.offsetTop - list.offsetTop;
    if (top < list.scrollTop || top + button.offsetHeight > list.scrollTop + list.clientHeight) list.scrollTop = top - list.clientHeight / 3;
  }

  // The same point where one release is shown, or two, or another one.
  function standing(which) {
    if (which.length === shown.length && which[0] === shown[0]) return at;
    const place = both() ? at : places.findIndex((each) => each[shown[0]] >= at);
    if (place < 0) return at;
    return which.length > 1 ? place : places[place][which[0]];
  }

  function ofOp(op) {
    if (!both()) return runs[shown[0]].ofOp(op);
    const place = places.findIndex((each) => {
      const [run, step] = [runs[each[2]], each[each[2]]];
      return run.steps[step].op === op && run.ofOp(op) === step;
    });
    return place >= 0 ? place : most();
  }

  function show(which) {
    at = standing(which);
    shown = which;
    for (const button of bar.querySelectorAll("[data-show]")) {
      const mine = button.dataset.show === "both" ? which.length > 1 : which.length === 1 && Number(button.dataset.show) === which[0];
      button.setAttribute("aria-pressed", String(mine));
    }
    place.classList.toggle("two", which.length > 1);
    place.replaceChildren(...which.map((each) => views[each].box));
    const run = runs[which[0]];
    ops.forEach((button, op) => {
      const done = run.steps.findLast((step) => step.op === op);
      button.classList.toggle("fails", done?.kind === "failed");
      button.classList.toggle("notrun", !done);
      button.querySelector(".answer")?.remove();
      const text = !done ? "not run" : done.kind === "op" ? done.answer : done.kind === "failed" ? "fails" : "";
      if (text && text !== "ok") button.append(el("span", { class: "answer" }, text));
    });
    go(at);
  }

  function play(on) {
    clearInterval(timer);
    timer = on ? setInterval(() => (at < most() ? go(at + 1) : play(false)), motionless ? 1500 : 700) : 0;
    const button = bar.querySelector('[data-go="play"]');
    button.setAttribute("aria-pressed", String(on));
    button.textContent = on ? "Stop" : "Play";
    if (on && at >= most()) go(0);
  }

  const moves = { first: () => go(0), back: () => go(at - 1), on: () => go(at + 1), last: () => go(most()), play: () => play(!timer) };
  for (const button of bar.querySelectorAll("[data-go]")) {
    button.addEventListener("click", () => { if (button.dataset.go !== "play") play(false); moves[button.dataset.go](); });
  }
  for (const button of bar.querySelectorAll("[data-show]")) {
    button.addEventListener("click", () => show(button.dataset.show === "both" ? [0, 1] : [Number(button.dataset.show)]));
  }
  ops.forEach((button, op) => button.addEventListener("click", () => { play(false); go(ofOp(op)); }));
  slider.addEventListener("input", () => { play(false); go(Number(slider.value)); });

  const keys = { ArrowLeft: "back", ArrowRight: "on", Home: "first", End: "last", " ": "play" };
  document.addEventListener("keydown", (event) => {
    const inside = event.target.closest("button, input, select, a, summary");
    if (event.altKey || event.ctrlKey || event.metaKey || !(event.key in keys)) return;
    if (inside && (event.key === " " || inside.matches("input, select"))) return;
    event.preventDefault();
    if (event.key !== " ") play(false);
    moves[keys[event.key]]();
  });

  const from = /^#step=(\d+)$/.exec(location.hash);
  at = from ? Number(from[1]) : Math.max(0, runs[0].fails);
  show([0]);
  window.zapfuzz = { runs, places, go, get at() { return at; } };
  document.documentElement.dataset.ready = "yes";
})();
