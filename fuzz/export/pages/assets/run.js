// Draws the parts of the page anew that have changed, as the run sends them.
"use strict";

(() => {
  const state = document.getElementById("state");
  const known = new Map();
  const events = new EventSource("/events");
  let over = false;
  events.addEventListener("parts", (event) => {
    const { parts, said } = JSON.parse(event.data);
    for (const [id, text] of Object.entries(parts)) {
      const place = document.getElementById(id);
      if (known.get(id) === text || place.contains(document.activeElement)) continue;  // nobody's place is lost
      const open = [...place.querySelectorAll("details[open]")].map((each) => each.id);
      place.innerHTML = text;  // escaped by the template that made it
      for (const each of open) document.getElementById(each)?.setAttribute("open", "");
      known.set(id, text);
    }
    if (state.textContent !== said) state.textContent = said;
    document.documentElement.dataset.ready = "yes";
  });
  events.addEventListener("over", (event) => { over = true; events.close(); state.textContent = event.data; });
  events.addEventListener("error", () => { if (!over) state.textContent = "The run does not answer any more; this is what it had."; });
})();
