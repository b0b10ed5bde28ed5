// Small behaviours over pages that work without them: the chart's cross-hair, keyboard
// shortcuts, the theme, a busy state. Texts and coordinates come finished from the server.

const GAP = 14; // between a point and its tooltip
const RISE = 70; // how far a tooltip may stand out above the drawing

const on = (name, handle) => document.addEventListener(name, handle);
const modified = (event) => event.ctrlKey || event.metaKey || event.altKey;

function shape(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** A chart: pointer and arrow keys show one reading at a time. */
class UsageChart extends HTMLElement {
  connectedCallback() {
    this.readings = JSON.parse(this.querySelector("script").textContent);
    if (!this.readings.length) return;
    this.tabIndex = 0;
    this.role = "group";
    this.ariaLabel = `${this.dataset.label}: arrow keys move, Escape leaves`;
    this.spoken?.remove(); // after a swap
    this.spoken = this.make("p", "hidden-text");
    this.spoken.role = "status";
    this.onpointermove = (event) => this.show(this.nearest(event.clientX));
    this.onpointerleave = this.onblur = () => this.clear();
    this.onkeydown = (event) => this.step(event);
  }

  make(tag, name, parent = this) {
    const made = document.createElement(tag);
    made.className = name;
    return parent.appendChild(made);
  }

  get drawing() {
    return [...this.querySelectorAll("svg.chart")].find((svg) => svg.getClientRects().length);
  }

  /** Where a reading stands in the drawing shown now, in its own units. */
  at(index) {
    return this.readings[index].at[this.drawing.classList[1]].map(Number);
  }

  nearest(clientX) {
    const box = this.drawing.getBoundingClientRect();
    const x = ((clientX - box.left) / box.width) * this.drawing.viewBox.baseVal.width;
    const gaps = this.readings.map((_, index) => Math.abs(this.at(index)[0] - x));
    return gaps.indexOf(Math.min(...gaps));
  }

  step(event) {
    const last = this.readings.length - 1;
    const { index } = this;
    const to = {
      ArrowLeft: Math.max(0, (index ?? last + 1) - 1),
      ArrowRight: Math.min(last, (index ?? -1) + 1),
      Home: 0,
      End: last,
    }[event.key];
    if (event.key === "Escape") this.clear();
    if (to === undefined || modified(event)) return;
    event.preventDefault();
    this.show(to);
    const { title, rows } = this.readings[to];
    this.spoken.textContent = [title, ...rows.map((row) => row.join(" "))].join(", ");
  }

  show(index) {
    if (index === this.index) return;
    this.clear();
    this.index = index;
    const [x, y] = this.at(index);
    const { top, floor } = this.drawing.dataset;
    this.mark = this.drawing.appendChild(shape("g", {}));
    this.mark.append(
      shape("path", { class: "cross", d: `M${x},${top}V${floor}` }),
      shape("circle", { class: "dot", r: 4.5, cx: x, cy: y }),
    );
    this.label(x, y);
  }

  label(x, y) {
    const { title, rows } = this.readings[this.index];
    this.tip = this.make("div", "tip");
    this.tip.ariaHidden = "true";
    this.make("b", "", this.tip).textContent = title;
    for (const row of rows) {
      const line = this.make("div", "", this.tip);
      for (const text of row) this.make("span", "", line).textContent = text;
    }
    this.place(x, y);
  }

  /** Off the line: totals rise, so up left and down right are free; else over the legend. */
  place(x, y) {
    const box = this.drawing.getBoundingClientRect();
    const scale = box.width / this.drawing.viewBox.baseVal.width;
    const { offsetWidth: wide, offsetHeight: high } = this.tip;
    const [px, py, floor] = [x, y, this.drawing.dataset.floor].map((value) => value * scale);
    let [left, top] = [px - wide - GAP, Math.max(-RISE, py - high - GAP)];
    const below = px + GAP + wide <= box.width && py + GAP + high <= floor;
    if (below && (left < 0 || top + high > py)) [left, top] = [px + GAP, py + GAP];
    this.tip.style.left = `${Math.max(0, Math.min(left, box.width - wide))}px`;
    this.tip.style.top = `${top}px`;
  }

  clear() {
    this.tip?.remove();
    this.mark?.remove();
    this.index = this.tip = this.mark = undefined;
  }
}
customElements.define("usage-chart", UsageChart);

// Keyboard: `/` finds, `?` helps, `g` and a letter goes. Never while typing.
const help = document.getElementById("help");
let going = 0;

on("keydown", (event) => {
  if (modified(event)) return;
  if (event.target.closest("input, select, textarea, [contenteditable], dialog")) return;
  const place = `[data-go="${CSS.escape(event.key)}"]`;
  const go = event.timeStamp < going && document.querySelector(place);
  going = event.key === "g" ? event.timeStamp + 1500 : 0;
  if (go) go.click();
  else if (event.key === "?") help?.showModal();
  else if (event.key === "/") document.querySelector("[data-find]")?.focus();
  else if (event.key === ".") document.querySelector("[data-period] [aria-current]")?.focus();
  else return;
  event.preventDefault();
});

// The theme is a cookie, so that the next page is drawn in it without a flash.
on("submit", (event) => {
  const chosen = event.submitter?.closest("[data-theme-form]") && event.submitter;
  if (!chosen) return;
  event.preventDefault();
  document.cookie = `theme=${chosen.value}; Path=/; Max-Age=31536000; SameSite=Lax`;
  document.documentElement.dataset.theme = chosen.value;
  for (const button of document.querySelectorAll("[data-theme-form] button")) {
    button.ariaPressed = String(button.value === chosen.value);
  }
});

on("change", (event) => {
  if (event.target.matches("[data-auto] :is(select, [list])")) event.target.form.requestSubmit();
});

on("htmx:after:swap", () => {
  for (const chart of document.querySelectorAll("usage-chart")) chart.connectedCallback();
});

// Busy after 150 ms: quick answers never flicker. Not for ever: a download stays here.
let waiting;
function busy(on) {
  clearTimeout(waiting);
  if (!on) document.body.ariaBusy = null;
  else waiting = setTimeout(() => {
    document.body.ariaBusy = "true";
    waiting = setTimeout(busy, 8000);
  }, 150);
}
on("htmx:before:request", () => busy(true));
on("htmx:finally:request", () => busy(false));
window.onbeforeunload = () => busy(true);
window.onpageshow = () => busy(false);
